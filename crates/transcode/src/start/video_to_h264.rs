//! Video in, H.264 out that every WebRTC receiver decodes: constrained baseline, no B-frames, an IDR each second.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Error, message::Fields, start::VideoSource};

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

impl VideoToH264 {
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        self.check()?;
        out.put_u8(self.source.codec());
        out.put_u32(self.frame_rate_milli);
        out.put_u32(self.bitrate_bps);
        out.put_slice(self.source.configuration());
        Ok(())
    }

    pub(super) fn decode(mut body: Bytes) -> Result<Self, Error> {
        body.require(9, "Start")?;
        let codec = body.get_u8();
        let (frame_rate_milli, bitrate_bps) = (body.get_u32(), body.get_u32());
        let start = Self {
            source: VideoSource::read(codec, body)?,
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
        self.source.check()
    }
}

const FRAME_RATES_MILLI: std::ops::RangeInclusive<u32> = 1..=240_000;
/// A slide at 240p; what level 5.1 allows in the baseline profile is 240 Mbit/s, what a network does less.
const BITRATES_BPS: std::ops::RangeInclusive<u32> = 50_000..=100_000_000;
