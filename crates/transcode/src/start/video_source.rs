//! What comes, of the conversions of video: a codec and what its pictures are decoded by.

use bytes::Bytes;

use crate::{Error, codec::check_length, message::Fields};

/// A source's codec and configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoSource {
    /// H.264: an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1), whose NAL units have lengths of four
    /// bytes.
    H264(Bytes),
    /// H.265: an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1), likewise.
    H265(Bytes),
    /// VP9, whose pictures bring all they are decoded by.
    Vp9,
    /// VP8, likewise.
    Vp8,
    /// AV1, likewise: temporal units of OBUs with their sizes, whose key frames are led by their sequence header. Not every
    /// machine's child decodes it.
    Av1,
}

impl VideoSource {
    /// The codec's number.
    pub(super) const fn codec(&self) -> u8 {
        match self {
            Self::H264(_) => H264,
            Self::H265(_) => H265,
            Self::Vp9 => VP9,
            Self::Vp8 => VP8,
            Self::Av1 => AV1,
        }
    }

    pub(super) fn configuration(&self) -> &[u8] {
        match self {
            Self::H264(record) | Self::H265(record) => record,
            Self::Vp9 | Self::Vp8 | Self::Av1 => &[],
        }
    }

    /// Of a codec's number and what is left of the message.
    pub(super) fn read(codec: u8, body: Bytes) -> Result<Self, Error> {
        match codec {
            H264 => Ok(Self::H264(body)),
            H265 => Ok(Self::H265(body)),
            VP9 => body.finished("Start").map(|()| Self::Vp9),
            VP8 => body.finished("Start").map(|()| Self::Vp8),
            AV1 => body.finished("Start").map(|()| Self::Av1),
            other => Err(Error::Value {
                element: "video codec",
                value: other.into(),
                allowed: "1 (H.264), 2 (H.265), 3 (VP9), 4 (VP8) and 5 (AV1) exist",
            }),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::H264(record) | Self::H265(record) => check_length(
                "video configuration",
                record.len(),
                7,
                CONFIGURATION_BYTES_MAX,
            ),
            Self::Vp9 | Self::Vp8 | Self::Av1 => Ok(()),
        }
    }
}

const H264: u8 = 1;
const H265: u8 = 2;
const VP9: u8 = 3;
const VP8: u8 = 4;
const AV1: u8 = 5;
/// All 31 sequence and 255 picture parameter sets would be more; encoders send one of each.
const CONFIGURATION_BYTES_MAX: usize = 64 * 1024;
