//! The payload descriptor (RFC 9628 section 4.2).

use super::super::{Fault, vp8::take};

/// What a descriptor says, and what is behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptor<'a> {
    /// A frame of the picture begins here.
    pub(super) starts: bool,
    /// And ends here.
    pub(super) ends: bool,
    /// Which layer it is of; 0 where there is one.
    pub(super) spatial: u8,
    /// Of the highest layer, where there are several and the structure gives their sizes.
    pub(super) layers_size: Option<(u16, u16)>,
    pub(super) body: &'a [u8],
}

/// Reads a descriptor:
///
/// ```text
///         0 1 2 3 4 5 6 7
///        +-+-+-+-+-+-+-+-+
///        |I|P|L|F|B|E|V|Z| (REQUIRED)
///        +-+-+-+-+-+-+-+-+
///   I:   |M| PICTURE ID  | (RECOMMENDED), 16 bits with M
///        +-+-+-+-+-+-+-+-+
///   L:   | TID |U| SID |D| (CONDITIONALLY RECOMMENDED)
///        +-+-+-+-+-+-+-+-+
///        |   TL0PICIDX   | (CONDITIONALLY REQUIRED), without F
///        +-+-+-+-+-+-+-+-+
///   P,F: | P_DIFF      |N| (CONDITIONALLY REQUIRED), up to 3 times
///        +-+-+-+-+-+-+-+-+
///   V:   | SS            |
///        +-+-+-+-+-+-+-+-+
/// ```
pub(super) fn read(payload: &[u8]) -> Result<Descriptor<'_>, Fault> {
    let (&first, mut body) = payload.split_first().ok_or(Fault::Truncated)?;
    let has = |bit: u8| first & bit != 0;
    if has(I) && take(&mut body)? & 0x80 != 0 {
        take(&mut body)?;
    }
    let mut spatial = 0;
    if has(L) {
        spatial = take(&mut body)? >> 1 & 0b111;
        if !has(F) {
            take(&mut body)?;
        }
    }
    if has(P) && has(F) {
        let mut left = REFERENCES_MAX;
        while take(&mut body)? & 1 != 0 {
            left -= 1;
            if left == 0 {
                return Err(Fault::TooLarge {
                    what: "reference indices",
                    limit: REFERENCES_MAX,
                });
            }
        }
    }
    let layers_size = if has(V) {
        read_structure(&mut body)?
    } else {
        None
    };
    Ok(Descriptor {
        starts: has(B),
        ends: has(E),
        spatial,
        layers_size,
        body,
    })
}

/// The scalability structure (section 4.2.1): sizes of the layers, then the pictures of a group
/// with what they refer to.
fn read_structure(body: &mut &[u8]) -> Result<Option<(u16, u16)>, Fault> {
    let head = take(body)?;
    let layers = (head >> 5) + 1;
    let mut size = None;
    if head & 0x10 != 0 {
        for _ in 0..layers {
            let (width, height) = (read_u16(body)?, read_u16(body)?);
            size = (width > 0 && height > 0).then_some((width, height));
        }
    }
    if head & 0x08 != 0 {
        for _ in 0..take(body)? {
            let references = take(body)? >> 2 & 0b11;
            for _ in 0..references {
                take(body)?;
            }
        }
    }
    Ok(size.filter(|_| layers > 1))
}

fn read_u16(body: &mut &[u8]) -> Result<u16, Fault> {
    Ok(u16::from_be_bytes([take(body)?, take(body)?]))
}

const I: u8 = 0x80;
const P: u8 = 0x40;
const L: u8 = 0x20;
const F: u8 = 0x10;
const B: u8 = 0x08;
const E: u8 = 0x04;
const V: u8 = 0x02;
/// "P_DIFF ... up to 3 times".
const REFERENCES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_every_length_are_passed_over() {
        let long = [
            0xfa, 0x92, 0x34, 0x02, 0x03, 0x04, 0x38, 1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68, 2, 0x10,
            0x04, 1, 7,
        ];
        for (payload, starts, ends, spatial) in [
            (&[0x0c, 7][..], true, true, 0),
            (&[0x88, 0x12, 7], true, false, 0),
            (&[0x84, 0x92, 0x34, 7], false, true, 0),
            (&[0x28, 0x04, 0x55, 7], true, false, 2),
            (&[0x78, 0x04, 0x03, 0x05, 0x06, 7], true, false, 2),
            (&long, true, false, 1),
        ] {
            let read = read(payload).unwrap();
            assert_eq!(read.body, [7], "{payload:?}");
            assert_eq!(
                (read.starts, read.ends, read.spatial),
                (starts, ends, spatial)
            );
        }
        assert_eq!(read(&long).unwrap().layers_size, Some((640, 360)));
        let one_layer = [0x0a, 0x10, 1, 0x40, 0, 0xb4, 7];
        assert_eq!(read(&one_layer).unwrap().layers_size, None);
    }

    #[test]
    fn what_is_cut_off_or_endless_is_refused() {
        for broken in [
            &[][..],
            &[0x80],
            &[0x80, 0x80],
            &[0x20],
            &[0x20, 0],
            &[0x50],
            &[0x50, 1, 1, 1],
            &[0x02],
            &[0x02, 0x10, 0, 0, 0],
            &[0x02, 0x08, 1, 0x04],
        ] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }
}
