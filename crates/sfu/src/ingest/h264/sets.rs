//! A publisher's parameter sets: what came, and what an IDR picture activates.

use std::collections::BTreeMap;

use bytes::Bytes;
use media::h264::{self, NAL_SPS, parse_pps};

use super::super::Fault;

/// Every parameter set that came, by its number (H.264 section 7.4.1.2.1: a later one with the same
/// number replaces it).
#[derive(Debug, Default)]
pub(super) struct ParameterSets {
    sps: BTreeMap<u8, Bytes>,
    /// With the number of the sequence parameter set it builds on.
    pps: BTreeMap<u8, (u8, Bytes)>,
}

/// The sets one sequence of pictures is decoded by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ActiveSets {
    pub(super) sps: Bytes,
    /// Those that build on it: any picture may name any of them.
    pub(super) pps: Vec<Bytes>,
}

impl ParameterSets {
    /// Takes a sequence or picture parameter set. The set, if it is not the one that was there.
    pub(super) fn insert(&mut self, nal: &[u8]) -> Result<Option<Bytes>, Fault> {
        // Section 7.4.1: the last byte of a NAL unit "shall not be equal to 0x00". Where start codes
        // were cut off carelessly a zero of the next one is left, and not always.
        let zeros = nal.iter().rev().take_while(|byte| **byte == 0).count();
        let nal = nal.get(..nal.len() - zeros).unwrap_or_default();
        if nal.len() > SET_MAX {
            return Err(Fault::TooLarge {
                what: "bytes of a parameter set",
                limit: SET_MAX,
            });
        }
        if h264::nal_type(nal) == NAL_SPS {
            self.insert_sps(nal)
        } else {
            self.insert_pps(nal)
        }
    }

    fn insert_sps(&mut self, nal: &[u8]) -> Result<Option<Bytes>, Fault> {
        let id = h264::sps_id(nal)?;
        if self.sps.get(&id).is_some_and(|known| *known == nal) {
            return Ok(None);
        }
        let set = Bytes::copy_from_slice(nal);
        if self.sps.insert(id, set.clone()).is_some() {
            // What builds on it was made for the one before. FFmpeg forgets them as well.
            self.pps.retain(|_, (sps_id, _)| *sps_id != id);
        }
        Ok(Some(set))
    }

    fn insert_pps(&mut self, nal: &[u8]) -> Result<Option<Bytes>, Fault> {
        let ids = parse_pps(nal)?;
        if self
            .pps
            .get(&ids.id)
            .is_some_and(|(_, known)| *known == nal)
        {
            return Ok(None);
        }
        let set = Bytes::copy_from_slice(nal);
        self.pps.insert(ids.id, (ids.sps_id, set.clone()));
        Ok(Some(set))
    }

    /// What an IDR picture activates whose slices name the picture parameter set `pps_id`.
    pub(super) fn active(&self, pps_id: u8) -> Option<ActiveSets> {
        let (active, _) = self.pps.get(&pps_id)?;
        let sps = self.sps.get(active)?.clone();
        let of_it = self.pps.values().filter(|(sps_id, _)| sps_id == active);
        Some(ActiveSets {
            sps,
            pps: of_it.map(|(_, set)| set.clone()).collect(),
        })
    }
}

/// With every scaling list written out and 255 offsets of the picture order it can be 4 KiB; usual
/// are 10 to 40 bytes. All 32 and 256 of them are then 1.2 MiB.
const SET_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0x8c];
    const OTHER_SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1f, 0x8c];
    /// Number 1.
    const SECOND_SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1f, 0x4c];
    const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
    /// Number 0, built on number 1.
    const PPS_OF_SECOND: &[u8] = &[0x68, 0xa4, 0x80];
    /// Number 1, built on number 0.
    const SECOND_PPS: &[u8] = &[0x68, 0x58];

    fn insert(sets: &mut ParameterSets, nal: &[u8]) -> bool {
        sets.insert(nal).unwrap().is_some()
    }

    #[test]
    fn a_set_that_comes_again_is_no_other() {
        let mut sets = ParameterSets::default();
        assert!(insert(&mut sets, SPS) && insert(&mut sets, PPS));
        assert!(!insert(&mut sets, SPS) && !insert(&mut sets, PPS));
        assert!(!insert(&mut sets, &[SPS, &[0]].concat()), "a zero too many");
        assert!(!insert(&mut sets, &[PPS, &[0, 0]].concat()));
        let active = sets.active(0).unwrap();
        assert_eq!((&*active.sps, active.pps.len()), (SPS, 1));
        assert!(insert(&mut sets, OTHER_SPS), "the same number, other bytes");
        assert_eq!(sets.active(0), None, "its picture parameter set is gone");
        assert!(insert(&mut sets, PPS));
        assert_eq!(sets.active(0).unwrap().sps, OTHER_SPS);
    }

    #[test]
    fn an_idr_activates_the_sets_it_names() {
        let mut sets = ParameterSets::default();
        assert_eq!(sets.active(0), None);
        for nal in [SPS, SECOND_SPS, PPS, SECOND_PPS] {
            assert!(insert(&mut sets, nal));
        }
        for id in [0, 1] {
            let active = sets.active(id).unwrap();
            assert_eq!(
                (active.sps, active.pps),
                (SPS.into(), vec![PPS.into(), SECOND_PPS.into()])
            );
        }
        assert_eq!(sets.active(2), None);
        assert!(insert(&mut sets, PPS_OF_SECOND));
        let active = sets.active(0).unwrap();
        assert_eq!(
            (active.sps, active.pps),
            (SECOND_SPS.into(), vec![PPS_OF_SECOND.into()])
        );
    }

    #[test]
    fn sets_that_are_none_are_refused() {
        let mut sets = ParameterSets::default();
        for nal in [
            &[][..],
            &[0x67],
            &[0x67, 0, 0],
            &[0x68],
            &[0x68, 0, 0],
            &[0x65, 0x88],
        ] {
            assert!(sets.insert(nal).is_err(), "{nal:?}");
        }
        let long = [SPS, &[0xff; SET_MAX]].concat();
        assert!(matches!(sets.insert(&long), Err(Fault::TooLarge { .. })));
        assert!(sets.insert(&[SPS, &[0; SET_MAX]].concat()).is_ok());
    }
}
