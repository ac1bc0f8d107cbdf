//! What of joining packets to pictures depends on the codec.

use bytes::Bytes;
use media::VideoConfig;

use super::{Fault, Look, av1, h264, vp8, vp9};
use crate::RtpCodec;

/// The picture that is being received, in one codec's payload format.
pub(super) trait Assemble: std::fmt::Debug + Send {
    /// Takes what the stream is decoded by, told apart from it. Only H.264 has such.
    fn know(&mut self, _parameter_sets: &[Bytes]) {}

    /// What one payload says of its picture before that is whole.
    fn look(&self, payload: &[u8]) -> Look;

    /// Takes a payload that is not empty. After an error the picture is of no use.
    fn push(&mut self, payload: &[u8]) -> Result<(), Fault>;

    /// Something has begun whose end is still to come.
    fn is_open(&self) -> bool;

    /// What has come so far is; `None` as long as there is nothing to show.
    fn picture(&self) -> Option<Picture>;

    /// Reads what the key frame that has come is decoded by. It, if it is another than before.
    fn activate(&mut self) -> Result<Option<VideoConfig>, Fault>;

    /// The picture as it goes on, in memory of just its size.
    fn payload(&self) -> Result<Bytes, Fault>;

    /// Ready for the next picture.
    fn clear(&mut self);
}

/// What a picture says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// Decoding can start here.
    pub(super) keyframe: bool,
    /// Whatever was lost before it, nothing that it needs was.
    pub(super) begins: bool,
}

/// The one place that knows which payload format is whose.
pub(super) fn of(codec: RtpCodec) -> Box<dyn Assemble> {
    match codec {
        RtpCodec::H264 => Box::<h264::Assembler>::default(),
        RtpCodec::Vp8 => Box::<vp8::Assembler>::default(),
        RtpCodec::Vp9 => Box::<vp9::Assembler>::default(),
        RtpCodec::Av1 => Box::<av1::Assembler>::default(),
    }
}

/// A key frame at 20 Mbit/s; what a larger one took is given back.
pub(super) const KEPT_MAX: usize = 1024 * 1024;

/// Appends, as far as a picture may grow.
pub(super) fn extend(bytes: &mut Vec<u8>, with: &[u8]) -> Result<(), Fault> {
    if bytes.len() + with.len() > PICTURE_MAX {
        return Err(Fault::TooLarge {
            what: "bytes in a picture",
            limit: PICTURE_MAX,
        });
    }
    bytes.extend_from_slice(with);
    Ok(())
}

/// As for H.264.
pub(crate) const PICTURE_MAX: usize = crate::h264::ACCESS_UNIT_MAX;
