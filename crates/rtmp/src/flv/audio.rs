//! AUDIODATA (Video File Format 10.1 section E.4.2) and the extended audio header of Enhanced
//! RTMP v2.

use bytes::Bytes;

use super::{Refusal, Tag, mod_ex, take};

/// Reads an audio message; a frame is one raw_data_block.
pub(crate) fn parse(mut bytes: Bytes) -> Result<Tag<Bytes>, Refusal> {
    if bytes.is_empty() {
        // Enhanced RTMP v2: "a message with a zero-length payload" stands for silence.
        return Ok(Tag::Nothing);
    }
    let [first] = take(&mut bytes, "cut-off audio message")?;
    let packet_type = match first >> 4 {
        FORMAT_AAC => take::<1>(&mut bytes, "cut-off audio message")?[0],
        FORMAT_EXTENDED => {
            let packet_type = mod_ex::skip(first & 0x0f, &mut bytes)?;
            if packet_type == PACKET_MULTITRACK {
                return Err(Refusal::Drop("multitrack audio"));
            }
            let fourcc = take::<4>(&mut bytes, "cut-off audio message")?;
            if &fourcc != b"mp4a" {
                let named = fourcc_name(fourcc).map(refuse);
                return Err(named.unwrap_or(Refusal::Drop("unknown audio FourCC")));
            }
            packet_type
        }
        format => return Err(refuse(legacy_name(format))),
    };
    match packet_type {
        PACKET_SEQUENCE_START => Ok(Tag::Config(bytes)),
        PACKET_CODED_FRAMES if bytes.is_empty() => Ok(Tag::Nothing),
        PACKET_CODED_FRAMES if bytes.len() > FRAME_MAX => {
            Err(Refusal::Drop("AAC frame longer than 8191 bytes"))
        }
        PACKET_CODED_FRAMES => Ok(Tag::Frame(bytes)),
        PACKET_SEQUENCE_END | PACKET_MULTICHANNEL if first >> 4 == FORMAT_EXTENDED => {
            Ok(Tag::Nothing)
        }
        _ => Err(Refusal::Drop("unknown audio packet type")),
    }
}

fn refuse(codec: &str) -> Refusal {
    Refusal::Codec {
        codec: codec.to_owned(),
        remedy: "send AAC",
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
        13 => "Opus",
        _ => "this audio codec",
    }
}

const fn fourcc_name(fourcc: [u8; 4]) -> Option<&'static str> {
    match &fourcc {
        b"Opus" => Some("Opus"),
        b"fLaC" => Some("FLAC"),
        b"ac-3" => Some("AC-3"),
        b"ec-3" => Some("E-AC-3"),
        b".mp3" => Some("MP3"),
        _ => None,
    }
}

const FORMAT_EXTENDED: u8 = 9;
const FORMAT_AAC: u8 = 10;
/// The same numbers in `AACPacketType` and `AudioPacketType`.
const PACKET_SEQUENCE_START: u8 = 0;
const PACKET_CODED_FRAMES: u8 = 1;
const PACKET_SEQUENCE_END: u8 = 2;
const PACKET_MULTICHANNEL: u8 = 4;
const PACKET_MULTITRACK: u8 = 5;
/// ISO/IEC 14496-3 section 4.5.3.1 allows 768 bytes a channel, 6144 for eight; ADTS can frame 8191.
const FRAME_MAX: usize = 8191;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &'static [u8]) -> Result<Tag<Bytes>, Refusal> {
        parse(Bytes::from_static(bytes))
    }

    #[test]
    fn aac_in_both_headers() {
        let config = Ok(Tag::Config(Bytes::from_static(&[0x11, 0x90])));
        assert_eq!(read(&[0xaf, 0, 0x11, 0x90]), config);
        assert_eq!(read(b"\x90mp4a\x11\x90"), config);
        let frame = Ok(Tag::Frame(Bytes::from_static(&[0x21])));
        assert_eq!(read(&[0xaf, 1, 0x21]), frame);
        assert_eq!(read(b"\x91mp4a\x21"), frame);
        assert_eq!(read(b"\x97\0\x09\x01mp4a\x21"), frame);
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
            (&b"\x90Opus"[..], "Opus"),
            (b"\x2f\xff", "MP3"),
            (b"\xb2", "Speex"),
        ] {
            let refused = Err(Refusal::Codec {
                codec: name.to_owned(),
                remedy: "send AAC",
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
            b"\x93mp4a",
        ] {
            assert!(matches!(read(bytes), Err(Refusal::Drop(_))), "{bytes:?}");
        }
        let long = [&[0xaf, 1][..], &[0; FRAME_MAX + 1]].concat();
        assert!(matches!(parse(long.into()), Err(Refusal::Drop(_))));
    }
}
