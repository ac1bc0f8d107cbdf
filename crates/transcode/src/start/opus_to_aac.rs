//! Opus in, AAC out: low complexity, 48 kHz, stereo, one raw_data_block of 1024 samples a packet.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use media::{AacConfig, Timescale};

use crate::{Error, message::Fields};

/// The Opus source and what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusToAac {
    /// What the source announced. For logs: each packet says for itself what it is (RFC 6716 section 3.1).
    pub channels: OpusChannels,
    /// AAC bit rate in bits per second, 32 000 to 576 000.
    pub bitrate_bps: u32,
}

/// Channels of an Opus source; RTP carries no more (RFC 7587 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpusChannels {
    /// One, heard on both sides.
    Mono,
    /// Left and right.
    Stereo,
}

impl OpusToAac {
    /// 128 kbit/s: what FFmpeg's guide to its encoder recommends, "64 kBit/s for each channel".
    pub const BITRATE_BPS_DEFAULT: u32 = 128_000;

    /// Transcoding of Opus with so many channels at the default bit rate.
    pub const fn new(channels: OpusChannels) -> Self {
        Self {
            channels,
            bitrate_bps: Self::BITRATE_BPS_DEFAULT,
        }
    }

    /// The configuration of the AAC that comes of it. It is always this one, so that the track can be
    /// announced before its first packet; the child ends rather than send packets of another.
    pub const fn output() -> AacConfig {
        AacConfig {
            asc: Bytes::from_static(&OUTPUT_ASC),
            object_type: 2,
            sample_rate: Timescale::new(48_000).expect("48000 is not zero"),
            channels: 2,
        }
    }

    pub(super) fn encode(self, out: &mut BytesMut) -> Result<(), Error> {
        self.check()?;
        out.put_u8(self.channels.count());
        out.put_u32(self.bitrate_bps);
        Ok(())
    }

    pub(super) fn decode(mut body: Bytes) -> Result<Self, Error> {
        body.require(5, "Start")?;
        let start = Self {
            channels: OpusChannels::read(body.get_u8())?,
            bitrate_bps: body.get_u32(),
        };
        body.finished("Start")?;
        start.check()?;
        Ok(start)
    }

    fn check(self) -> Result<(), Error> {
        if !BITRATES_BPS.contains(&self.bitrate_bps) {
            return Err(Error::Value {
                element: "AAC bit rate in bit/s",
                value: self.bitrate_bps.into(),
                allowed: "32000 to 576000 are allowed",
            });
        }
        Ok(())
    }
}

impl OpusChannels {
    /// 1 or 2.
    pub const fn count(self) -> u8 {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }

    fn read(count: u8) -> Result<Self, Error> {
        match count {
            1 => Ok(Self::Mono),
            2 => Ok(Self::Stereo),
            other => Err(Error::Value {
                element: "Opus channels",
                value: other.into(),
                allowed: "1 and 2 are allowed",
            }),
        }
    }
}

/// ISO/IEC 14496-3 section 1.6.2.1: object type 2 (5 bits), frequency index 3 (4), channel configuration 2
/// (4), and GASpecificConfig's three zeros: frames of 1024 samples, no core coder, no extension.
const OUTPUT_ASC: [u8; 2] = [0x11, 0x90];

/// The upper end is ISO/IEC 14496-3 section 4.5.1.1: a channel's input buffer holds 6144 bits, for a frame
/// of 1024 samples. Below the lower end a mistake is likelier than a wish: that is what AAC is worst at.
const BITRATES_BPS: std::ops::RangeInclusive<u32> = 32_000..=576_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_what_its_configuration_says() {
        let output = OpusToAac::output();
        assert_eq!(media::aac::parse_asc(&output.asc), Ok(output.clone()));
        assert_eq!(media::aac::codecs(&output), "mp4a.40.2");
    }
}
