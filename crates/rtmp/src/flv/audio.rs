//! AUDIODATA (Video File Format 10.1 section E.4.2) and the extended audio header of Enhanced
//! RTMP v2.

use bytes::Bytes;

use super::{Refusal, Tag, mod_ex, multitrack::first_track, take};

/// What sound is coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Aac,
    Opus,
}

impl Codec {
    /// All that are taken by the extended header, and what they are called there. A publisher is told the same.
    pub(crate) const ALL: [(Self, &'static str); 2] = [(Self::Aac, "mp4a"), (Self::Opus, "Opus")];
}

/// Reads an audio message; a frame is one raw_data_block, or one Opus packet.
pub(crate) fn parse(mut bytes: Bytes) -> Result<Tag<Codec, Bytes>, Refusal> {
    if bytes.is_empty() {
        // Enhanced RTMP v2: "a message with a zero-length payload" stands for silence.
        return Ok(Tag::Nothing);
    }
    let [first] = take(&mut bytes, WHAT)?;
    match first >> 4 {
        FORMAT_AAC => match take::<1>(&mut bytes, WHAT)? {
            // The same numbers as of the extended header, but only these two.
            [kind @ (PACKET_SEQUENCE_START | PACKET_CODED_FRAMES)] => {
                packet(kind, Codec::Aac, bytes)
            }
            _ => Err(Refusal::Drop("unknown audio packet type")),
        },
        FORMAT_EXTENDED => {
            let packet_type = mod_ex::read(first & 0x0f, &mut bytes)?;
            if packet_type == PACKET_MULTITRACK {
                let first = first_track(bytes, PACKET_MULTITRACK)?;
                return packet(first.packet_type, codec(first.fourcc)?, first.body);
            }
            let codec = codec(take(&mut bytes, WHAT)?)?;
            packet(packet_type, codec, bytes)
        }
        format => Err(refuse(legacy_name(format))),
    }
}

/// One track's packet.
fn packet(packet_type: u8, codec: Codec, body: Bytes) -> Result<Tag<Codec, Bytes>, Refusal> {
    match packet_type {
        PACKET_SEQUENCE_START => Ok(Tag::Config(codec, body)),
        PACKET_CODED_FRAMES if body.is_empty() => Ok(Tag::Nothing),
        PACKET_CODED_FRAMES if body.len() > frame_max(codec) => {
            Err(Refusal::Drop("audio frame that is too long"))
        }
        PACKET_CODED_FRAMES => Ok(Tag::Frame(codec, body)),
        PACKET_SEQUENCE_END => Ok(Tag::Nothing),
        PACKET_MULTICHANNEL => match (codec, body.get(1)) {
            // FFmpeg sends one behind every Opus header. AAC says itself how many channels it has.
            (Codec::Opus, Some(3..)) => Err(Refusal::Codec {
                codec: "Opus with more than two channels".to_owned(),
                remedy: "send Opus in mono or stereo",
            }),
            _ => Ok(Tag::Nothing),
        },
        _ => Err(Refusal::Drop("unknown audio packet type")),
    }
}

fn codec(fourcc: [u8; 4]) -> Result<Codec, Refusal> {
    let taken = Codec::ALL
        .iter()
        .find(|(_, name)| name.as_bytes() == fourcc);
    if let Some((codec, _)) = taken {
        return Ok(*codec);
    }
    let named = fourcc_name(fourcc).map(refuse);
    Err(named.unwrap_or(Refusal::Drop("unknown audio FourCC")))
}

fn refuse(codec: &str) -> Refusal {
    Refusal::Codec {
        codec: codec.to_owned(),
        remedy: REMEDY,
    }
}

/// Table E.4.2.1.
const fn legacy_name(format: u8) -> &'static str {
    match format {
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711",
        11 => "Speex",
        13 => "Opus by the old header",
        _ => "this audio codec",
    }
}

const fn fourcc_name(fourcc: [u8; 4]) -> Option<&'static str> {
    match &fourcc {
        b"fLaC" => Some("FLAC"),
        b"ac-3" => Some("AC-3"),
        b"ec-3" => Some("E-AC-3"),
        b".mp3" => Some("MP3"),
        _ => None,
    }
}

