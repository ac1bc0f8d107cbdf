//! Open bitstream units (section 5.3) and the sizes in front of them (section 4.10.5).

use crate::Error;

/// `OBU_SEQUENCE_HEADER` (section 6.2.2).
pub const OBU_SEQUENCE_HEADER: u8 = 1;
/// `OBU_TEMPORAL_DELIMITER`.
pub const OBU_TEMPORAL_DELIMITER: u8 = 2;
/// `OBU_FRAME_HEADER`.
pub const OBU_FRAME_HEADER: u8 = 3;
/// `OBU_FRAME`: a frame header and its tiles.
pub const OBU_FRAME: u8 = 6;
/// `OBU_REDUNDANT_FRAME_HEADER`.
pub const OBU_REDUNDANT_FRAME_HEADER: u8 = 7;
/// `OBU_TILE_LIST`: of large scale tile decoding, which no player does.
pub const OBU_TILE_LIST: u8 = 8;
/// `OBU_PADDING`.
pub const OBU_PADDING: u8 = 15;

/// One unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obu<'a> {
    /// `obu_type`.
    pub kind: u8,
    /// `temporal_id`, `spatial_id` and three reserved bits, if the unit has them.
    pub extension: Option<u8>,
    /// What is behind the header and the size.
    pub payload: &'a [u8],
}

/// Reads the unit at the beginning of `bytes`: up to its own size, or all of them when it has none.
/// With it, what is behind.
///
/// # Errors
/// A header that is cut off or forbidden, or a size past the end.
pub fn read_obu(bytes: &[u8]) -> Result<(Obu<'_>, &[u8]), Error> {
    let truncated = || Error::Truncated {
        element: "obu_header",
    };
    let (&header, mut rest) = bytes.split_first().ok_or_else(truncated)?;
    if header & 0x80 != 0 {
        return Err(Error::OutOfRange {
            element: "obu_forbidden_bit",
            value: 1,
            allowed: "0",
        });
    }
    let mut extension = None;
    if header & HAS_EXTENSION != 0 {
        let (&byte, after) = rest.split_first().ok_or_else(truncated)?;
        extension = Some(byte);
        rest = after;
    }
    let (payload, rest) = if header & HAS_SIZE != 0 {
        let (size, after) = leb128(rest)?;
        after.split_at_checked(size).ok_or(Error::Truncated {
            element: "open_bitstream_unit",
        })?
    } else {
        (rest, &[][..])
    };
    let obu = Obu {
        kind: header >> 3 & 0x0f,
        extension,
        payload,
    };
    Ok((obu, rest))
}

/// Walks units that follow one another; ends with the first error.
#[derive(Debug, Clone)]
pub struct Obus<'a> {
    rest: &'a [u8],
}

/// The units of a temporal unit.
pub const fn obus(bytes: &[u8]) -> Obus<'_> {
    Obus { rest: bytes }
}

impl<'a> Iterator for Obus<'a> {
    type Item = Result<Obu<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = read_obu(self.rest);
        self.rest = read.as_ref().map_or(&[][..], |(_, rest)| *rest);
        Some(read.map(|(obu, _)| obu))
    }
}

/// Appends a unit with its size, which is how files have them.
pub fn put_obu(out: &mut Vec<u8>, obu: &Obu<'_>) {
    let extension = if obu.extension.is_some() {
        HAS_EXTENSION
    } else {
        0
    };
    out.push((obu.kind & 0x0f) << 3 | extension | HAS_SIZE);
    out.extend(obu.extension);
    let mut size = obu.payload.len();
    while size >= 0x80 {
        out.push(0x80 | u8::try_from(size & 0x7f).expect("seven bits"));
        size >>= 7;
    }
    out.push(u8::try_from(size).expect("less than 128"));
    out.extend_from_slice(obu.payload);
}

/// A number in seven bits a byte, and what is behind it.
///
/// # Errors
/// One that is cut off, or larger than section 4.10.5 allows.
pub fn leb128(bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
    let mut value = 0_u64;
    for (n, &byte) in bytes.iter().enumerate().take(LEB128_MAX) {
        value |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 != 0 {
            continue;
        }
        // "It is a requirement of bitstream conformance that the value returned from the leb128
        // parsing process is less than or equal to (1 << 32) - 1."
        let number = u32::try_from(value)
            .ok()
            .and_then(|n| usize::try_from(n).ok());
        let rest = bytes.get(n + 1..).unwrap_or_default();
        return number
            .map(|number| (number, rest))
            .ok_or(Error::OutOfRange {
                element: "leb128",
                value,
                allowed: "at most 2^32 - 1",
            });
    }
    Err(Error::Truncated { element: "leb128" })
}

const LEB128_MAX: usize = 8;
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_walked() {
        let bytes = [0x12, 0, 0x0e, 0x28, 2, 7, 8, 0x32, 1, 9, 0x30, 1, 2];
        let units: Result<Vec<_>, _> = obus(&bytes).collect();
        let unit = |kind, extension, payload| Obu {
            kind,
            extension,
            payload,
        };
        assert_eq!(
            units.unwrap(),
            [
                unit(OBU_TEMPORAL_DELIMITER, None, &[][..]),
                unit(OBU_SEQUENCE_HEADER, Some(0x28), &[7, 8]),
                unit(OBU_FRAME, None, &[9]),
                // Without a size it is the last.
                unit(OBU_FRAME, None, &[1, 2]),
            ]
        );
    }

    #[test]
    fn what_is_no_unit_is_refused() {
        for broken in [
            &[][..],
            &[0x80, 0],
            &[0x12],
            &[0x12, 2, 0],
            &[0x16],
            &[0x12, 0x80],
        ] {
            assert!(read_obu(broken).is_err(), "{broken:?}");
        }
        assert!(leb128(&[0x80; 9]).is_err());
        assert!(leb128(&[0xff, 0xff, 0xff, 0xff, 0x1f]).is_err(), "2^33 - 1");
        assert_eq!(leb128(&[0x81, 0x80, 0, 5]), Ok((1, &[5][..])));
    }

    proptest! {
        #[test]
        fn what_is_put_is_read(
            kind in 0_u8..16,
            extension in proptest::option::of(any::<u8>()),
            payload in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let obu = Obu { kind, extension, payload: &payload };
            let mut out = Vec::new();
            put_obu(&mut out, &obu);
            out.push(0x12);
            prop_assert_eq!(read_obu(&out), Ok((obu, &[0x12][..])));
        }
    }
}
