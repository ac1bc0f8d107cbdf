//! Judges a publisher's offer (RFC 9725 section 4.4): which codec and payload type to receive on
//! which section, or why not.

use super::{
    Direction, Offered, Section, SectionKind, codec,
    plan::{
        AudioPlan, Plan, Role, SectionAnswer, VideoPlan, check_direction, one_of_a_kind, opus_of,
        rtx_of, sections, transport,
    },
};
use crate::Refusal;

/// Judges a publisher's offer. RFC 9725 section 4.4.3: no section is turned down by itself, a
/// publisher would go on without noticing.
pub(crate) fn plan<'a>(offered: &Offered<'a>) -> Result<Plan<'a>, Refusal> {
    let mut plan = transport(offered, Role::Publisher)?;
    sections(offered, &mut plan, |section, mid, plan| {
        check_direction(section, mid, Direction::SendOnly)?;
        one_of_a_kind(plan, section)?;
        if section.kind == SectionKind::Video {
            video(section, plan)
        } else {
            audio(section, plan)
        }
    })?;
    if plan.video.is_none() && plan.audio.is_none() {
        return Err(Refusal::NothingToReceive);
    }
    Ok(plan)
}

fn video(section: &Section<'_>, plan: &mut Plan<'_>) -> Result<SectionAnswer, Refusal> {
    let chosen = codec::choose_ingest(section);
    let (payload, format) = chosen.ok_or(Refusal::NoIngestVideoCodec)?;
    let stream = section.repair.map(|(stream, _)| stream).or(section.ssrc);
    let rtx = rtx_of(section, payload);
    plan.video = Some(VideoPlan {
        payload_type: payload.number,
        rtx,
        format,
        // Without RTX a publisher sends the packet itself again.
        nack: payload.nack,
        pli: payload.pli,
        fir: payload.fir,
        transport_cc: payload.transport_cc && section.twcc_extension.is_some(),
        ssrc: stream.map(|stream| (stream, section.repair.map(|(_, repair)| repair))),
    });
    Ok(SectionAnswer::Video { flows: true })
}

fn audio(section: &Section<'_>, plan: &mut Plan<'_>) -> Result<SectionAnswer, Refusal> {
    let opus = opus_of(section).ok_or(Refusal::NoIngestAudioCodec)?;
    plan.audio = Some(AudioPlan {
        payload_type: opus.number,
        ssrc: section.ssrc,
    });
    Ok(SectionAnswer::Audio { flows: true })
}
