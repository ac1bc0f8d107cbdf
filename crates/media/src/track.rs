//! What is known of a track before its first frame.

use bytes::Bytes;

use crate::{h265::ProfileTierLevel, time::Timescale, video::Colour};

/// Frames per second as a ratio, for example 30000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    /// Frames ...
    pub num: u32,
    /// ... in this many seconds.
    pub den: u32,
}

impl FrameRate {
    /// `num / den` in lowest terms; `None` unless between 1 and 240 frames a second.
    pub fn reduced(num: u64, den: u64) -> Option<Self> {
        if den == 0 || num < den || num > den.saturating_mul(u64::from(FPS_MAX)) {
            return None;
        }
        let divisor = greatest_common_divisor(num, den);
        let (num, den) = (
            u32::try_from(num / divisor).ok()?,
            u32::try_from(den / divisor).ok()?,
        );
        Some(Self { num, den })
    }

    /// The rate an encoder means by a decimal number: 29.97 is 30000/1001. `None` unless between 1
    /// and 240.
    pub fn from_decimal(fps: f64) -> Option<Self> {
        if !(1.0..=f64::from(FPS_MAX)).contains(&fps) {
            return None;
        }
        for whole in 1..=FPS_MAX {
            let whole_fps = f64::from(whole);
            if (whole_fps - fps).abs() < 0.000_5 {
                return Some(Self { num: whole, den: 1 });
            }
            // Encoders write two to six decimals; 23.98, 29.97, 59.94 and 119.88 are all within
            // 0.005.
            if whole % 6 == 0 && (whole_fps * 1000.0 / 1001.0 - fps).abs() <= 0.005 {
                return Some(Self {
                    num: whole * 1000,
                    den: 1001,
                });
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "fps is between 1 and 240, checked above"
        )]
        let thousandths = (fps * 1000.0).round() as u64;
        Self::reduced(thousandths, 1000)
    }

    /// Frames a second, for people and for metrics; never for arithmetic on times.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Above every camera and display in use; a grid finer than 4 ms could not be told from millisecond
/// stamps.
const FPS_MAX: u32 = 240;

/// An H.264 track's configuration: what an `avcC` record and its first sequence parameter set say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct H264Config {
    /// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1), with 4-byte NAL lengths.
    pub avcc: Bytes,
    /// Sequence parameter sets, NAL header included; never empty.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, NAL header included; never empty.
    pub pps: Vec<Bytes>,
    /// `profile_idc`, `constraint_set` flags and `level_idc`: the three bytes of `avc1.PPCCLL`.
    pub profile_level: [u8; 3],
    /// Luma width after cropping, pixels.
    pub width: u16,
    /// Luma height after cropping, pixels.
    pub height: u16,
    /// From the VUI's timing, if it is there and fixed.
    pub frame_rate: Option<FrameRate>,
    /// `max_num_reorder_frames` of the VUI; more than zero means B-frames (picture reordering) may
    /// come.
    pub reorder_frames: Option<u8>,
}

/// An H.265 track's configuration: what its parameter sets say, however they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct H265Config {
    /// HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1), with 4-byte NAL lengths and complete arrays.
    pub hvcc: Bytes,
    /// Video parameter sets, NAL header included; never empty.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets, NAL header included; never empty.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, NAL header included; never empty.
    pub pps: Vec<Bytes>,
    /// Profile, tier and level: what the name `hvc1.…` is made of.
    pub profile: ProfileTierLevel,
    /// Luma width inside the conformance window, pixels.
    pub width: u16,
    /// Luma height inside the conformance window, pixels.
    pub height: u16,
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits per luma sample, 8 to 16.
    pub bit_depth: u8,
    /// What the numbers mean.
    pub colour: Colour,
    /// From the VUI's timing, if it is there.
    pub frame_rate: Option<FrameRate>,
    /// `sps_max_num_reorder_pics`; more than zero means pictures may come in another order than they are shown in. Slice
    /// types would not tell: low-delay encoders write B slices that refer to the past alone.
    pub reorder_pics: u8,
}

/// An AAC track's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AacConfig {
    /// AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).
    pub asc: Bytes,
    /// Audio object type as signalled in `mp4a.40.N`: 2 LC, 5 HE, 29 HEv2.
    pub object_type: u8,
    /// Samples per second of the core coder: the track's timescale.
    pub sample_rate: Timescale,
    /// Channels; 1 to 8.
    pub channels: u8,
}

/// What is known of an audio track before its first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioConfig {
    /// AAC.
    Aac(AacConfig),
    /// Opus, whose packets say all that is to be known.
    Opus,
}

impl AacConfig {
    /// Samples a frame holds at [`sample_rate`](Self::sample_rate).
    pub const SAMPLES_PER_FRAME: u32 = 1024;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_rates_become_the_ratios_they_stand_for() {
        for (fps, num, den) in [
            (30.0, 30, 1),
            (29.97, 30_000, 1001),
            (29.970_029_970_03, 30_000, 1001),
            (59.94, 60_000, 1001),
            (23.976, 24_000, 1001),
            (23.98, 24_000, 1001),
            (119.88, 120_000, 1001),
            (25.0, 25, 1),
            (12.5, 25, 2),
            (240.0, 240, 1),
        ] {
            assert_eq!(
                FrameRate::from_decimal(fps),
                Some(FrameRate { num, den }),
                "{fps}"
            );
        }
    }

    #[test]
    fn rates_nobody_films_at_are_no_rates() {
        for fps in [0.0, 0.5, -30.0, 240.5, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(FrameRate::from_decimal(fps), None, "{fps}");
        }
        for (num, den) in [
            (0, 0),
            (30, 0),
            (0, 30),
            (u64::MAX, 1),
            (1, u64::MAX),
            (241, 1),
        ] {
            assert_eq!(FrameRate::reduced(num, den), None, "{num}/{den}");
        }
        assert_eq!(
            FrameRate::reduced(60_000, 2002),
            Some(FrameRate {
                num: 30_000,
                den: 1001
            })
        );
    }
}
