//! What keeps a source from being sent to WebRTC viewers as it is.

use media::{H264Config, VideoCodec, VideoConfig, h264};

/// The first that was found; later ones change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Their decoders show pictures in the order in which they come.
    BFrames,
    /// Who joins, or loses a picture, waits for the next key frame; this alone does not keep it from being sent.
    LongGop,
    /// No browser's WebRTC decoder takes fields.
    Interlaced,
    /// Nor anything but 4:2:0 (RFC 7742 section 6.2: constrained baseline is what all have).
    Chroma,
    /// Nor more than 8 bits.
    BitDepth,
    /// It came by RTMP, and nothing makes packets of this codec.
    Codec(VideoCodec),
}

impl Need {
    /// What the configuration alone tells.
    pub(super) fn of(config: &VideoConfig) -> Option<Self> {
        match config {
            VideoConfig::H264(h264) => {
                Self::of_h264(h264).or_else(|| config.reorders().then_some(Self::BFrames))
            }
            // Packets of a WHIP publisher, whose own browser knows what others take.
            VideoConfig::H265(_)
            | VideoConfig::Vp8(_)
            | VideoConfig::Vp9(_)
            | VideoConfig::Av1(_) => None,
        }
    }

    fn of_h264(config: &H264Config) -> Option<Self> {
        let sps = h264::parse_sps(config.sps.first()?).ok()?;
        if sps.chroma_format_idc != 1 {
            Some(Self::Chroma)
        } else if sps.bit_depth_luma != 8 || sps.bit_depth_chroma != 8 {
            Some(Self::BitDepth)
        } else {
            (!sps.frame_mbs_only).then_some(Self::Interlaced)
        }
    }

    /// Viewers can be sent the source until it is repaired, and if it cannot be.
    pub(crate) const fn may_pass(self) -> bool {
        match self {
            Self::LongGop => true,
            Self::BFrames | Self::Interlaced | Self::Chroma | Self::BitDepth | Self::Codec(_) => {
                false
            }
        }
    }

    /// Browsers show nothing of it where their decoder is a device's, and Firefox nowhere.
    pub(crate) const fn hides_it_from_hls(self) -> bool {
        match self {
            Self::Chroma | Self::BitDepth => true,
            Self::BFrames | Self::LongGop | Self::Interlaced | Self::Codec(_) => false,
        }
    }

    /// As the API says it.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::BFrames => "b_frames",
            Self::LongGop => "long_gop",
            Self::Interlaced => "interlaced",
            Self::Chroma => "chroma",
            Self::BitDepth => "bit_depth",
            Self::Codec(_) => "codec",
        }
    }

    /// As in "the stream has ...".
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BFrames => "B-frames",
            Self::LongGop => "key frames too far apart",
            Self::Interlaced => "interlaced pictures",
            Self::Chroma => "colours other than 4:2:0",
            Self::BitDepth => "more than 8 bits a sample",
            Self::Codec(VideoCodec::H265) => "video in H.265 by RTMP",
            Self::Codec(VideoCodec::Vp9) => "video in VP9 by RTMP",
            Self::Codec(VideoCodec::Av1) => "video in AV1 by RTMP",
            Self::Codec(VideoCodec::H264 | VideoCodec::Vp8) => "video in another codec by RTMP",
        }
    }
}
