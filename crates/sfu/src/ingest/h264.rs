//! H.264 (RFC 6184, packetization-mode 0 and 1).

mod look;
mod payload;
mod scrub;
mod sets;
mod unit;

use bytes::Bytes;
use media::{VideoConfig, h264};

pub(crate) use self::scrub::Scrubber;
use self::{
    sets::{ActiveSets, ParameterSets},
    unit::Assembly,
};
use super::{
    Fault, Look,
    assemble::{Assemble, Picture},
};

/// A payload brings a sequence parameter set, or the beginning of one.
pub(crate) fn brings_sets(payload: &[u8]) -> bool {
    look::look(payload).sps
}

/// An access unit, and the parameter sets of all before it.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    assembly: Assembly,
    sets: ParameterSets,
    /// What the last key frame given is decoded by.
    in_force: Option<ActiveSets>,
    /// The parameter sets were told apart from the stream, which has brought none.
    out_of_band: bool,
}

impl Assemble for Assembler {
    fn know(&mut self, parameter_sets: &[Bytes]) {
        for set in parameter_sets {
            self.out_of_band |= self.sets.insert(set).is_ok();
        }
    }

    fn look(&self, payload: &[u8]) -> Look {
        let seen = look::look(payload);
        Look {
            picture: seen.starts_slice || seen.idr,
            // Any piece is of a key frame, but what lacks its beginning cannot be decoded.
            keyframe: seen.idr && seen.starts_picture,
        }
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let payload = payload::read(payload)?;
        self.assembly.push(payload, &mut self.sets)
    }

    fn is_open(&self) -> bool {
        self.assembly.is_open()
    }

    fn picture(&self) -> Option<Picture> {
        let picture = self.assembly.picture()?;
        Some(Picture {
            keyframe: picture.idr,
            // If both parameter sets came after a gap, missing is a delimiter or enhancement
            // information at most. Without them a key frame could be decoded by the sets of the one
            // before, unless the stream has brought none and they were told apart from it.
            begins: self.assembly.has_own_sets() || self.out_of_band,
        })
    }

    /// Finds what an IDR picture is decoded by.
    fn activate(&mut self) -> Result<Option<VideoConfig>, Fault> {
        let named = self.assembly.picture().and_then(|picture| picture.pps_id);
        let active = named.and_then(|id| self.sets.active(id));
        let active = active.ok_or(Fault::NoParameterSets)?;
        if self.in_force.as_ref() == Some(&active) {
            return Ok(None);
        }
        let config = h264::configure(vec![active.sps.clone()], active.pps.clone())?;
        self.in_force = Some(active);
        Ok(Some(config.into()))
    }

    fn payload(&self) -> Result<Bytes, Fault> {
        let is_keyframe = self.assembly.picture().is_some_and(|picture| picture.idr);
        Ok(self.assembly.payload(is_keyframe))
    }

    fn clear(&mut self) {
        let has_picture = self.assembly.picture().is_some();
        self.out_of_band &= !(has_picture && self.assembly.has_own_sets());
        self.assembly.clear();
    }
}
