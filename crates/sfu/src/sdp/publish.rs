//! Judges a publisher's offer (RFC 9725 section 4.4): which codec and payload type to receive on
//! which section, or why not.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

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

fn video<'a>(section: &Section<'a>, plan: &mut Plan<'a>) -> Result<SectionAnswer, Refusal> {
    let chosen = codec::choose_ingest(section);
    let (payload, format) = chosen.ok_or(Refusal::NoIngestVideoCodec)?;
    let stream = section.repair.map(|(stream, _)| stream).or(section.ssrc);
    let rtx = rtx_of(section, payload);
    plan.parameter_sets = payload.parameter_sets.map_or_else(Vec::new, parameter_sets);
    plan.rids = simulcast(section);
    let stream = stream.filter(|_| plan.rids.is_empty());
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

/// The streams to receive: all that are offered, since OBS gives up when one is missing, or none where
/// they could not be told apart (RFC 8853 section 5.3.2).
fn simulcast<'a>(section: &Section<'a>) -> Vec<&'a str> {
    let named = |rid: &&&str| section.rids.contains(*rid);
    let rids: Vec<&str> = section.simulcast.iter().filter(named).copied().collect();
    let told = section.rid_extension.is_some() && section.mid_extension.is_some();
    if told && rids.len() > 1 && rids.len() == section.simulcast.len() {
        rids
    } else {
        Vec::new()
    }
}

fn audio(section: &Section<'_>, plan: &mut Plan<'_>) -> Result<SectionAnswer, Refusal> {
    let opus = opus_of(section).ok_or(Refusal::NoIngestAudioCodec)?;
    plan.audio = Some(AudioPlan {
        payload_type: opus.number,
        ssrc: section.ssrc,
    });
    Ok(SectionAnswer::Audio { flows: true })
}

/// RFC 6184 section 8.1, `sprop-parameter-sets`: "a comma-separated list of base64 representations" of NAL units. What is
/// none is left out: the stream may bring its own.
fn parameter_sets(list: &str) -> Vec<Bytes> {
    let decode = |text: &str| STANDARD.decode(text.trim()).ok().map(Bytes::from);
    list.split(',').take(SETS_MAX).filter_map(decode).collect()
}

/// Encoders have one of each kind, scalable ones a few.
const SETS_MAX: usize = 16;
