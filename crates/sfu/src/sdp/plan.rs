//! Judges an offer: what to send on which section with which payload type, or why nothing.

use super::{Direction, Offered, Section, SectionKind, Setup, profile};
use crate::{MediaDescription, Refusal};

/// What an offer and a stream have in common.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(super) sections: Vec<PlannedSection<'a>>,
    pub(super) ice_lite: bool,
    pub(super) setup: Setup,
    pub(super) pwd: &'a str,
    pub(super) fingerprint: &'a str,
    /// The viewer's ICE user name fragment.
    pub(crate) ufrag: &'a str,
    /// How video goes out, if it does.
    pub(crate) video: Option<VideoPlan>,
    /// How audio goes out, if it does.
    pub(crate) audio: Option<AudioPlan>,
    /// The offer has a data section.
    pub(crate) data: bool,
}

/// One section of the answer.
#[derive(Debug)]
pub(super) struct PlannedSection<'a> {
    pub(super) mid: &'a str,
    pub(super) mid_extension: Option<u8>,
    pub(super) answer: SectionAnswer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionAnswer {
    Video {
        sending: bool,
    },
    Audio {
        sending: bool,
    },
    Data,
    /// Port 0; the kind must be the offer's.
    Rejected(SectionKind),
}

/// The chosen H.264 payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VideoPlan {
    pub(crate) payload_type: u8,
    /// Its RTX payload type; without one nothing can be sent again.
    pub(crate) rtx: Option<u8>,
    pub(crate) profile_level_id: u32,
    pub(crate) nack: bool,
    pub(crate) pli: bool,
    pub(crate) fir: bool,
}

/// The chosen Opus payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudioPlan {
    pub(crate) payload_type: u8,
}

impl<'a> Plan<'a> {
    /// The section video goes out on.
    pub(crate) fn video_mid(&self) -> Option<&'a str> {
        self.mid(SectionAnswer::Video { sending: true })
    }

    /// The section audio goes out on.
    pub(crate) fn audio_mid(&self) -> Option<&'a str> {
        self.mid(SectionAnswer::Audio { sending: true })
    }

    fn mid(&self, answer: SectionAnswer) -> Option<&'a str> {
        self.sections
            .iter()
            .find(|section| section.answer == answer)
            .map(|section| section.mid)
    }
}

/// Judges an offer against what the stream has.
pub(crate) fn plan<'a>(
    offered: &Offered<'a>,
    media: &MediaDescription<'_>,
) -> Result<Plan<'a>, Refusal> {
    let mut plan = transport(offered)?;
    if media.video.is_none() && !media.audio {
        return Err(Refusal::NotReady);
    }
    for section in &offered.sections {
        let mid = section
            .mid
            .ok_or(Refusal::Malformed("an m-line without a=mid"))?;
        if plan.sections.iter().any(|other| other.mid == mid) {
            return Err(Refusal::Malformed("two m-lines with one a=mid"));
        }
        let answer = answer(offered, section, mid, media, &mut plan)?;
        let mid_extension = section.mid_extension;
        plan.sections.push(PlannedSection {
            mid,
            mid_extension,
            answer,
        });
    }
    if plan.video_mid().is_none() && plan.audio_mid().is_none() {
        return Err(Refusal::NothingToSend);
    }
    // Last, so that an offer which could never play is told so first.
    if media.b_frames && plan.video.is_some() {
        return Err(Refusal::BFrames);
    }
    one_extension_number(&mut plan);
    distinct_payload_types(&plan)?;
    Ok(plan)
}

/// RFC 8843 section 7.2.1: the first tag of the group names the section whose transport all use.
fn transport<'a>(offered: &Offered<'a>) -> Result<Plan<'a>, Refusal> {
    let tag = offered.bundle.first().ok_or(Refusal::Malformed(
        "no a=group:BUNDLE: WHEP needs all m-lines on one transport (bundlePolicy max-bundle)",
    ))?;
    let tagged = offered
        .sections
        .iter()
        .find(|section| section.mid == Some(tag));
    let tagged = tagged.ok_or(Refusal::Malformed("a=group:BUNDLE names no m-line"))?;
    let transport = tagged.transport;
    Ok(Plan {
        sections: Vec::new(),
        ice_lite: offered.ice_lite,
        // RFC 8842 section 5.2: offers carry actpass; without the line the older rule of RFC 4145
        // is active.
        setup: transport.setup.unwrap_or(Setup::ActPass),
        ufrag: transport
            .ufrag
            .ok_or(Refusal::Malformed("no a=ice-ufrag"))?,
        pwd: transport.pwd.ok_or(Refusal::Malformed("no a=ice-pwd"))?,
        fingerprint: transport
            .fingerprint
            .ok_or(Refusal::Malformed("no a=fingerprint of sha-256"))?,
        video: None,
        audio: None,
        data: false,
    })
}

