//! A video track's codec and configuration, whichever codec it is.
//!
//! What a codec says of itself is read in its own module; this is the one place that asks which
//! one it is.

use crate::{
    Error, FrameRate, H264Config, H265Config,
    av1::{self, Av1Config},
    h264, h265,
    vp8::{self, Vp8Config},
    vp9::{self, Vp9Config},
};

/// The video codecs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VideoCodec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
    /// RFC 6386.
    Vp8,
    /// VP9 Bitstream & Decoding Process Specification.
    Vp9,
    /// AV1 Bitstream & Decoding Process Specification.
    Av1,
}

impl VideoCodec {
    /// Its name, as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
        }
    }
}

/// What is known of a video track before its first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoConfig {
    /// H.264.
    H264(H264Config),
    /// H.265.
    H265(H265Config),
    /// VP8.
    Vp8(Vp8Config),
    /// VP9.
    Vp9(Vp9Config),
    /// AV1.
    Av1(Av1Config),
}

impl VideoConfig {
    /// Which codec it is.
    pub const fn codec(&self) -> VideoCodec {
        match self {
            Self::H264(_) => VideoCodec::H264,
            Self::H265(_) => VideoCodec::H265,
            Self::Vp8(_) => VideoCodec::Vp8,
            Self::Vp9(_) => VideoCodec::Vp9,
            Self::Av1(_) => VideoCodec::Av1,
        }
    }

    /// The RFC 6381 name, for example `avc1.64001f`.
    pub fn codecs(&self) -> String {
        match self {
            Self::H264(config) => h264::codecs(config),
            Self::H265(config) => h265::codecs(config),
            Self::Vp8(_) => vp8::CODECS.to_owned(),
            Self::Vp9(config) => vp9::codecs(config),
            Self::Av1(config) => av1::codecs(config),
        }
    }

    /// The profile in the words of its specification, for example `Constrained Baseline`.
    pub fn profile(&self) -> &'static str {
        match self {
            Self::H264(config) => h264::profile(config),
            Self::H265(config) => h265::profile(config),
            Self::Vp8(config) => vp8::profile(config),
            Self::Vp9(config) => vp9::profile(config),
            Self::Av1(config) => av1::profile(config),
        }
    }

    /// Width and height in pixels.
    pub const fn size(&self) -> (u16, u16) {
        match self {
            Self::H264(H264Config { width, height, .. })
            | Self::H265(H265Config { width, height, .. })
            | Self::Vp8(Vp8Config { width, height, .. })
            | Self::Vp9(Vp9Config { width, height, .. })
            | Self::Av1(Av1Config { width, height, .. }) => (*width, *height),
        }
    }

    /// The frame rate the bitstream promises, if it does.
    pub const fn frame_rate(&self) -> Option<FrameRate> {
        match self {
            Self::H264(config) => config.frame_rate,
            Self::H265(config) => config.frame_rate,
            Self::Vp8(_) | Self::Vp9(_) | Self::Av1(_) => None,
        }
    }

    /// The same without that promise, which browsers do not keep.
    #[must_use]
    pub fn without_frame_rate(mut self) -> Self {
        match &mut self {
            Self::H264(config) => config.frame_rate = None,
            Self::H265(config) => config.frame_rate = None,
            Self::Vp8(_) | Self::Vp9(_) | Self::Av1(_) => {}
        }
        self
    }

    /// Pictures may come in another order than they are shown in.
    pub fn reorders(&self) -> bool {
        self.reorder_frames() > 0
    }

    /// How many pictures at most come before one that is shown first, as far as the configuration says.
    pub fn reorder_frames(&self) -> u8 {
        match self {
            Self::H264(config) => config.reorder_frames.unwrap_or(0),
            Self::H265(config) => config.reorder_pics,
            // What they refer to ahead of its time they send as a picture that is not shown.
            Self::Vp8(_) | Self::Vp9(_) | Self::Av1(_) => 0,
        }
    }
}

impl From<H264Config> for VideoConfig {
    fn from(config: H264Config) -> Self {
        Self::H264(config)
    }
}

impl From<H265Config> for VideoConfig {
    fn from(config: H265Config) -> Self {
        Self::H265(config)
    }
}

impl From<Vp8Config> for VideoConfig {
    fn from(config: Vp8Config) -> Self {
        Self::Vp8(config)
    }
}

impl From<Vp9Config> for VideoConfig {
    fn from(config: Vp9Config) -> Self {
        Self::Vp9(config)
    }
}

impl From<Av1Config> for VideoConfig {
    fn from(config: Av1Config) -> Self {
        Self::Av1(config)
    }
}

/// What the pictures' numbers mean (ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// ColourPrimaries; 2 is unspecified.
    pub primaries: u8,
    /// TransferCharacteristics; 2 is unspecified.
    pub transfer: u8,
    /// MatrixCoefficients; 2 is unspecified.
    pub matrix: u8,
    /// Samples use all their values.
    pub full_range: bool,
}

impl Colour {
    /// Nothing is said of it.
    pub const UNSPECIFIED: Self = Self {
        primaries: 2,
        transfer: 2,
        matrix: 2,
        full_range: false,
    };
    /// What HD video is.
    pub const BT709: Self = Self {
        primaries: 1,
        transfer: 1,
        matrix: 1,
        full_range: false,
    };
}

/// A picture's width and height, if decoders can be asked for it.
pub(crate) fn checked_size(width: u32, height: u32) -> Result<(u16, u16), Error> {
    let pixels = u64::from(width) * u64::from(height);
    let refused = Error::OutOfRange {
        element: "pixels of a picture",
        value: pixels,
        allowed: "at least one, and no more than 8192 x 8192",
    };
    if pixels == 0 || pixels > PIXELS_MAX {
        return Err(refused);
    }
    match (u16::try_from(width), u16::try_from(height)) {
        (Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err(refused),
    }
}

/// As for H.264: a decoder allocates by these pixels, so a few forged bits must not name more.
const PIXELS_MAX: u64 = 8192 * 8192;
