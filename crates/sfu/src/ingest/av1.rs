//! AV1 (RTP Payload Format for AV1, v1.0.0): a picture is a temporal unit, its OBUs in elements.

mod elements;

use bytes::Bytes;
use media::{
    Av1Config, VideoConfig,
    av1::{
        OBU_FRAME, OBU_FRAME_HEADER, OBU_PADDING, OBU_REDUNDANT_FRAME_HEADER, OBU_SEQUENCE_HEADER,
        OBU_TEMPORAL_DELIMITER, OBU_TILE_LIST, Obu, obus, parse_sequence_header, put_obu,
        starts_keyframe,
    },
};

use self::elements::{Element, beginning, read};
use super::{
    Fault, Look,
    assemble::{Assemble, KEPT_MAX, PICTURE_MAX, Picture, extend},
};

/// A temporal unit.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// OBUs with their sizes, without those that nobody needs.
    bytes: Vec<u8>,
    /// The OBU whose end is still to come, as far as it came.
    open: Option<Vec<u8>>,
    obus: usize,
    /// The sequence header that came before the first frame.
    sequence: Option<Bytes>,
    /// Whether the first frame is a key frame, once it came.
    first_is_key: Option<bool>,
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
        let has_sequence = self.sequence.is_some();
        self.first_is_key.map(|key| Picture {
            // Section 7.6.1 of AV1: without its sequence header decoding cannot start there.
            keyframe: key && has_sequence,
            begins: has_sequence,
        })
    }

    fn activate(&mut self) -> Result<Option<VideoConfig>, Fault> {
        let sequence = self.sequence.as_deref().ok_or(Fault::NoParameterSets)?;
        let config = parse_sequence_header(sequence).map_err(Fault::Frame)?;
        if self.in_force.as_ref() == Some(&config) {
            return Ok(None);
        }
        self.in_force = Some(config.clone());
        Ok(Some(config.into()))
    }

    fn payload(&self) -> Result<Bytes, Fault> {
        Ok(Bytes::copy_from_slice(&self.bytes))
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_MAX);
        self.open = None;
        self.obus = 0;
        self.sequence = None;
        self.first_is_key = None;
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
            self.obus += 1;
            if self.obus > OBUS_MAX {
                return Err(Fault::TooLarge {
                    what: "OBUs in a temporal unit",
                    limit: OBUS_MAX,
                });
            }
            self.take_obu(&obu)?;
        }
        Ok(())
    }

    fn take_obu(&mut self, obu: &Obu<'_>) -> Result<(), Fault> {
        match obu.kind {
            // AV1 Codec ISO Media File Format Binding section 2.4: what a sample need not, should
            // not or must not have.
            OBU_TEMPORAL_DELIMITER | OBU_PADDING | OBU_REDUNDANT_FRAME_HEADER | OBU_TILE_LIST => {
                return Ok(());
            }
            OBU_SEQUENCE_HEADER if self.first_is_key.is_none() => {
                self.sequence = Some(Bytes::copy_from_slice(obu.payload));
            }
            OBU_FRAME | OBU_FRAME_HEADER if self.first_is_key.is_none() => {
                self.first_is_key = Some(starts_keyframe(obu.payload).map_err(Fault::Frame)?);
            }
            _ => {}
        }
        if self.bytes.len() + obu.payload.len() + HEADER_MAX > PICTURE_MAX {
            return Err(Fault::TooLarge {
                what: "bytes in a picture",
                limit: PICTURE_MAX,
            });
        }
        put_obu(&mut self.bytes, obu);
        Ok(())
    }
}

/// A picture has at most 128 tile groups, each in one, and a few beside them.
const OBUS_MAX: usize = 512;
/// Header, extension and size of an OBU.
const HEADER_MAX: usize = 7;