fn answer(
    offered: &Offered<'_>,
    section: &Section<'_>,
    mid: &str,
    media: &MediaDescription<'_>,
    plan: &mut Plan<'_>,
) -> Result<SectionAnswer, Refusal> {
    if section.is_stopped() {
        return Ok(SectionAnswer::Rejected(section.kind));
    }
    if !offered.bundle.contains(&mid) {
        return Err(Refusal::Malformed("an m-line outside a=group:BUNDLE"));
    }
    if section.kind == SectionKind::Application {
        if plan.data {
            return Err(Refusal::TooManyTracks("application"));
        }
        plan.data = true;
        return Ok(SectionAnswer::Data);
    }
    check_direction(section, mid)?;
    if !section.rtcp_mux {
        return Err(Refusal::Malformed(
            "an m-line without a=rtcp-mux, which WHEP needs",
        ));
    }
    if section.kind == SectionKind::Video {
        video(section, media, plan)
    } else {
        audio(section, media, plan)
    }
}

/// draft-ietf-wish-whep-04 section 4.4.1: the offer is recvonly, sendrecv is tolerated. RFC 8866
/// section 6.7: a section without a direction is sendrecv.
fn check_direction(section: &Section<'_>, mid: &str) -> Result<(), Refusal> {
    let direction = match section.direction.unwrap_or(Direction::SendRecv) {
        Direction::SendRecv | Direction::RecvOnly => return Ok(()),
        Direction::SendOnly => "sendonly",
        Direction::Inactive => "inactive",
    };
    Err(Refusal::Direction {
        mid: mid.to_owned(),
        direction,
    })
}

fn video(
    section: &Section<'_>,
    media: &MediaDescription<'_>,
    plan: &mut Plan<'_>,
) -> Result<SectionAnswer, Refusal> {
    if has_answer(plan, |answer| matches!(answer, SectionAnswer::Video { .. })) {
        return Err(Refusal::TooManyTracks("video"));
    }
    let wanted = media.video.map(|config| config.profile_level);
    let Some(payload) = profile::choose(section, wanted.unwrap_or([0x42, 0xe0, 0x1f])) else {
        return match wanted {
            Some(_) => Err(Refusal::NoCommonVideoCodec),
            None => Ok(SectionAnswer::Rejected(SectionKind::Video)),
        };
    };
    let rtx = section
        .payloads
        .iter()
        .find(|other| other.name.eq_ignore_ascii_case("rtx") && other.apt == Some(payload.number));
    let rtx = rtx.filter(|rtx| rtx.number != payload.number && rtx.can_be_multiplexed());
    let rtx = rtx.map(|rtx| rtx.number);
    plan.video = Some(VideoPlan {
        payload_type: payload.number,
        rtx,
        profile_level_id: profile::profile_level_id(payload),
        // str0m sends again only by RTX, so a NACK could not be honoured without it.
        nack: payload.nack && rtx.is_some(),
        pli: payload.pli,
        fir: payload.fir,
    });
    Ok(SectionAnswer::Video {
        sending: media.video.is_some(),
    })
}

fn audio(
    section: &Section<'_>,
    media: &MediaDescription<'_>,
    plan: &mut Plan<'_>,
) -> Result<SectionAnswer, Refusal> {
    if has_answer(plan, |answer| matches!(answer, SectionAnswer::Audio { .. })) {
        return Err(Refusal::TooManyTracks("audio"));
    }
    // RFC 7587 section 7: opus/48000/2, whatever the number of channels.
    let opus = section.payloads.iter().find(|payload| {
        payload.name.eq_ignore_ascii_case("opus")
            && payload.clock_rate == 48_000
            && payload.channels == 2
            && payload.can_be_multiplexed()
    });
    let Some(opus) = opus else {
        return if media.audio {
            Err(Refusal::NoCommonAudioCodec)
        } else {
            Ok(SectionAnswer::Rejected(SectionKind::Audio))
        };
    };
    plan.audio = Some(AudioPlan {
        payload_type: opus.number,
    });
    Ok(SectionAnswer::Audio {
        sending: media.audio,
    })
}

fn has_answer(plan: &Plan<'_>, is: impl Fn(&SectionAnswer) -> bool) -> bool {
    plan.sections.iter().any(|section| is(&section.answer))
}

/// RFC 8843 section 15: one BUNDLE group, one number per header extension. Sections that disagree
/// go without.
fn one_extension_number(plan: &mut Plan<'_>) {
    let first = plan
        .sections
        .iter()
        .find_map(|section| section.mid_extension);
    for section in &mut plan.sections {
        section.mid_extension = section.mid_extension.filter(|id| Some(*id) == first);
    }
}

/// RFC 8843 section 9.1: within a BUNDLE group a payload type means one thing.
fn distinct_payload_types(plan: &Plan<'_>) -> Result<(), Refusal> {
    let video = plan.video.map(|video| video.payload_type);
    let rtx = plan.video.and_then(|video| video.rtx);
    let audio = plan.audio.map(|audio| audio.payload_type);
    if audio.is_some() && (audio == video || audio == rtx) {
        return Err(Refusal::Malformed("one payload type for audio and video"));
    }
    Ok(())
}
