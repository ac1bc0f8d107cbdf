//! The access unit that is being received: its NAL units behind their lengths, bounded.

use bytes::Bytes;
use media::h264::{self, NAL_AUD, NAL_FILLER, NAL_IDR, NAL_PPS, NAL_SLICE, NAL_SPS};

use super::{
    super::{Fault, assemble::KEPT_MAX},
    payload::{Fragment, Payload},
    sets::ParameterSets,
};
use crate::h264::{ACCESS_UNIT_MAX, NALS_MAX};

/// NAL units as they come, without those that go another way.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Each behind a 4-byte big-endian length. Kept from unit to unit.
    bytes: Vec<u8>,
    /// The fragmented one at the end of `bytes`, if its end is still to come.
    open: Option<Open>,
    /// How many NAL units came, those left out included.
    nals: usize,
    own: OwnSets,
    picture: Option<Picture>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    /// Where its length stands in `bytes`.
    at: usize,
    header: u8,
}

/// Parameter sets that came with the unit.
#[derive(Debug, Default)]
struct OwnSets {
    sps: bool,
    pps: bool,
    /// Picture parameter sets that were not known before.
    new_pps: Vec<Bytes>,
    new_pps_bytes: usize,
}

/// What the slices of the unit say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) idr: bool,
    /// The picture parameter set its first slice names.
    pub(super) pps_id: Option<u8>,
}

impl Assembly {
    /// Takes one payload; parameter sets go to `sets`. After an error the unit is of no use.
    pub(super) fn push(
        &mut self,
        payload: Payload<'_>,
        sets: &mut ParameterSets,
    ) -> Result<(), Fault> {
        match payload {
            Payload::Single(nal) => self.push_nal(nal, sets),
            Payload::Aggregate(units) => {
                for nal in units {
                    self.push_nal(nal?, sets)?;
                }
                Ok(())
            }
            Payload::Fragment(fragment) => self.push_fragment(fragment, sets),
        }
    }

    fn push_nal(&mut self, nal: &[u8], sets: &mut ParameterSets) -> Result<(), Fault> {
        self.begin(h264::nal_type(nal))?;
        self.extend(nal)?;
        self.end(sets)
    }

    /// RFC 6184 section 5.8: fragments follow one another, "no other RTP packets within the same RTP
    /// packet stream being sent between the first and last fragment".
    fn push_fragment(
        &mut self,
        fragment: Fragment<'_>,
        sets: &mut ParameterSets,
    ) -> Result<(), Fault> {
        if fragment.starts {
            self.begin(fragment.header)?;
            self.extend(&[fragment.header])?;
        } else {
            let is_of = |open: &Open| open.header & 0x1f == fragment.header & 0x1f;
            self.open.filter(is_of).ok_or(Fault::NoStart)?;
        }
        self.extend(fragment.body)?;
        if fragment.ends {
            self.end(sets)
        } else {
            Ok(())
        }
    }

    fn begin(&mut self, header: u8) -> Result<(), Fault> {
        if self.open.is_some() {
            return Err(Fault::NoEnd);
        }
        self.nals += 1;
        if self.nals > NALS_MAX {
            return Err(Fault::TooLarge {
                what: "NAL units in an access unit",
                limit: NALS_MAX,
            });
        }
        let at = self.bytes.len();
        self.open = Some(Open { at, header });
        self.extend(&[0; LENGTH])
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.bytes.len() + self.own.new_pps_bytes + bytes.len() > ACCESS_UNIT_MAX {
            return Err(Fault::TooLarge {
                what: "bytes in an access unit",
                limit: ACCESS_UNIT_MAX,
            });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The NAL unit at the end is whole: its length is written, or it goes where it belongs.
    fn end(&mut self, sets: &mut ParameterSets) -> Result<(), Fault> {
        let Some(Open { at, .. }) = self.open.take() else {
            return Ok(());
        };
        let Some((length, nal)) = self
            .bytes
            .get_mut(at..)
            .and_then(<[u8]>::split_first_chunk_mut::<LENGTH>)
        else {
            return Ok(());
        };
        match h264::nal_type(nal) {
            NAL_SPS => {
                sets.insert(nal)?;
                self.own.sps = true;
                self.bytes.truncate(at);
            }
            NAL_PPS => {
                let new = sets.insert(nal)?;
                self.own.add_pps(new);
                self.bytes.truncate(at);
            }
            // The marker bit says what a delimiter says, and filler only fills: the packetiser
            // leaves them out as well.
            NAL_AUD | NAL_FILLER => self.bytes.truncate(at),
            kind => {
                *length = length_of(nal);
                if matches!(kind, NAL_SLICE..=NAL_IDR) {
                    self.picture = Some(Picture::with(self.picture, nal)?);
                }
            }
        }
        Ok(())
    }

    /// A NAL unit's end is still to come.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// `None` as long as no slice came.
    pub(super) const fn picture(&self) -> Option<Picture> {
        self.picture
    }

    /// Parameter sets of both kinds came with the unit.
    pub(super) const fn has_own_sets(&self) -> bool {
        self.own.sps && self.own.pps
    }

    /// The unit as it goes on, in memory of just its size.
    ///
    /// What an IDR picture needs is told apart from it. Any other picture may still bring a picture
    /// parameter set that no key frame has announced: that one stays with it, in front.
    pub(super) fn payload(&self, is_keyframe: bool) -> Bytes {
        if is_keyframe || self.own.new_pps.is_empty() {
            return Bytes::copy_from_slice(&self.bytes);
        }
        let mut bytes = Vec::with_capacity(self.own.new_pps_bytes + self.bytes.len());
        for set in &self.own.new_pps {
            bytes.extend_from_slice(&length_of(set));
            bytes.extend_from_slice(set);
        }
        bytes.extend_from_slice(&self.bytes);
        Bytes::from(bytes)
    }

    /// Ready for the next unit.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_MAX);
        self.open = None;
        self.nals = 0;
        self.own = OwnSets::default();
        self.picture = None;
    }
}

impl OwnSets {
    fn add_pps(&mut self, new: Option<Bytes>) {
        self.pps = true;
        if let Some(set) = new {
            self.new_pps_bytes += LENGTH + set.len();
            self.new_pps.push(set);
        }
    }
}

impl Picture {
    /// The picture that one more slice makes of what there was.
    fn with(before: Option<Self>, slice: &[u8]) -> Result<Self, Fault> {
        let idr = h264::nal_type(slice) == NAL_IDR;
        if let Some(picture) = before {
            // H.264 section 7.4.1.2.4: where "IdrPicFlag differs in value" another picture begins.
            return if picture.idr == idr {
                Ok(picture)
            } else {
                Err(Fault::TwoPictures)
            };
        }
        if h264::first_mb_in_slice(slice) != Some(0) {
            return Err(Fault::NoFirstSlice);
        }
        let pps_id = h264::slice_pps_id(slice);
        Ok(Self { idr, pps_id })
    }
}

fn length_of(nal: &[u8]) -> [u8; LENGTH] {
    u32::try_from(nal.len())
        .expect("ACCESS_UNIT_MAX is less than 2^32")
        .to_be_bytes()
}

const LENGTH: usize = 4;
