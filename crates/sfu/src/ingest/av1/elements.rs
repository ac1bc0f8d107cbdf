//! One RTP payload of AV1: the aggregation header and the OBU elements (section 4.4).

use media::av1::leb128;

use super::super::Fault;

/// A payload's elements; ends with the first error.
#[derive(Debug, Clone)]
pub(super) struct Packet<'a> {
    /// N: "the packet is the first packet of a coded video sequence".
    pub(super) begins_sequence: bool,
    /// Z: the first element goes on with the packet before.
    continues: bool,
    /// Y: the last element goes on in the packet behind.
    goes_on: bool,
    /// W: elements that are left, if it says; the last of them has no length.
    left: Option<u8>,
    rest: &'a [u8],
}

/// An OBU or a piece of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Its beginning was in the packet before.
    pub(super) continues: bool,
    /// Its end will be in the packet behind.
    pub(super) goes_on: bool,
    pub(super) bytes: &'a [u8],
}

/// Reads the aggregation header:
///
/// ```text
///   0 1 2 3 4 5 6 7
///  +-+-+-+-+-+-+-+-+
///  |Z|Y| W |N|-|-|-|
///  +-+-+-+-+-+-+-+-+
/// ```
pub(super) fn read(payload: &[u8]) -> Result<Packet<'_>, Fault> {
    let (&header, rest) = payload.split_first().ok_or(Fault::Truncated)?;
    if rest.is_empty() {
        return Err(Fault::Truncated);
    }
    let count = header >> 4 & 0b11;
    Ok(Packet {
        begins_sequence: header & 0x08 != 0,
        continues: header & 0x80 != 0,
        goes_on: header & 0x40 != 0,
        left: (count > 0).then_some(count),
        rest,
    })
}

impl<'a> Iterator for Packet<'a> {
    type Item = Result<Element<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            // Fewer than the header counts.
            return self
                .left
                .take()
                .filter(|left| *left > 0)
                .map(|_| Err(Fault::Truncated));
        }
        let taken = self.take();
        if taken.is_err() {
            (self.rest, self.left) = (&[], None);
        }
        Some(taken)
    }
}

impl<'a> Packet<'a> {
    fn take(&mut self) -> Result<Element<'a>, Fault> {
        let bytes = if self.left == Some(1) {
            std::mem::take(&mut self.rest)
        } else {
            let (length, rest) = leb128(self.rest).map_err(|_| Fault::Truncated)?;
            let (bytes, rest) = rest.split_at_checked(length).ok_or(Fault::Truncated)?;
            self.rest = rest;
            bytes
        };
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(Element {
            continues: std::mem::take(&mut self.continues),
            goes_on: self.goes_on && self.rest.is_empty(),
            bytes,
        })
    }
}

/// The type of the OBU that begins here, and its payload as far as it is here.
pub(super) fn beginning(element: &[u8]) -> Option<(u8, &[u8])> {
    let (&header, mut rest) = element.split_first()?;
    if header & 0x04 != 0 {
        rest = rest.get(1..)?;
    }
    if header & 0x02 != 0 {
        rest = leb128(rest).ok()?.1;
    }
    Some((header >> 3 & 0x0f, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(payload: &[u8]) -> Result<Vec<Element<'_>>, Fault> {
        read(payload)?.collect()
    }

    #[test]
    fn elements_are_counted_or_measured() {
        let element = |continues, goes_on, bytes| Element {
            continues,
            goes_on,
            bytes,
        };
        let two = vec![
            element(false, false, &[7][..]),
            element(false, true, &[8, 9]),
        ];
        assert_eq!(all(&[0x10, 1, 2]), Ok(vec![element(false, false, &[1, 2])]));
        assert_eq!(all(&[0x60, 1, 7, 8, 9]), Ok(two.clone()));
        assert_eq!(all(&[0x40, 1, 7, 2, 8, 9]), Ok(two));
        assert_eq!(all(&[0x90, 7]), Ok(vec![element(true, false, &[7])]));
        assert!(read(&[0x18, 1]).unwrap().begins_sequence);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for broken in [
            &[][..],
            &[0x10],
            &[0x20, 2, 7],
            &[0x00, 2, 7],
            &[0x00, 0x80],
            &[0x20, 1, 7],
        ] {
            assert!(all(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn an_obu_is_known_by_its_beginning() {
        assert_eq!(beginning(&[0x30, 0x10]), Some((6, &[0x10][..])));
        assert_eq!(beginning(&[0x0e, 0x28, 9, 1]), Some((1, &[1][..])));
        assert_eq!(beginning(&[0x34]), None);
    }
}