/// What one frame can have at most.
const fn frame_max(codec: Codec) -> usize {
    match codec {
        // ISO/IEC 14496-3 section 4.5.3.1 allows 768 bytes a channel, 6144 for eight; ADTS can frame 8191.
        Codec::Aac => 8191,
        // RFC 6716 section 3: 48 frames of 1275 bytes, their lengths and the two bytes before them.
        Codec::Opus => 48 * 1277 + 2,
    }
}

const WHAT: &str = "cut-off audio message";
const REMEDY: &str = "send AAC or Opus";
const FORMAT_EXTENDED: u8 = 9;
const FORMAT_AAC: u8 = 10;
/// The same numbers in `AACPacketType` and `AudioPacketType`.
const PACKET_SEQUENCE_START: u8 = 0;
const PACKET_CODED_FRAMES: u8 = 1;
const PACKET_SEQUENCE_END: u8 = 2;
const PACKET_MULTICHANNEL: u8 = 4;
const PACKET_MULTITRACK: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &'static [u8]) -> Result<Tag<Codec, Bytes>, Refusal> {
        parse(Bytes::from_static(bytes))
    }

    #[test]
    fn aac_in_both_headers() {
        let config = Ok(Tag::Config(Codec::Aac, Bytes::from_static(&[0x11, 0x90])));
        assert_eq!(read(&[0xaf, 0, 0x11, 0x90]), config);
        assert_eq!(read(b"\x90mp4a\x11\x90"), config);
        let frame = Ok(Tag::Frame(Codec::Aac, Bytes::from_static(&[0x21])));
        assert_eq!(read(&[0xaf, 1, 0x21]), frame);
        assert_eq!(read(b"\x91mp4a\x21"), frame);
        assert_eq!(read(b"\x97\0\x09\x11mp4a\x21"), frame);
    }

    #[test]
    fn opus_in_the_extended_header() {
        let config = |record| Ok(Tag::Config(Codec::Opus, Bytes::from_static(record)));
        assert_eq!(read(b"\x90OpusOpusHead"), config(b"OpusHead"));
        assert_eq!(read(b"\x90Opus"), config(b""));
        let frame = Ok(Tag::Frame(Codec::Opus, Bytes::from_static(&[0xfc, 1])));
        assert_eq!(read(b"\x91Opus\xfc\x01"), frame);
        // The first of several, and another.
        assert_eq!(read(b"\x95\x01Opus\0\xfc\x01"), frame);
        assert_eq!(read(b"\x95\x01Opus\x01\xfc\x01"), Err(Refusal::OtherTrack));
        for nothing in [
            &b"\x94Opus\x01\x02\0\0\0\x03"[..],
            b"\x92Opus",
            b"\x91Opus",
            b"\x94Opus",
        ] {
            assert_eq!(read(nothing), Ok(Tag::Nothing));
        }
        let surround = read(b"\x94Opus\x01\x06\0\0\0\x3f");
        assert!(
            matches!(surround, Err(Refusal::Codec { .. })),
            "{surround:?}"
        );
    }

    #[test]
    fn silence_and_ends_are_nothing() {
        for bytes in [&b""[..], &[0xaf, 1], b"\x92mp4a", b"\x94mp4a\x01\x02"] {
            assert_eq!(read(bytes), Ok(Tag::Nothing), "{bytes:?}");
        }
    }

    #[test]
    fn other_codecs_are_refused_by_name() {
        for (bytes, name) in [
            (&b"\x90fLaC"[..], "FLAC"),
            (b"\xd0", "Opus by the old header"),
            (b"\x2f\xff", "MP3"),
            (b"\xb2", "Speex"),
        ] {
            let refused = Err(Refusal::Codec {
                codec: name.to_owned(),
                remedy: REMEDY,
            });
            assert_eq!(read(bytes), refused);
        }
    }

    #[test]
    fn what_makes_no_sense_is_dropped() {
        for bytes in [
            &b"\xaf"[..],
            b"\xaf\x02",
            b"\x91mp4",
            b"\x91zzzz",
            b"\x95\x00",
            b"\x95\x05Opus\0",
            b"\x93mp4a",
        ] {
            assert!(matches!(read(bytes), Err(Refusal::Drop(_))), "{bytes:?}");
        }
        let long = [&[0xaf, 1][..], &[0; 8192]].concat();
        assert!(matches!(parse(long.into()), Err(Refusal::Drop(_))));
    }
}
