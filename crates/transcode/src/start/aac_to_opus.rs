//! AAC in, Opus out: 48 kHz, stereo, packets of 20 ms.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use media::{AacConfig, Timescale};

use crate::{Error, codec::check_length, message::Fields};

/// The AAC source's configuration and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AacToOpus {
    /// AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1); at most 512 bytes.
    pub asc: Bytes,
    /// Samples per second of the core coder, 7 350 to 96 000. For logs: the decoder believes `asc`.
    pub sample_rate: Timescale,
    /// Channels, 1 to 8. For logs, as above.
    pub channels: u8,
    /// Opus bit rate in bits per second, 6 000 to 510 000.
    pub bitrate_bps: u32,
}

impl AacToOpus {
    /// 96 kbit/s: RFC 7587 section 3.1.1 recommends "64-128 kbit/s for FB stereo music".
    pub const BITRATE_BPS_DEFAULT: u32 = 96_000;

    /// Transcoding of `aac` at the default bit rate.
    pub fn new(aac: &AacConfig) -> Self {
        Self {
            asc: aac.asc.clone(),
            sample_rate: aac.sample_rate,
            channels: aac.channels,
            bitrate_bps: Self::BITRATE_BPS_DEFAULT,
        }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        self.check()?;
        out.put_u32(self.sample_rate.hz());
        out.put_u8(self.channels);
        out.put_u32(self.bitrate_bps);
        out.put_slice(&self.asc);
        Ok(())
    }

    pub(super) fn decode(mut body: Bytes) -> Result<Self, Error> {
        body.require(9, "Start")?;
        let rate = body.get_u32();
        let sample_rate = Timescale::new(rate).ok_or_else(|| sample_rate_error(rate))?;
        let start = Self {
            sample_rate,
            channels: body.get_u8(),
            bitrate_bps: body.get_u32(),
            asc: body,
        };
        start.check()?;
        Ok(start)
    }

    fn check(&self) -> Result<(), Error> {
        let rate = self.sample_rate.hz();
        if !SAMPLE_RATES.contains(&rate) {
            return Err(sample_rate_error(rate));
        }
        if !CHANNELS.contains(&self.channels) {
            return Err(Error::Value {
                element: "channels",
                value: self.channels.into(),
                allowed: "1 to 8 are allowed",
            });
        }
        if !BITRATES_BPS.contains(&self.bitrate_bps) {
            return Err(Error::Value {
                element: "Opus bit rate in bit/s",
                value: self.bitrate_bps.into(),
                allowed: "6000 to 510000 are allowed (RFC 6716 section 2.1.1)",
            });
        }
        check_length("AudioSpecificConfig", self.asc.len(), 2, ASC_BYTES_MAX)
    }
}

fn sample_rate_error(rate: u32) -> Error {
    Error::Value {
        element: "sample rate in Hz",
        value: rate.into(),
        allowed: "7350 to 96000 are allowed (ISO/IEC 14496-3 table 1.18)",
    }
}

/// ISO/IEC 14496-3 table 1.18.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 7_350..=96_000;
/// ISO/IEC 14496-3 table 1.19; a program_config_element could name more, no live encoder does.
const CHANNELS: std::ops::RangeInclusive<u8> = 1..=8;
/// RFC 6716 section 2.1.1: "Opus supports all bitrates from 6 kbit/s to 510 kbit/s."
const BITRATES_BPS: std::ops::RangeInclusive<u32> = 6_000..=510_000;
/// `media::aac::parse_asc` accepts no more: a program_config_element with the longest comment.
const ASC_BYTES_MAX: usize = 512;
