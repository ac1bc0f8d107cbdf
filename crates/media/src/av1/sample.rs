//! Samples: temporal units as files and segments hold them (AV1 Codec ISO Media File Format Binding section 2.4).

use bytes::Bytes;

use super::{
    OBU_FRAME, OBU_FRAME_HEADER, OBU_PADDING, OBU_REDUNDANT_FRAME_HEADER, OBU_SEQUENCE_HEADER,
    OBU_TEMPORAL_DELIMITER, OBU_TILE_LIST, Obu, obus, put_obu, starts_keyframe,
};
use crate::Error;

/// A temporal unit, OBU by OBU: each with its size, without those that a sample need not, should not or must not have.
#[derive(Debug, Default)]
pub struct SampleBuilder {
    bytes: Vec<u8>,
    obus: usize,
    sequence: Option<Bytes>,
    first_is_key: Option<bool>,
}

impl SampleBuilder {
    /// Takes the next one. After an error what has come is of no use.
    ///
    /// # Errors
    /// More than 512 of them, more than 8 MiB in all, or a frame without a header.
    pub fn push(&mut self, obu: &Obu<'_>) -> Result<(), Error> {
        self.obus += 1;
        if self.obus > OBUS_MAX {
            return Err(Error::OutOfRange {
                element: "OBUs in a temporal unit",
                value: self.obus as u64,
                allowed: "at most 512",
            });
        }
        match obu.kind {
            OBU_TEMPORAL_DELIMITER | OBU_PADDING | OBU_REDUNDANT_FRAME_HEADER | OBU_TILE_LIST => {
                return Ok(());
            }
            OBU_SEQUENCE_HEADER if self.first_is_key.is_none() => {
                self.sequence = Some(Bytes::copy_from_slice(obu.payload));
            }
            OBU_FRAME | OBU_FRAME_HEADER if self.first_is_key.is_none() => {
                self.first_is_key = Some(starts_keyframe(obu.payload)?);
            }
            _ => {}
        }
        if self.bytes.len() + obu.payload.len() + HEADER_MAX > BYTES_MAX {
            return Err(Error::OutOfRange {
                element: "temporal unit in bytes",
                value: (self.bytes.len() + obu.payload.len()) as u64,
                allowed: "at most 8 MiB",
            });
        }
        put_obu(&mut self.bytes, obu);
        Ok(())
    }

    /// What has come so far, in memory of just its size.
    pub fn payload(&self) -> Bytes {
        Bytes::copy_from_slice(&self.bytes)
    }

    /// The sequence header that came before the first frame.
    pub const fn sequence(&self) -> Option<&Bytes> {
        self.sequence.as_ref()
    }

    /// Whether the first frame is a key frame that is shown; `None` as long as no frame has come.
    pub const fn first_is_key(&self) -> Option<bool> {
        self.first_is_key
    }

    /// Ready for the next temporal unit; memory beyond `kept` bytes is given back.
    pub fn clear(&mut self, kept: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(kept);
        self.obus = 0;
        self.sequence = None;
        self.first_is_key = None;
    }
}

/// A temporal unit as it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// OBUs with their sizes.
    pub payload: Bytes,
    /// Its first frame is a key frame that is shown. Decoding can start there if a sequence header stands before it.
    pub keyframe: bool,
    /// That sequence header's payload.
    pub sequence: Option<Bytes>,
}

/// Makes a sample of a whole temporal unit. An OBU without its size is the last.
///
/// # Errors
/// Bytes that are no OBUs, no frame among them, or what [`SampleBuilder::push`] refuses.
pub fn sample(temporal_unit: &[u8]) -> Result<Sample, Error> {
    let mut builder = SampleBuilder::default();
    for obu in obus(temporal_unit) {
        builder.push(&obu?)?;
    }
    let keyframe = builder.first_is_key.ok_or(Error::Truncated {
        element: "temporal unit without a frame",
    })?;
    Ok(Sample {
        payload: builder.bytes.into(),
        keyframe,
        sequence: builder.sequence,
    })
}

/// A picture has at most 128 tile groups, each in one, and a few beside them.
const OBUS_MAX: usize = 512;
/// 240 Mbit/s at 30 frames/s have 1 MiB.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Header, extension and size of an OBU.
const HEADER_MAX: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    const DELIMITER: &[u8] = &[0x12, 0];
    const SEQUENCE: &[u8] = &[0x0a, 2, 7, 8];
    const KEY: &[u8] = &[0x32, 2, 0x10, 1];
    const INTER: &[u8] = &[0x32, 2, 0x30, 1];
    const PADDING: &[u8] = &[0x7a, 3, 0, 0, 0x80];

    #[test]
    fn what_a_sample_should_not_have_is_left_out() {
        let redundant: &[u8] = &[0x3a, 1, 0x10];
        let unit = [DELIMITER, PADDING, SEQUENCE, KEY, redundant, PADDING].concat();
        let read = sample(&unit).unwrap();
        assert_eq!(read.payload, [SEQUENCE, KEY].concat());
        assert_eq!(
            (read.keyframe, read.sequence.as_deref()),
            (true, Some(&[7, 8][..]))
        );
        assert_eq!(sample(&read.payload), Ok(read));
    }

    #[test]
    fn a_unit_without_its_size_is_the_last() {
        let read = sample(&[DELIMITER, &[0x30, 0x30, 1]].concat()).unwrap();
        assert_eq!((&read.payload[..], read.keyframe), (INTER, false));
    }

    #[test]
    fn a_sequence_header_behind_the_first_frame_is_for_the_next() {
        let read = sample(&[KEY, SEQUENCE].concat()).unwrap();
        assert_eq!((read.keyframe, read.sequence), (true, None));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let many = [&DELIMITER.repeat(512), KEY].concat();
        let large = [&[0x32, 0x80, 0x80, 0x80, 4, 0x10][..], &vec![0; BYTES_MAX]].concat();
        for unit in [
            &[][..],
            &[DELIMITER, SEQUENCE].concat(),
            &[0x32, 0],
            &[0x32, 5, 0x10],
            &many,
            &large,
        ] {
            sample(unit).unwrap_err();
        }
    }
}
