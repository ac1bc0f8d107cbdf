//! Which of a section's payload types is a video codec's, and which labels a stream best.

mod av1;
mod h264;
mod vp8;
mod vp9;

use media::{VideoCodec, VideoConfig};

use super::{Payload, Section};
use crate::RtpCodec;

/// A payload type's codec with the parameters that label its streams, as the offer gives them or as
/// their absence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VideoFormat {
    /// RFC 6184 section 8.1, with packetization-mode 1.
    H264 {
        /// `profile-level-id`.
        profile_level_id: u32,
    },
    /// RFC 7741 section 6: without parameters that matter here.
    Vp8,
    /// RFC 9628 section 6.
    Vp9 {
        /// `profile-id`.
        profile_id: u8,
    },
    /// RTP Payload Format for AV1 section 7.2.
    Av1 {
        /// `profile`.
        profile: u8,
        /// `level-idx`.
        level_idx: u8,
        /// `tier`.
        tier: u8,
    },
}

/// A payload type that can carry video.
pub(super) type Usable<'o, 'a> = (&'o Payload<'a>, VideoFormat);

impl VideoFormat {
    /// What a payload type is; `None` if it is nothing that is forwarded here.
    fn of(payload: &Payload<'_>) -> Option<Self> {
        if payload.clock_rate != 90_000 || !payload.can_be_multiplexed() {
            return None;
        }
        let readers = [h264::read, vp8::read, vp9::read, av1::read];
        readers.into_iter().find_map(|read| read(payload))
    }

    pub(crate) const fn codec(self) -> RtpCodec {
        match self {
            Self::H264 { .. } => RtpCodec::H264,
            Self::Vp8 => RtpCodec::Vp8,
            Self::Vp9 { .. } => RtpCodec::Vp9,
            Self::Av1 { .. } => RtpCodec::Av1,
        }
    }

    /// The encoding name of `a=rtpmap`.
    pub(super) const fn encoding(self) -> &'static str {
        match self {
            Self::H264 { .. } => "H264",
            Self::Vp8 => "VP8",
            Self::Vp9 { .. } => "VP9",
            Self::Av1 { .. } => "AV1",
        }
    }

    /// The value of `a=fmtp`, if the codec has one.
    pub(super) fn parameters(self) -> Option<String> {
        match self {
            Self::H264 { profile_level_id } => Some(format!(
                "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile_level_id:06x}"
            )),
            Self::Vp8 => None,
            Self::Vp9 { profile_id } => Some(format!("profile-id={profile_id}")),
            Self::Av1 {
                profile,
                level_idx,
                tier,
            } => Some(format!(
                "level-idx={level_idx};profile={profile};tier={tier}"
            )),
        }
    }
}

fn usable<'o, 'a>(section: &'o Section<'a>) -> impl Iterator<Item = Usable<'o, 'a>> {
    let format = |payload| VideoFormat::of(payload).map(|format| (payload, format));
    section.payloads.iter().filter_map(format)
}

/// The offered payload type to send a stream as; among equals the offerer's order decides.
pub(super) fn choose<'o, 'a>(
    section: &'o Section<'a>,
    stream: &VideoConfig,
) -> Option<Usable<'o, 'a>> {
    let distance = |format| match (stream, format) {
        (VideoConfig::H264(config), VideoFormat::H264 { profile_level_id }) => {
            Some(h264::distance(config.profile_level, profile_level_id))
        }
        (VideoConfig::Vp8(_), VideoFormat::Vp8) => Some(0),
        (VideoConfig::Vp9(config), VideoFormat::Vp9 { profile_id }) => {
            (profile_id == config.profile).then_some(0)
        }
        (VideoConfig::Av1(config), VideoFormat::Av1 { profile, .. }) => {
            av1::distance(config.profile, profile)
        }
        _ => None,
    };
    let fitting = usable(section).filter_map(|it| Some((distance(it.1)?, it)));
    fitting
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// The offered payload type to take a publisher's video as: H.264 if there is any, because every
/// output carries it and every viewer decodes it; else the first of the offer that is forwarded.
pub(super) fn choose_ingest<'o, 'a>(section: &'o Section<'a>) -> Option<Usable<'o, 'a>> {
    choose_h264(section).or_else(|| usable(section).find(|(_, format)| is_common(*format)))
}

/// As constrained baseline, where there is a choice: every viewer decodes it.
pub(super) fn choose_h264<'o, 'a>(section: &'o Section<'a>) -> Option<Usable<'o, 'a>> {
    let baseline = |format| match format {
        VideoFormat::H264 { profile_level_id } => {
            Some(h264::distance([0x42, 0xe0, 0x1f], profile_level_id))
        }
        VideoFormat::Vp8 | VideoFormat::Vp9 { .. } | VideoFormat::Av1 { .. } => None,
    };
    let fitting = usable(section).filter_map(|it| Some((baseline(it.1)?, it)));
    fitting
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// Profiles that viewers' decoders have in common: VP9's of 4:2:0, AV1's Main.
const fn is_common(format: VideoFormat) -> bool {
    match format {
        VideoFormat::H264 { .. } | VideoFormat::Vp8 => true,
        VideoFormat::Vp9 { profile_id } => matches!(profile_id, 0 | 2),
        VideoFormat::Av1 { profile, .. } => profile == 0,
    }
}

/// What a viewer's offer lacks: the codec's name, and the parameter it must have.
pub(super) fn wanted(stream: &VideoConfig) -> (&'static str, String) {
    let parameter = match stream {
        VideoConfig::H264(_) => return wanted_h264(),
        VideoConfig::H265(_) | VideoConfig::Vp8(_) => String::new(),
        VideoConfig::Vp9(config) => format!(" with profile-id={}", config.profile),
        VideoConfig::Av1(config) => format!(" with profile={}", config.profile),
    };
    (stream.codec().name(), parameter)
}

/// As above, where the stream is sent as H.264.
pub(super) fn wanted_h264() -> (&'static str, String) {
    let parameter = " with packetization-mode=1";
    (VideoCodec::H264.name(), parameter.to_owned())
}
