//! What the child must know before the first frame: one variant for each conversion there is.

mod aac_to_opus;
mod opus_to_aac;
mod video_source;
mod video_to_h264;
mod video_to_jpeg;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Error, message::Fields};

pub use aac_to_opus::AacToOpus;
pub use opus_to_aac::{OpusChannels, OpusToAac};
pub use video_source::VideoSource;
pub use video_to_h264::VideoToH264;
pub use video_to_jpeg::VideoToJpeg;

/// The version both ends must speak; it is the first field of [`Start`].
pub const PROTOCOL_VERSION: u8 = 4;

/// What comes and what is wanted of it. Two equal ones can share a child.
///
/// A conversion is one word, not a pair of codecs, so that those nobody needs cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// For WebRTC viewers of a publisher that sends AAC.
    AacToOpus(AacToOpus),
    /// For LL-HLS viewers of a publisher that sends Opus.
    OpusToAac(OpusToAac),
    /// For WebRTC viewers of a publisher whose video they cannot be sent as it is.
    VideoToH264(VideoToH264),
    /// For whoever is shown what there is to watch.
    VideoToJpeg(VideoToJpeg),
}

impl Start {
    pub(crate) fn encode_fields(&self, out: &mut BytesMut) -> Result<(), Error> {
        out.put_u8(PROTOCOL_VERSION);
        match self {
            Self::AacToOpus(fields) => {
                out.put_u8(AAC_TO_OPUS);
                fields.encode(out)
            }
            Self::OpusToAac(fields) => {
                out.put_u8(OPUS_TO_AAC);
                fields.encode(out)
            }
            Self::VideoToH264(fields) => {
                out.put_u8(VIDEO_TO_H264);
                fields.encode(out)
            }
            Self::VideoToJpeg(fields) => {
                out.put_u8(VIDEO_TO_JPEG);
                fields.encode(out)
            }
        }
    }

    pub(crate) fn decode_fields(mut body: Bytes) -> Result<Self, Error> {
        body.require(1, "protocol version")?;
        let version = body.get_u8();
        if version != PROTOCOL_VERSION {
            return Err(Error::Value {
                element: "protocol version",
                value: version.into(),
                allowed: "this end speaks 4; install both binaries from one build",
            });
        }
        body.require(1, "conversion")?;
        match body.get_u8() {
            AAC_TO_OPUS => AacToOpus::decode(body).map(Self::AacToOpus),
            OPUS_TO_AAC => OpusToAac::decode(body).map(Self::OpusToAac),
            VIDEO_TO_H264 => VideoToH264::decode(body).map(Self::VideoToH264),
            VIDEO_TO_JPEG => VideoToJpeg::decode(body).map(Self::VideoToJpeg),
            other => Err(Error::Value {
                element: "conversion",
                value: other.into(),
                allowed: "1 (AAC to Opus), 2 (Opus to AAC), 3 (video to H.264) and 4 (video to JPEG) exist",
            }),
        }
    }
}

const AAC_TO_OPUS: u8 = 1;
const OPUS_TO_AAC: u8 = 2;
const VIDEO_TO_H264: u8 = 3;
const VIDEO_TO_JPEG: u8 = 4;
