//! Packets of several tracks (Enhanced RTMP v2, "Multitrack"). One track of a kind is taken: the one with number 0.

use bytes::Bytes;

use super::{Refusal, take};

/// A track's packet, as if it stood alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) packet_type: u8,
    pub(super) fourcc: [u8; 4],
    pub(super) body: Bytes,
}

/// The packet of track 0; `multitrack` is the packet type that must not be nested.
pub(super) fn first_track(mut bytes: Bytes, multitrack: u8) -> Result<Packet, Refusal> {
    let [head] = take(&mut bytes, WHAT)?;
    let packet_type = head & 0x0f;
    // "This fetch MUST not result in a VideoPacketType.Multitrack".
    if packet_type == multitrack {
        return Err(Refusal::Drop("multitrack packet in a multitrack packet"));
    }
    match head >> 4 {
        ONE_TRACK => {
            let fourcc = take(&mut bytes, WHAT)?;
            let [id] = take(&mut bytes, WHAT)?;
            let packet = Packet {
                packet_type,
                fourcc,
                body: bytes,
            };
            (id == 0).then_some(packet).ok_or(Refusal::OtherTrack)
        }
        MANY_TRACKS => {
            let fourcc = take(&mut bytes, WHAT)?;
            among(bytes, packet_type, |_| Ok(fourcc))
        }
        MANY_TRACKS_MANY_CODECS => among(bytes, packet_type, |bytes| take(bytes, WHAT)),
        _ => Err(Refusal::Drop("unknown multitrack type")),
    }
}

/// Each track takes at least four bytes, so the walk ends with the message.
fn among(
    mut bytes: Bytes,
    packet_type: u8,
    mut fourcc: impl FnMut(&mut Bytes) -> Result<[u8; 4], Refusal>,
) -> Result<Packet, Refusal> {
    let mut first = None;
    loop {
        let fourcc = fourcc(&mut bytes)?;
        let [id, a, b, c] = take(&mut bytes, WHAT)?;
        let size = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        if size > bytes.len() {
            return Err(Refusal::Drop(WHAT));
        }
        let body = bytes.split_to(size);
        if id == 0 && first.is_none() {
            first = Some(Packet {
                packet_type,
                fourcc,
                body,
            });
        }
        if bytes.is_empty() {
            return first.ok_or(Refusal::OtherTrack);
        }
    }
}

const WHAT: &str = "cut-off multitrack packet";
const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &'static [u8]) -> Result<Packet, Refusal> {
        first_track(Bytes::from_static(bytes), 6)
    }

    fn packet(packet_type: u8, fourcc: [u8; 4], body: &'static [u8]) -> Result<Packet, Refusal> {
        Ok(Packet {
            packet_type,
            fourcc,
            body: Bytes::from_static(body),
        })
    }

    #[test]
    fn the_first_track_is_taken_from_every_form() {
        assert_eq!(read(b"\x01hvc1\0rest"), packet(1, *b"hvc1", b"rest"));
        assert_eq!(read(b"\x03av01\x01rest"), Err(Refusal::OtherTrack));
        let many = b"\x13av01\x01\0\0\x02xx\0\0\0\x03yyy";
        assert_eq!(read(many), packet(3, *b"av01", b"yyy"));
        let codecs = b"\x21vp09\0\0\0\x01yhvc1\x02\0\0\0";
        assert_eq!(read(codecs), packet(1, *b"vp09", b"y"));
        assert_eq!(read(b"\x13av01\x01\0\0\x02xx"), Err(Refusal::OtherTrack));
    }

    #[test]
    fn what_makes_no_sense_is_dropped() {
        for bytes in [
            &b""[..],
            b"\x06hvc1\0",
            b"\x16hvc1",
            b"\x01hvc",
            b"\x01hvc1",
            b"\x11hvc1",
            b"\x11hvc1\0\0\0\x03yy",
            b"\x11hvc1\0\0\0\x01y\x01",
            b"\x21vp09\0\0\0\x01yhv",
            b"\x31hvc1\0",
        ] {
            assert!(matches!(read(bytes), Err(Refusal::Drop(_))), "{bytes:?}");
        }
    }
}
