//! Forged messages in a publisher's packets are made unreadable where they stand: as many packets, of the same length.
//!
//! The UUID of this server's own messages ([`media::sei`]) can only stand in a NAL unit as it is, whole, so its last byte is
//! overwritten: then the message is nobody's. That byte is in the packet at hand also where fragments (FU-A) cut the UUID
//! in two. Coded picture is not looked at; see [`media::sei::strip_own`] for why everything else is.

use std::sync::Arc;

use media::{
    h264::{NAL_IDR, NAL_SLICE, nal_type},
    sei::{FILL, Matcher},
};

use super::payload::{Payload, read};

/// Takes a track's payloads in their order.
#[derive(Debug, Default)]
pub(crate) struct Scrubber {
    /// What was matched at the end of the last fragment.
    fragments: Matcher,
}

impl Scrubber {
    /// Makes forged messages unreadable. How many there were. Copies the payload only if there are some and others hold it.
    pub(crate) fn scrub(&mut self, payload: &mut Arc<[u8]>) -> u32 {
        let mut found = Vec::new();
        match read(payload) {
            Ok(Payload::Single(nal)) => find(nal, 0, &mut found),
            Ok(Payload::Aggregate(units)) => {
                let mut at = STAP_HEADER;
                for unit in units {
                    let Ok(nal) = unit else {
                        // What nobody can read, somebody may.
                        search(&mut Matcher::default(), payload, at, &mut found);
                        break;
                    };
                    at += UNIT_LENGTH;
                    find(nal, at, &mut found);
                    at += nal.len();
                }
            }
            Ok(Payload::Fragment(fragment)) if is_picture(fragment.header) => {}
            Ok(Payload::Fragment(fragment)) => {
                if fragment.starts {
                    self.fragments = Matcher::default();
                }
                search(&mut self.fragments, payload, FU_HEADERS, &mut found);
            }
            Err(_) => search(&mut Matcher::default(), payload, 0, &mut found),
        }
        if !found.is_empty() {
            let bytes = Arc::make_mut(payload);
            for at in &found {
                bytes[*at] = FILL;
            }
        }
        u32::try_from(found.len()).unwrap_or(u32::MAX)
    }
}

/// Looks into a NAL unit that stands at `at` of its payload, unless it is coded picture.
fn find(nal: &[u8], at: usize, found: &mut Vec<usize>) {
    if !is_picture(nal_type(nal)) {
        let mut matcher = Matcher::default();
        let ends = (at..).zip(nal).filter(|(_, byte)| matcher.push(**byte));
        found.extend(ends.map(|(at, _)| at));
    }
}

/// Looks into all of a payload from `at` on.
fn search(matcher: &mut Matcher, payload: &[u8], at: usize, found: &mut Vec<usize>) {
    let rest = (at..).zip(payload.get(at..).unwrap_or_default());
    let ends = rest.filter(|(_, byte)| matcher.push(**byte));
    found.extend(ends.map(|(at, _)| at));
}

const fn is_picture(header: u8) -> bool {
    matches!(header & 0x1f, NAL_SLICE..=NAL_IDR)
}

/// RFC 6184 section 5.7.1: the STAP-A header, and the length before each unit.
const STAP_HEADER: usize = 1;
const UNIT_LENGTH: usize = 2;
/// Section 5.8: FU indicator and FU header.
const FU_HEADERS: usize = 2;

#[cfg(test)]
mod tests {
    use media::sei::{OWN_UUID, Syntax, mentions_own, user_data};
    use proptest::prelude::*;

    use super::*;

    fn forged() -> Vec<u8> {
        user_data(Syntax::H264, &OWN_UUID, b"forged")
    }

    /// How many were found, and what became of it.
    fn scrubbed(payload: &[u8]) -> (u32, Vec<u8>) {
        let mut after: Arc<[u8]> = payload.into();
        let count = Scrubber::default().scrub(&mut after);
        (count, after.to_vec())
    }

    fn aggregate(nals: &[&[u8]]) -> Vec<u8> {
        let mut stap = vec![0x78];
        for nal in nals {
            stap.extend(u16::try_from(nal.len()).unwrap().to_be_bytes());
            stap.extend(*nal);
        }
        stap
    }

    #[test]
    fn single_units_and_aggregates_keep_their_length_and_their_other_bytes() {
        let foreign = user_data(Syntax::H264, b"a foreign uuid!!", b"stays");
        let stap = aggregate(&[&[0x67, 0x42], &foreign, &forged(), &foreign]);
        for payload in [forged(), stap, [&forged()[..], &OWN_UUID].concat()] {
            let (count, after) = scrubbed(&payload);
            let changed = payload.iter().zip(&after).filter(|(a, b)| a != b);
            assert_eq!(
                (changed.count(), after.len()),
                (count as usize, payload.len())
            );
            assert!(count > 0 && !mentions_own(&after));
        }
        let clean = aggregate(&[&foreign, &[0x41, 0x9a]]);
        let shared: Arc<[u8]> = clean.as_slice().into();
        let mut same = Arc::clone(&shared);
        assert_eq!(Scrubber::default().scrub(&mut same), 0);
        assert!(Arc::ptr_eq(&shared, &same), "not copied");
    }

    #[test]
    fn coded_picture_is_left_alone_and_what_cannot_be_read_is_not() {
        for picture in [0x41, 0x65] {
            let slice = [&[picture][..], &OWN_UUID].concat();
            assert_eq!(scrubbed(&slice), (0, slice.clone()));
            let piece = [&[0x7c, picture & 0x1f][..], &OWN_UUID].concat();
            assert_eq!(scrubbed(&piece), (0, piece.clone()));
        }
        let cut = [&aggregate(&[&[0x67, 0x42]])[..], &[0, 99], &forged()].concat();
        let nested = [&[0x7c, 0x9c][..], &OWN_UUID].concat();
        let reserved = [&[0x1f][..], &OWN_UUID].concat();
        for payload in [cut, nested, reserved] {
            let (count, after) = scrubbed(&payload);
            assert!(count == 1 && !mentions_own(&after), "{payload:02x?}");
        }
    }

    proptest! {
        #[test]
        fn fragments_cut_anywhere_join_to_a_unit_that_does_not_hold_it(
            cuts in proptest::collection::btree_set(1_usize..24, 0..8),
        ) {
            let nal = forged();
            let mut scrubber = Scrubber::default();
            let ends: Vec<usize> = cuts.into_iter().filter(|cut| *cut < nal.len()).chain([nal.len()]).collect();
            let (mut from, mut joined, mut count) = (1, vec![nal[0]], 0);
            for end in ends {
                if end <= from {
                    continue;
                }
                let start = if from == 1 { 0x80 } else { 0 };
                let last = if end == nal.len() { 0x40 } else { 0 };
                let head: &[u8] = &[0x1c, start | last | 6];
                let mut payload: Arc<[u8]> = [head, &nal[from..end]].concat().into();
                count += scrubber.scrub(&mut payload);
                joined.extend_from_slice(&payload[2..]);
                from = end;
            }
            prop_assert_eq!((joined.len(), count), (nal.len(), 1));
            prop_assert!(!mentions_own(&joined));
        }

        #[test]
        fn whatever_comes_keeps_its_length(payload: Vec<u8>) {
            let (_, after) = scrubbed(&payload);
            prop_assert_eq!(after.len(), payload.len());
        }
    }
}
