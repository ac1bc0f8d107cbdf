//! NAL units inside an access unit: the same in H.264 and H.265 (ISO/IEC 14496-15 sections 5.3.3 and
//! 8.3.3).

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::Error;

/// The NAL units of a canonical access unit, as slices that share its memory. Stops at the first
/// length that does not fit.
pub fn nals(payload: &Bytes) -> Nals {
    Nals {
        rest: payload.clone(),
    }
}

/// Iterator of [`nals`].
#[derive(Debug, Clone)]
pub struct Nals {
    rest: Bytes,
}

impl Iterator for Nals {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let (length, body) = split_length(&self.rest, 4)?;
        if length > body.len() {
            return None;
        }
        let nal = self.rest.slice(4..4 + length);
        self.rest = self.rest.slice(4 + length..);
        Some(nal)
    }
}

/// Makes an access unit canonical: 4-byte lengths, each checked to fit, no empty NAL units. Shares
/// the memory when nothing has to change.
///
/// # Errors
/// A length that reaches past the end, an access unit without a NAL unit or with more than 4096, or
/// a `length_size` other than 1, 2 or 4.
pub fn to_four_byte_lengths(payload: Bytes, length_size: u8) -> Result<Bytes, Error> {
    // ISO/IEC 14496-15 section 5.3.3.1.2: lengthSizeMinusOne "shall be one of 0, 1, or 3".
    if !matches!(length_size, 1 | 2 | 4) {
        return Err(Error::OutOfRange {
            element: "NAL length size",
            value: u64::from(length_size),
            allowed: "1, 2 or 4",
        });
    }
    let (count, any_empty) = survey(&payload, length_size)?;
    if length_size == 4 && !any_empty {
        return Ok(payload);
    }
    let mut canonical = BytesMut::with_capacity(payload.len() + count * 4);
    let mut rest: &[u8] = &payload;
    while let Some((length, body)) = split_length(rest, length_size) {
        let (nal, after) = body.split_at(length);
        rest = after;
        if let (Ok(length), false) = (u32::try_from(length), nal.is_empty()) {
            canonical.put_u32(length);
            canonical.put_slice(nal);
        }
    }
    Ok(canonical.freeze())
}

/// Counts the NAL units that hold something and says whether some hold nothing.
fn survey(payload: &[u8], length_size: u8) -> Result<(usize, bool), Error> {
    let mut rest = payload;
    let (mut count, mut any_empty) = (0, false);
    while !rest.is_empty() {
        let (length, body) = split_length(rest, length_size).ok_or(Error::Truncated {
            element: "NAL unit length",
        })?;
        rest = body.get(length..).ok_or(Error::Truncated {
            element: "NAL unit",
        })?;
        if length == 0 {
            any_empty = true;
        } else {
            count += 1;
        }
        if count > NALS_MAX {
            return Err(Error::OutOfRange {
                element: "NAL units in an access unit",
                value: count as u64,
                allowed: "at most 4096",
            });
        }
    }
    if count == 0 {
        return Err(Error::Truncated {
            element: "access unit",
        });
    }
    Ok((count, any_empty))
}

fn split_length(bytes: &[u8], length_size: u8) -> Option<(usize, &[u8])> {
    let (head, body) = bytes.split_at_checked(usize::from(length_size))?;
    let length = head
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    Some((length, body))
}

/// An 8 MiB access unit cut into slices of one network packet (1200 bytes) has 7000; a 1 MiB one,
/// which is 240 Mbit/s at 30 frames/s, has 870.
const NALS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_byte_lengths_are_passed_on_without_a_copy() {
        let payload = Bytes::from_static(&[0, 0, 0, 2, 9, 16, 0, 0, 0, 1, 0x65]);
        let canonical = to_four_byte_lengths(payload.clone(), 4).unwrap();
        assert_eq!(canonical.as_ptr(), payload.as_ptr());
        let walked: Vec<_> = nals(&canonical).collect();
        assert_eq!(walked, [&[9, 16][..], &[0x65]]);
    }

    #[test]
    fn shorter_lengths_are_widened_and_empty_units_left_out() {
        let wide = Bytes::from_static(&[0, 0, 0, 2, 0x41, 1, 0, 0, 0, 1, 0x65]);
        let one = Bytes::from_static(&[2, 0x41, 1, 0, 1, 0x65]);
        let two = Bytes::from_static(&[0, 2, 0x41, 1, 0, 1, 0x65, 0, 0]);
        assert_eq!(to_four_byte_lengths(one, 1).unwrap(), wide);
        assert_eq!(to_four_byte_lengths(two, 2).unwrap(), wide);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for (bytes, size) in [
            (&[0_u8, 0, 0, 2, 9][..], 4),
            (&[0, 0, 0], 4),
            (&[255, 255, 255, 255], 4),
            (&[0, 5, 1], 2),
            (&[1, 9, 1], 1),
            (&[], 4),
            (&[0, 0, 0, 0], 4),
            (&[1, 9], 3),
        ] {
            assert!(
                to_four_byte_lengths(Bytes::from_static(bytes), size).is_err(),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn walking_stops_at_a_bad_length() {
        let payload = Bytes::from_static(&[0, 0, 0, 1, 9, 0, 0, 0, 9, 1]);
        assert_eq!(nals(&payload).count(), 1);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_walked_to_its_end(bytes: Vec<u8>, size in 1_u8..=4) {
            if let Ok(canonical) = to_four_byte_lengths(Bytes::from(bytes), size) {
                let walked: usize = nals(&canonical).map(|nal| nal.len() + 4).sum();
                prop_assert_eq!(walked, canonical.len());
                prop_assert!(nals(&canonical).all(|nal| !nal.is_empty()));
            }
        }

        #[test]
        fn all_length_sizes_mean_the_same(
            units in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 1..200), 1..10),
        ) {
            let encode = |size: usize| {
                let mut bytes = Vec::new();
                for unit in &units {
                    let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
                    bytes.extend_from_slice(&length[4 - size..]);
                    bytes.extend_from_slice(unit);
                }
                to_four_byte_lengths(Bytes::from(bytes), u8::try_from(size).unwrap()).unwrap()
            };
            prop_assert_eq!(encode(1), encode(4));
            prop_assert_eq!(encode(2), encode(4));
            let walked: Vec<_> = nals(&encode(4)).collect();
            prop_assert_eq!(walked, units);
        }
    }
}
