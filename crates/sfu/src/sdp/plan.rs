//! Judges an offer: what to send on which section with which payload type, or why nothing.

use bytes::Bytes;

use super::{Direction, Offered, Payload, Section, SectionKind, Setup, VideoFormat, codec};
use crate::{MediaDescription, Refusal, VideoDescription};

/// What an offer and a stream have in common.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(super) role: Role,
    pub(super) sections: Vec<PlannedSection<'a>>,
    pub(super) ice_lite: bool,
    pub(super) setup: Setup,
    pub(super) pwd: &'a str,
    pub(super) fingerprint: &'a str,
    /// The peer's ICE user name fragment.
    pub(crate) ufrag: &'a str,
    /// What a publisher's offer says its pictures are decoded by.
    pub(crate) parameter_sets: Vec<Bytes>,
    /// How video goes, if it does.
    pub(crate) video: Option<VideoPlan>,
    /// How audio goes, if it does.
    pub(crate) audio: Option<AudioPlan>,
    /// The names of a publisher's encodings of its video, when there are several.
    pub(crate) rids: Vec<&'a str>,
    /// The offer has a data section.
    pub(crate) data: bool,
}

/// Who made the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Viewer,
    Publisher,
}

/// One section of the answer.
#[derive(Debug)]
pub(super) struct PlannedSection<'a> {
    pub(super) mid: &'a str,
    pub(super) mid_extension: Option<u8>,
    /// A publisher's, where its video's rate is to be estimated.
    pub(super) twcc_extension: Option<u8>,
    /// With simulcast.
    pub(super) rid_extensions: [Option<u8>; 2],
    pub(super) answer: SectionAnswer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionAnswer {
    Video {
        flows: bool,
    },
    Audio {
        flows: bool,
    },
    Data,
    /// Port 0; the kind must be the offer's.
    Rejected(SectionKind),
}

/// The chosen video payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VideoPlan {
    pub(crate) payload_type: u8,
    /// Its RTX payload type; without one nothing can be sent again.
    pub(crate) rtx: Option<u8>,
    /// Its codec and parameters, as offered.
    pub(crate) format: VideoFormat,
    pub(crate) nack: bool,
    pub(crate) pli: bool,
    pub(crate) fir: bool,
    /// The publisher wants to hear how its packets arrive.
    pub(crate) transport_cc: bool,
    /// What a publisher's stream and its retransmissions are called, if the offer says.
    pub(crate) ssrc: Option<(u32, Option<u32>)>,
}

/// The chosen Opus payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudioPlan {
    pub(crate) payload_type: u8,
    /// As for video.
    pub(crate) ssrc: Option<u32>,
}

impl<'a> Plan<'a> {
    /// The section video goes on.
    pub(crate) fn video_mid(&self) -> Option<&'a str> {
        self.mid(SectionAnswer::Video { flows: true })
    }

    /// The section audio goes on.
    pub(crate) fn audio_mid(&self) -> Option<&'a str> {
        self.mid(SectionAnswer::Audio { flows: true })
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
    let mut plan = transport(offered, Role::Viewer)?;
    if media.video.is_none() && !media.audio {
        return Err(Refusal::NotReady);
    }
    sections(offered, &mut plan, |section, mid, plan| {
        check_direction(section, mid, Direction::RecvOnly)?;
        if section.kind == SectionKind::Video {
            video(section, media, plan)
        } else {
            audio(section, media, plan)
        }
    })?;
    if plan.video_mid().is_none() && plan.audio_mid().is_none() {
        return Err(Refusal::NothingToSend);
    }
    // Last, so that an offer which could never play is told so first.
    if let Some(VideoDescription::Withheld(why)) = media.video
        && plan.video.is_some()
    {
        return Err(Refusal::Withheld(why));
    }
    Ok(plan)
}

/// Plans the sections one by one; `media` judges those of sound and picture.
pub(super) fn sections<'a>(
    offered: &Offered<'a>,
    plan: &mut Plan<'a>,
    mut media: impl FnMut(&Section<'a>, &str, &mut Plan<'a>) -> Result<SectionAnswer, Refusal>,
) -> Result<(), Refusal> {
    for section in &offered.sections {
        let mid = section
            .mid
            .ok_or(Refusal::Malformed("an m-line without a=mid"))?;
        if plan.sections.iter().any(|other| other.mid == mid) {
            return Err(Refusal::Malformed("two m-lines with one a=mid"));
        }
        let answer = answer(offered, section, mid, plan, &mut media)?;
        let wants_twcc = plan.role == Role::Publisher
            && answer == SectionAnswer::Video { flows: true }
            && plan.video.is_some_and(|video| video.transport_cc);
        plan.sections.push(PlannedSection {
            mid,
            mid_extension: section.mid_extension,
            twcc_extension: section.twcc_extension.filter(|_| wants_twcc),
            rid_extensions: if plan.rids.is_empty()
                || answer != (SectionAnswer::Video { flows: true })
            {
                [None; 2]
            } else {
                [section.rid_extension, section.repaired_rid_extension]
            },
            answer,
        });
    }
    one_extension_number(plan);
    distinct_payload_types(plan)
}

