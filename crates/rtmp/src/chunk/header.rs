//! Basic header, message header and extended timestamp (RTMP 1.0 section 5.3.1).
//!
//! ```text
//! +--------------+----------------+--------------------+--------------+
//! | basic, 1 - 3 | message, 0 - 11| extended timestamp | payload      |
//! +--------------+----------------+--------------------+--------------+
//! ```

/// The longest header: 3 + 11 + 4 bytes.
pub(super) const HEADER_MAX: usize = 18;
/// Section 5.3.1.3: this timestamp, or delta, stands for "see the extended timestamp".
pub(super) const EXTENDED: u32 = 0x00ff_ffff;

/// `fmt` and the chunk stream id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Basic {
    /// 0 to 3: how much of the message header is there.
    pub(super) fmt: u8,
    /// 2 to 65599.
    pub(super) csid: u32,
    /// Bytes it took.
    pub(super) len: usize,
}

impl Basic {
    /// Reads it; `None` if `bytes` end before it does.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let (csid, len) = match first & 0x3f {
            // Section 5.3.1.1: ids 64 to 319, "(the second byte + 64)".
            0 => (64 + u32::from(*bytes.get(1)?), 2),
            // Ids 64 to 65599, "((the third byte)*256 + (the second byte) + 64)".
            1 => (
                64 + u32::from(*bytes.get(1)?) + u32::from(*bytes.get(2)?) * 256,
                3,
            ),
            csid => (u32::from(csid), 1),
        };
        Some(Self {
            fmt: first >> 6,
            csid,
            len,
        })
    }
}

/// What a chunk says about its message; what it leaves out is as in the chunk stream's last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    /// The timestamp (fmt 0) or delta (fmt 1 and 2), the extended one if there is one.
    pub(super) time: u32,
    /// Whether an extended timestamp carried it.
    pub(super) extended: bool,
    /// Message length and type, in fmt 0 and 1.
    pub(super) length_and_kind: Option<(usize, u8)>,
    /// Message stream id, in fmt 0.
    pub(super) stream: Option<u32>,
}

impl Fields {
    /// Reads the message header of fmt 0 to 2 and its extended timestamp, and says how many bytes
    /// they took; `None` if `bytes` end before.
    pub(super) fn parse(fmt: u8, bytes: &[u8]) -> Option<(Self, usize)> {
        let len = match fmt {
            0 => 11,
            1 => 7,
            _ => 3,
        };
        let header = bytes.get(..len)?;
        let mut time = be24(header);
        let mut used = len;
        let extended = time == EXTENDED;
        if extended {
            time = u32::from_be_bytes(*bytes.get(len..)?.first_chunk()?);
            used += 4;
        }
        let length_and_kind = (fmt < 2).then(|| {
            let length = be24(&header[3..]);
            (
                usize::try_from(length).expect("24 bits fit a usize"),
                header[6],
            )
        });
        // Section 5.3.1.2.1: the one field in little-endian order.
        let stream =
            (fmt == 0).then(|| u32::from_le_bytes([header[7], header[8], header[9], header[10]]));
        Some((
            Self {
                time,
                extended,
                length_and_kind,
                stream,
            },
            used,
        ))
    }
}

fn be24(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_chunk_stream_ids() {
        let parse =
            |bytes: &[u8]| Basic::parse(bytes).map(|basic| (basic.fmt, basic.csid, basic.len));
        assert_eq!(parse(&[0x03]), Some((0, 3, 1)));
        assert_eq!(parse(&[0xff]), Some((3, 63, 1)));
        assert_eq!(parse(&[0x40, 0]), Some((1, 64, 2)));
        assert_eq!(parse(&[0x00, 255]), Some((0, 319, 2)));
        assert_eq!(parse(&[0x81, 0, 1]), Some((2, 320, 3)));
        assert_eq!(parse(&[0xc1, 255, 255]), Some((3, 65_599, 3)));
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0x00]), None);
        assert_eq!(parse(&[0x01, 0]), None);
    }

    #[test]
    fn an_extended_timestamp_is_waited_for() {
        let bytes = [0xff, 0xff, 0xff, 0, 1, 2, 9, 1, 0, 0, 0, 0x01, 0, 0, 0];
        for cut in 0..bytes.len() {
            assert_eq!(Fields::parse(0, &bytes[..cut]), None);
        }
        let (fields, used) = Fields::parse(0, &bytes).unwrap();
        assert_eq!((fields.time, used), (0x0100_0000, 15));
        assert_eq!(
            (fields.length_and_kind, fields.stream),
            (Some((258, 9)), Some(1))
        );
    }
}
