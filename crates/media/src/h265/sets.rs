//! Parameter sets inside access units, which the sample entry `hvc1` does not allow.

use bytes::{Bytes, BytesMut};

use super::{
    configure,
    nal::{NAL_PPS, NAL_SPS, NAL_VPS, layer_id, nal_type},
    pps::{parse_pps, vps_id},
    sps::sps_id,
};
use crate::{Error, H265Config, nal::nals};

/// The parameter sets of the base layer that an access unit holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sets {
    /// Video parameter sets.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets.
    pub pps: Vec<Bytes>,
}

impl Sets {
    /// There are none.
    pub const fn is_empty(&self) -> bool {
        self.vps.is_empty() && self.sps.is_empty() && self.pps.is_empty()
    }

    /// The configuration has them all.
    pub fn are_in(&self, config: &H265Config) -> bool {
        let lists = [
            (&self.vps, &config.vps),
            (&self.sps, &config.sps),
            (&self.pps, &config.pps),
        ];
        lists
            .iter()
            .all(|(sets, known)| sets.iter().all(|set| known.contains(set)))
    }

    /// The configuration from here on. Sets replace those of the same number; what was in force beside them stays, unless
    /// the access unit brings all that is needed.
    ///
    /// # Errors
    /// As of [`configure`].
    pub fn onto(self, before: Option<&H265Config>) -> Result<H265Config, Error> {
        let all = !self.vps.is_empty() && !self.sps.is_empty() && !self.pps.is_empty();
        let Some(before) = before.filter(|_| !all) else {
            return configure(self.vps, self.sps, self.pps);
        };
        configure(
            merge(&before.vps, self.vps, vps_id)?,
            merge(&before.sps, self.sps, sps_id)?,
            merge(&before.pps, self.pps, |nal| {
                parse_pps(nal).map(|pps| pps.id)
            })?,
        )
    }
}

fn merge(
    before: &[Bytes],
    sets: Vec<Bytes>,
    id: fn(&[u8]) -> Result<u8, Error>,
) -> Result<Vec<Bytes>, Error> {
    let ids: Vec<u8> = sets.iter().map(|set| id(set)).collect::<Result<_, _>>()?;
    let stays = |set: &&Bytes| id(set).is_ok_and(|id| !ids.contains(&id));
    let mut merged: Vec<Bytes> = before.iter().filter(stays).cloned().collect();
    merged.extend(sets);
    Ok(merged)
}

/// The parameter sets in an access unit.
pub fn sets_of(access_unit: &Bytes) -> Sets {
    let mut sets = Sets::default();
    for nal in nals(access_unit).filter(|nal| layer_id(nal) == 0) {
        let (list, max) = match nal_type(&nal) {
            NAL_VPS => (&mut sets.vps, VPS_MAX),
            NAL_SPS => (&mut sets.sps, SPS_MAX),
            NAL_PPS => (&mut sets.pps, PPS_MAX),
            _ => continue,
        };
        // Encoders repeat them even within one access unit. One more than there can be is enough to refuse it.
        if list.len() <= max && !list.contains(&nal) {
            list.push(nal);
        }
    }
    sets
}

/// The access unit without the parameter sets that its configuration has anyway. Shares the memory if there are none.
pub fn without(access_unit: &Bytes, config: &H265Config) -> Bytes {
    let is_known = |nal: &Bytes| match nal_type(nal) {
        NAL_VPS => config.vps.contains(nal),
        NAL_SPS => config.sps.contains(nal),
        NAL_PPS => config.pps.contains(nal),
        _ => false,
    };
    if !nals(access_unit).any(|nal| is_known(&nal)) {
        return access_unit.clone();
    }
    let mut kept = BytesMut::with_capacity(access_unit.len());
    for nal in nals(access_unit).filter(|nal| !is_known(nal)) {
        let length = u32::try_from(nal.len()).expect("it stood behind 32 bits of length");
        kept.extend_from_slice(&length.to_be_bytes());
        kept.extend_from_slice(&nal);
    }
    kept.freeze()
}

/// ITU-T H.265 sections 7.4.3.1 to 7.4.3.3: the largest numbers are 15, 15 and 63.
const VPS_MAX: usize = 16;
const SPS_MAX: usize = 16;
const PPS_MAX: usize = 64;

#[cfg(test)]
mod tests;
