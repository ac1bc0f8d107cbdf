//! RTP packets into pictures, whole ones only.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    Fault, Look,
    assemble::{self, Assemble, Picture},
};
use crate::{AccessUnit, RtpCodec};

/// Joins one track's packets. They must come in order; what is missing must be said.
///
/// Nothing is given before the first whole key frame, nor between a damage and the next one: what
/// refers to a picture that is not there decodes to rubbish.
#[derive(Debug)]
pub(crate) struct Depacketiser {
    /// The unit that packets are coming for.
    unit: Option<Unit>,
    assembly: Box<dyn Assemble>,
    /// Only a key frame may be given.
    withholding: bool,
    /// Nobody knows whether the next packet begins a unit.
    uncertain: bool,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    rtp_time: i64,
    /// Its first packets may be missing.
    uncertain: bool,
    damaged: bool,
}

/// One RTP packet, in its order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    /// What is behind the RTP header, padding removed.
    pub(crate) payload: &'a [u8],
    /// The extended timestamp.
    pub(crate) rtp_time: i64,
    /// The marker bit: the last packet of its unit (RFC 6184 section 5.1, RFC 7741 section 4.1, RFC
    /// 9628 section 4.1, RTP Payload Format for AV1 section 4.2).
    pub(crate) marker: bool,
    /// Packets are missing, or may be, between the one before and this one.
    pub(crate) after_gap: bool,
}

/// What comes of packets. After [`Damaged`](Self::Damaged) or [`Withheld`](Self::Withheld) the
/// publisher should be asked for a key frame, no more often than the policy for it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// A whole access unit that can be decoded.
    Unit(AccessUnit),
    /// Something is wrong with the unit of this time, or was lost before it. Said as soon as it is
    /// known, once for a unit; nothing but a key frame comes next.
    Damaged {
        /// The time of the packet that showed it.
        rtp_time: i64,
        /// What is wrong.
        fault: Fault,
    },
    /// A unit has ended that is not given: damaged, or in want of one that was.
    Withheld {
        /// The unit's time.
        rtp_time: i64,
    },
    /// A packet was left out that no picture misses.
    Ignored {
        /// The packet's time.
        rtp_time: i64,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl Depacketiser {
    pub(crate) fn new(codec: RtpCodec) -> Self {
        Self {
            unit: None,
            assembly: assemble::of(codec),
            withholding: true,
            // The first packets may be lost before anything is heard of the publisher: OBS loses
            // about fifty.
            uncertain: true,
            outputs: VecDeque::new(),
        }
    }

    /// Parameter sets told by other means than packets (RFC 6184 section 8.1, `sprop-parameter-sets`). What is none is left
    /// out.
    pub(crate) fn know(&mut self, parameter_sets: &[Bytes]) {
        self.assembly.know(parameter_sets);
    }

    /// What a payload says of its picture before that is whole.
    pub(crate) fn look(&self, payload: &[u8]) -> Look {
        self.assembly.look(payload)
    }

    /// Takes the next packet. Poll afterwards until nothing comes.
    pub(crate) fn push(&mut self, packet: Packet<'_>) {
        let is_other = |unit: &Unit| unit.rtp_time != packet.rtp_time;
        if packet.after_gap {
            self.lose(packet.rtp_time);
        }
        if self.unit.as_ref().is_some_and(is_other) {
            // RFC 6184 section 5.1: decoders may use the marker bit, "but MUST NOT rely on this
            // property".
            self.end();
        }
        // Padding alone: libwebrtc probes with it.
        if !packet.payload.is_empty() {
            self.feed(packet.rtp_time, packet.payload);
        }
        if packet.marker {
            self.end();
        }
    }

    /// What came of the packets so far.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Packets are missing. They were of the unit that is open, of the one that begins now, or of
    /// any number of units in between.
    fn lose(&mut self, rtp_time: i64) {
        self.uncertain = self.unit.is_none_or(|unit| unit.rtp_time != rtp_time);
        self.damage(rtp_time, Fault::Lost);
    }

    fn feed(&mut self, rtp_time: i64, payload: &[u8]) {
        let uncertain = &mut self.uncertain;
        let unit = self.unit.get_or_insert_with(|| Unit {
            rtp_time,
            uncertain: std::mem::take(uncertain),
            damaged: false,
        });
        if unit.damaged {
            return;
        }
        match self.assembly.push(payload) {
            Ok(()) => {}
            Err(fault @ Fault::Reserved(_)) => {
                self.outputs.push_back(Output::Ignored { rtp_time, fault });
            }
            Err(fault) => self.damage(rtp_time, fault),
        }
    }

    fn damage(&mut self, rtp_time: i64, fault: Fault) {
        if let Some(unit) = &mut self.unit {
            unit.damaged = true;
        }
        self.withholding = true;
        self.outputs.push_back(Output::Damaged { rtp_time, fault });
    }

    /// The open unit has ended; one without a picture leaves nothing behind but its parameter sets.
    fn end(&mut self) {
        let Some(unit) = self.unit.take() else { return };
        let rtp_time = unit.rtp_time;
        let picture = self.assembly.picture();
        if unit.damaged || self.assembly.is_open() {
            if !unit.damaged {
                self.damage(rtp_time, Fault::NoEnd);
            }
            self.outputs.push_back(Output::Withheld { rtp_time });
        } else if let Some(picture) = picture {
            let output = self.judge(unit, picture);
            self.outputs.push_back(output);
        }
        self.assembly.clear();
    }

    /// What becomes of a unit whose packets are all there, as far as anyone can know.
    fn judge(&mut self, unit: Unit, picture: Picture) -> Output {
        let rtp_time = unit.rtp_time;
        let is_whole = !unit.uncertain || picture.begins;
        let starts = picture.keyframe && is_whole;
        if self.withholding && !starts {
            return Output::Withheld { rtp_time };
        }
        match self.finish(rtp_time, picture.keyframe, starts) {
            Ok(unit) => {
                self.withholding = false;
                Output::Unit(unit)
            }
            Err(fault) => {
                self.damage(rtp_time, fault);
                Output::Withheld { rtp_time }
            }
        }
    }

    fn finish(&mut self, rtp_time: i64, keyframe: bool, starts: bool) -> Result<AccessUnit, Fault> {
        let config = if starts {
            self.assembly.activate()?
        } else {
            None
        };
        Ok(AccessUnit {
            rtp_time,
            keyframe,
            config,
            payload: self.assembly.payload()?,
        })
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
