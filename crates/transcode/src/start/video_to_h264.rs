//! Video in, H.264 out that every WebRTC receiver decodes: constrained baseline, no B-frames, an IDR each second.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Error, codec::check_length, message::Fields};

/// The video source and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoToH264 {
    /// What comes.
    pub source: VideoSource,
    /// Frames in 1000 s, 1 to 240 000. For the encoder's rate control; pictures keep the times they have.
    pub frame_rate_milli: u32,
    /// Bits per second, 50 000 to 100 000 000.
    pub bitrate_bps: u32,
}

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
    /// AV1, likewise: temporal units of OBUs with their sizes, whose key frames are led by their sequence header. Not every
    /// machine's child decodes it.
    Av1,
}

impl VideoToH264 {
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        self.check()?;
        let (codec, configuration) = match &self.source {
            VideoSource::H264(record) => (H264, record.as_ref()),
            VideoSource::H265(record) => (H265, record.as_ref()),
            VideoSource::Vp9 => (VP9, &[][..]),
            VideoSource::Av1 => (AV1, &[][..]),
        };
        out.put_u8(codec);
        out.put_u32(self.frame_rate_milli);
        out.put_u32(self.bitrate_bps);
        out.put_slice(configuration);
        Ok(())
    }

    pub(super) fn decode(mut body: Bytes) -> Result<Self, Error> {
        body.require(9, "Start")?;
        let codec = body.get_u8();
        let (frame_rate_milli, bitrate_bps) = (body.get_u32(), body.get_u32());
        let source = match codec {
            H264 => VideoSource::H264(body),
            H265 => VideoSource::H265(body),
            VP9 => {
                body.finished("Start")?;
                VideoSource::Vp9
            }
            AV1 => {
                body.finished("Start")?;
                VideoSource::Av1
            }
            other => {
                return Err(Error::Value {
                    element: "video codec",
                    value: other.into(),
                    allowed: "1 (H.264), 2 (H.265), 3 (VP9) and 5 (AV1) exist",
                });
            }
        };
        let start = Self {
            source,
            frame_rate_milli,
            bitrate_bps,
        };
        start.check()?;
        Ok(start)
    }

    fn check(&self) -> Result<(), Error> {
        if !FRAME_RATES_MILLI.contains(&self.frame_rate_milli) {
            return Err(Error::Value {
                element: "frames in 1000 s",
                value: self.frame_rate_milli.into(),
                allowed: "1 to 240000 are allowed",
            });
        }
        if !BITRATES_BPS.contains(&self.bitrate_bps) {
            return Err(Error::Value {
                element: "H.264 bit rate in bit/s",
                value: self.bitrate_bps.into(),
                allowed: "50000 to 100000000 are allowed",
            });
        }
        match &self.source {
            VideoSource::H264(record) | VideoSource::H265(record) => check_length(
                "video configuration",
                record.len(),
                7,
                CONFIGURATION_BYTES_MAX,
            ),
            VideoSource::Vp9 | VideoSource::Av1 => Ok(()),
        }
    }
}

const H264: u8 = 1;
const H265: u8 = 2;
const VP9: u8 = 3;
const AV1: u8 = 5;
const FRAME_RATES_MILLI: std::ops::RangeInclusive<u32> = 1..=240_000;
/// A slide at 240p; what level 5.1 allows in the baseline profile is 240 Mbit/s, what a network does less.
const BITRATES_BPS: std::ops::RangeInclusive<u32> = 50_000..=100_000_000;
/// All 31 sequence and 255 picture parameter sets would be more; encoders send one of each.
const CONFIGURATION_BYTES_MAX: usize = 64 * 1024;
