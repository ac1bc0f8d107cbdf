//! One RTP payload of H.264: what RFC 6184 section 5.4 calls a packet's structure.

use media::h264::nal_type;

use super::super::Fault;
use crate::h264::{FU_A, STAP_A};

/// A payload that packetization-mode 0 or 1 allows.
#[derive(Debug, Clone)]
pub(super) enum Payload<'a> {
    /// One NAL unit as it is (section 5.6).
    Single(&'a [u8]),
    /// STAP-A (section 5.7.1).
    Aggregate(Aggregate<'a>),
    /// FU-A (section 5.8).
    Fragment(Fragment<'a>),
}

/// The NAL units of an aggregate, each behind a 16-bit length; ends with the first error.
#[derive(Debug, Clone)]
pub(super) struct Aggregate<'a> {
    rest: &'a [u8],
}

/// A piece of a NAL unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) starts: bool,
    /// A sender must not set it together with `starts`, but some cameras do, and then everything is
    /// there.
    pub(super) ends: bool,
    /// The NAL unit's header, put together from the FU indicator and the FU header.
    pub(super) header: u8,
    pub(super) body: &'a [u8],
}

/// Reads a payload that is not empty.
pub(super) fn read(payload: &[u8]) -> Result<Payload<'_>, Fault> {
    let (&first, rest) = payload.split_first().ok_or(Fault::Truncated)?;
    check_bit(first)?;
    // Table 3: what each mode allows, and what is to be ignored in all of them.
    match nal_type(payload) {
        1..=23 => Ok(Payload::Single(payload)),
        STAP_A if rest.is_empty() => Err(Fault::Truncated),
        STAP_A => Ok(Payload::Aggregate(Aggregate { rest })),
        25 => Err(Fault::Interleaved("STAP-B")),
        26 => Err(Fault::Interleaved("MTAP16")),
        27 => Err(Fault::Interleaved("MTAP24")),
        FU_A => read_fragment(first, rest).map(Payload::Fragment),
        29 => Err(Fault::Interleaved("FU-B")),
        reserved => Err(Fault::Reserved(reserved)),
    }
}

fn read_fragment(indicator: u8, rest: &[u8]) -> Result<Fragment<'_>, Fault> {
    let (&fu_header, body) = rest.split_first().ok_or(Fault::Truncated)?;
    let header = (indicator & 0xe0) | (fu_header & 0x1f);
    check_type(header)?;
    Ok(Fragment {
        starts: fu_header & 0x80 != 0,
        ends: fu_header & 0x40 != 0,
        header,
        body,
    })
}

impl<'a> Iterator for Aggregate<'a> {
    type Item = Result<&'a [u8], Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let unit = take_unit(self.rest);
        self.rest = unit.as_ref().map_or(&[][..], |(_, rest)| *rest);
        Some(unit.map(|(unit, _)| unit))
    }
}

/// The first unit of `bytes`, and what follows it.
fn take_unit(bytes: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let (length, rest) = bytes.split_first_chunk().ok_or(Fault::Truncated)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (unit, rest) = rest.split_at_checked(length).ok_or(Fault::Truncated)?;
    let header = unit.first().ok_or(Fault::Truncated)?;
    check_bit(*header)?;
    check_type(*header)?;
    Ok((unit, rest))
}

const fn check_bit(header: u8) -> Result<(), Fault> {
    if header & 0x80 != 0 {
        return Err(Fault::Forbidden);
    }
    Ok(())
}

/// Sections 5.7.1 and 5.8: aggregates and fragments are of NAL units, not of one another.
const fn check_type(header: u8) -> Result<(), Fault> {
    match header & 0x1f {
        1..=23 => Ok(()),
        nested => Err(Fault::Nested(nested)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(payload: &[u8]) -> Vec<Result<&[u8], Fault>> {
        match read(payload).unwrap() {
            Payload::Aggregate(units) => units.collect(),
            Payload::Single(_) | Payload::Fragment(_) => panic!("not an aggregate"),
        }
    }

    #[test]
    fn every_packet_type_is_read_or_refused_by_name() {
        assert!(matches!(read(&[0x65, 1]), Ok(Payload::Single([0x65, 1]))));
        for (kind, name) in [(25, "STAP-B"), (26, "MTAP16"), (27, "MTAP24"), (29, "FU-B")] {
            let refused = read(&[kind, 1, 2, 3]).unwrap_err();
            assert_eq!(refused, Fault::Interleaved(name));
        }
        for kind in [0, 30, 31] {
            assert_eq!(read(&[kind, 1]).unwrap_err(), Fault::Reserved(kind));
        }
        for cut in [&[][..], &[0x18], &[0x1c]] {
            assert_eq!(read(cut).unwrap_err(), Fault::Truncated);
        }
        assert_eq!(read(&[0xe5, 1]).unwrap_err(), Fault::Forbidden);
        assert_eq!(read(&[0x7c, 0x9c]).unwrap_err(), Fault::Nested(28));
    }

    #[test]
    fn an_aggregate_gives_its_units_up_to_the_first_that_makes_no_sense() {
        let whole = [0x78, 0, 2, 0x67, 1, 0, 3, 0x68, 2, 3];
        assert_eq!(units(&whole), [Ok(&[0x67, 1][..]), Ok(&[0x68, 2, 3][..])]);
        for (rest, fault) in [
            (&[0][..], Fault::Truncated),
            (&[0, 2, 0x68], Fault::Truncated),
            (&[0, 0, 0, 1, 0x68], Fault::Truncated),
            (&[0, 1, 0xe8, 0, 1, 0x68], Fault::Forbidden),
            (&[0, 1, 0x78, 0, 1, 0x68], Fault::Nested(24)),
            (&[0, 1, 0x60, 0, 1, 0x68], Fault::Nested(0)),
        ] {
            let payload = [&whole[..5], rest].concat();
            assert_eq!(units(&payload), [Ok(&[0x67, 1][..]), Err(fault)]);
        }
    }

    #[test]
    fn a_fragment_says_what_it_is_a_piece_of() {
        for (fu_header, starts, ends) in [
            (0x85, true, false),
            (0x05, false, false),
            (0x45, false, true),
            (0xe5, true, true),
        ] {
            let payload = [0x7c, fu_header, 9];
            let Ok(Payload::Fragment(fragment)) = read(&payload) else {
                panic!("not a fragment")
            };
            assert_eq!((fragment.starts, fragment.ends), (starts, ends));
            assert_eq!((fragment.header, fragment.body), (0x65, &[9][..]));
        }
    }
}
