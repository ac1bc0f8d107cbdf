//! AV1 (RTP Payload Format for AV1, v1.0.0): a picture is a temporal unit, its OBUs in elements.

mod elements;

use bytes::Bytes;
use media::{
    Av1Config, VideoConfig,
    av1::{
        OBU_FRAME, OBU_FRAME_HEADER, OBU_SEQUENCE_HEADER, SampleBuilder, obus,
        parse_sequence_header, starts_keyframe,
    },
};

use self::elements::{Element, beginning, read};
use super::{
    Fault, Look,
    assemble::{Assemble, KEPT_MAX, Picture, extend},
};

/// A temporal unit.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    sample: SampleBuilder,
    /// The OBU whose end is still to come, as far as it came.
    open: Option<Vec<u8>>,
    in_force: Option<Av1Config>,
}

impl Assemble for Assembler {
    fn look(&self, payload: &[u8]) -> Look {
        let Ok(packet) = read(payload) else {
            return Look::default();
        };
        let mut sequence = packet.begins_sequence;
        for element in packet.map_while(Result::ok).filter(|it| !it.continues) {
            match beginning(element.bytes) {
                Some((OBU_SEQUENCE_HEADER, _)) => sequence = true,
                Some((OBU_FRAME | OBU_FRAME_HEADER, frame)) => {
                    return Look {
                        picture: true,
                        keyframe: sequence && starts_keyframe(frame).unwrap_or(true),
                    };
                }
                _ => {}
            }
        }
        Look {
            picture: false,
            keyframe: sequence,
        }
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), Fault> {
        for element in read(payload)? {
            self.push_element(element?)?;
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn picture(&self) -> Option<Picture> {
        let has_sequence = self.sample.sequence().is_some();
        self.sample.first_is_key().map(|key| Picture {
            // Section 7.6.1 of AV1: without its sequence header decoding cannot start there.
            keyframe: key && has_sequence,
            begins: has_sequence,
        })
    }

    fn activate(&mut self) -> Result<Option<VideoConfig>, Fault> {
        let sequence = self.sample.sequence().ok_or(Fault::NoParameterSets)?;
        let config = parse_sequence_header(sequence).map_err(Fault::Frame)?;
        if self.in_force.as_ref() == Some(&config) {
            return Ok(None);
        }
        self.in_force = Some(config.clone());
        Ok(Some(config.into()))
    }

    fn payload(&self) -> Result<Bytes, Fault> {
        Ok(self.sample.payload())
    }

    fn clear(&mut self) {
        self.sample.clear(KEPT_MAX);
        self.open = None;
    }
}

impl Assembler {
    fn push_element(&mut self, element: Element<'_>) -> Result<(), Fault> {
        let Element {
            continues,
            goes_on,
            bytes,
        } = element;
        match (continues, self.open.take()) {
            (true, None) => Err(Fault::NoStart),
            (false, Some(_)) => Err(Fault::NoEnd),
            (false, None) if !goes_on => self.take(bytes),
            (_, open) => {
                let mut open = open.unwrap_or_default();
                extend(&mut open, bytes)?;
                if goes_on {
                    self.open = Some(open);
                    Ok(())
                } else {
                    self.take(&open)
                }
            }
        }
    }

    /// A whole element: one OBU, as a rule without its size.
    fn take(&mut self, element: &[u8]) -> Result<(), Fault> {
        for obu in obus(element) {
            let obu = obu.map_err(Fault::Frame)?;
            self.sample.push(&obu).map_err(Fault::Frame)?;
        }
        Ok(())
    }
}