/// RFC 8843 section 7.2.1: the first tag of the group names the section whose transport all use.
pub(super) fn transport<'a>(offered: &Offered<'a>, role: Role) -> Result<Plan<'a>, Refusal> {
    let tag = offered.bundle.first().ok_or(Refusal::Malformed(
        "no a=group:BUNDLE: all m-lines must use one transport (bundlePolicy max-bundle)",
    ))?;
    let tagged = offered
        .sections
        .iter()
        .find(|section| section.mid == Some(tag));
    let tagged = tagged.ok_or(Refusal::Malformed("a=group:BUNDLE names no m-line"))?;
    let transport = tagged.transport;
    Ok(Plan {
        role,
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
        parameter_sets: Vec::new(),
        video: None,
        audio: None,
        rids: Vec::new(),
        data: false,
    })
}

fn answer<'a>(
    offered: &Offered<'a>,
    section: &Section<'a>,
    mid: &str,
    plan: &mut Plan<'a>,
    media: &mut impl FnMut(&Section<'a>, &str, &mut Plan<'a>) -> Result<SectionAnswer, Refusal>,
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
    if !section.rtcp_mux {
        return Err(Refusal::Malformed(
            "an m-line without a=rtcp-mux, which one transport needs",
        ));
    }
    media(section, mid, plan)
}

/// draft-ietf-wish-whep-04 section 4.4.1: a viewer's offer is recvonly; RFC 9725 section 4.4.1: a
/// publisher's is sendonly; both tolerate sendrecv. RFC 8866 section 6.7: a section without a
/// direction is sendrecv.
pub(super) fn check_direction(
    section: &Section<'_>,
    mid: &str,
    wanted: Direction,
) -> Result<(), Refusal> {
    let given = section.direction.unwrap_or(Direction::SendRecv);
    if given == Direction::SendRecv || given == wanted {
        return Ok(());
    }
    Err(Refusal::Direction {
        mid: mid.to_owned(),
        direction: given.name(),
        wanted: wanted.name(),
    })
}

fn video(
    section: &Section<'_>,
    media: &MediaDescription<'_>,
    plan: &mut Plan<'_>,
) -> Result<SectionAnswer, Refusal> {
    one_of_a_kind(plan, section)?;
    let source = match media.video {
        Some(VideoDescription::Source(config)) => Some(config),
        Some(VideoDescription::Repaired | VideoDescription::Withheld(_)) | None => None,
    };
    let chosen = match (media.video, source) {
        (_, Some(config)) => codec::choose(section, config),
        (Some(_), None) => codec::choose_h264(section),
        // Where nothing is sent, any codec will do: rejected, the section could be the one whose transport all use
        // (RFC 9143 section 7.3.3), and Firefox would wait for it.
        (None, None) => codec::choose_ingest(section),
    };
    let Some((payload, format)) = chosen else {
        if media.video.is_none() {
            return Ok(SectionAnswer::Rejected(SectionKind::Video));
        }
        let (codec, parameter) = source.map_or_else(codec::wanted_h264, codec::wanted);
        return Err(Refusal::NoCommonVideoCodec { codec, parameter });
    };
    let rtx = rtx_of(section, payload);
    plan.video = Some(VideoPlan {
        payload_type: payload.number,
        rtx,
        format,
        // str0m sends again only by RTX, so a NACK could not be honoured without it.
        nack: payload.nack && rtx.is_some(),
        pli: payload.pli,
        fir: payload.fir,
        transport_cc: false,
        ssrc: None,
    });
    Ok(SectionAnswer::Video {
        flows: media.video.is_some(),
    })
}

fn audio(
    section: &Section<'_>,
    media: &MediaDescription<'_>,
    plan: &mut Plan<'_>,
) -> Result<SectionAnswer, Refusal> {
    one_of_a_kind(plan, section)?;
    let opus = opus_of(section);
    let Some(opus) = opus else {
        return if media.audio {
            Err(Refusal::NoCommonAudioCodec)
        } else {
            Ok(SectionAnswer::Rejected(SectionKind::Audio))
        };
    };
    plan.audio = Some(AudioPlan {
        payload_type: opus.number,
        ssrc: None,
    });
    Ok(SectionAnswer::Audio { flows: media.audio })
}

/// One track of a kind: draft-ietf-wish-whep-04 section 4.4.2, RFC 9725 section 4.4.2.
pub(super) fn one_of_a_kind(plan: &Plan<'_>, section: &Section<'_>) -> Result<(), Refusal> {
    let (known, kind) = match section.kind {
        SectionKind::Video => (plan.video.is_some(), "video"),
        SectionKind::Audio => (plan.audio.is_some(), "audio"),
        SectionKind::Application => (plan.data, "application"),
    };
    if known {
        return Err(Refusal::TooManyTracks(kind));
    }
    Ok(())
}

/// The payload type that sends `payload` again.
pub(super) fn rtx_of(section: &Section<'_>, payload: &Payload<'_>) -> Option<u8> {
    let is_rtx = |other: &&Payload<'_>| {
        other.name.eq_ignore_ascii_case("rtx")
            && other.apt == Some(payload.number)
            && other.number != payload.number
            && other.can_be_multiplexed()
    };
    section.payloads.iter().find(is_rtx).map(|rtx| rtx.number)
}

/// RFC 7587 section 7: opus/48000/2, whatever the number of channels.
pub(super) fn opus_of<'o, 'a>(section: &'o Section<'a>) -> Option<&'o Payload<'a>> {
    section.payloads.iter().find(|payload| {
        payload.name.eq_ignore_ascii_case("opus")
            && payload.clock_rate == 48_000
            && payload.channels == 2
            && payload.can_be_multiplexed()
    })
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
