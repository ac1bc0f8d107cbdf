//! The video codecs that go by RTP here.

use media::VideoCodec;

/// A codec whose RTP payload format is read and written: of those of [`VideoCodec`] all but H.265, which hardly a browser
/// takes by WebRTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtpCodec {
    /// RFC 6184.
    H264,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RTP Payload Format for AV1, v1.0.0.
    Av1,
}

impl From<RtpCodec> for VideoCodec {
    fn from(codec: RtpCodec) -> Self {
        match codec {
            RtpCodec::H264 => Self::H264,
            RtpCodec::Vp8 => Self::Vp8,
            RtpCodec::Vp9 => Self::Vp9,
            RtpCodec::Av1 => Self::Av1,
        }
    }
}
