//! Writes a plan as the offer str0m is given.

use std::fmt::Write as _;

use super::{
    Plan, SectionKind, Setup,
    plan::{PlannedSection, Role, SectionAnswer},
};

/// The offer str0m answers: the plan's sections, payload types and feedback, nothing else.
///
/// Its `a=msid` lines are there for the answer: str0m mirrors them, and both tracks of the answer
/// must name one MediaStream for a browser to play them in sync (draft-ietf-wish-whep-04 section
/// 4.4.2).
pub(crate) fn write_offer(plan: &Plan<'_>) -> String {
    let mut text = String::with_capacity(2_048);
    text.push_str("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    if plan.ice_lite {
        text.push_str("a=ice-lite\r\n");
    }
    text.push_str("a=group:BUNDLE");
    for section in &plan.sections {
        if !matches!(section.answer, SectionAnswer::Rejected(_)) {
            push(&mut text, format_args!(" {}", section.mid));
        }
    }
    text.push_str("\r\n");
    for section in &plan.sections {
        write_section(&mut text, plan, section);
    }
    text
}

fn write_section(text: &mut String, plan: &Plan<'_>, section: &PlannedSection<'_>) {
    match section.answer {
        SectionAnswer::Video { flows } => write_video(text, plan, flows),
        SectionAnswer::Audio { flows } => write_audio(text, plan, flows),
        SectionAnswer::Data => {
            text.push_str("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
            text.push_str("c=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\n");
        }
        SectionAnswer::Rejected(kind) => {
            let line = match kind {
                SectionKind::Audio => "m=audio 0 UDP/TLS/RTP/SAVPF 0",
                SectionKind::Video => "m=video 0 UDP/TLS/RTP/SAVPF 0",
                SectionKind::Application => "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            };
            push(
                text,
                format_args!("{line}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n"),
            );
        }
    }
    if let Some(id) = section.mid_extension {
        push(
            text,
            format_args!("a=extmap:{id} urn:ietf:params:rtp-hdrext:sdes:mid\r\n"),
        );
    }
    if let Some(id) = section.twcc_extension {
        push(
            text,
            format_args!(
                "a=extmap:{id} http://www.ietf.org/id/\
                 draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
            ),
        );
    }
    for (id, name) in section.rid_extensions.iter().zip(["", "repaired-"]) {
        if let Some(id) = id {
            push(
                text,
                format_args!(
                    "a=extmap:{id} urn:ietf:params:rtp-hdrext:sdes:{name}rtp-stream-id\r\n"
                ),
            );
        }
    }
    let setup = match plan.setup {
        Setup::ActPass => "actpass",
        Setup::Active => "active",
        Setup::Passive => "passive",
    };
    push(
        text,
        format_args!(
            "a=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\n\
             a=setup:{setup}\r\n",
            section.mid, plan.ufrag, plan.pwd, plan.fingerprint
        ),
    );
}

fn write_video(text: &mut String, plan: &Plan<'_>, flows: bool) {
    let video = plan
        .video
        .expect("a video section is only planned together with its payload type");
    let number = video.payload_type;
    push(text, format_args!("m=video 9 UDP/TLS/RTP/SAVPF {number}"));
    if let Some(rtx) = video.rtx {
        push(text, format_args!(" {rtx}"));
    }
    push(
        text,
        format_args!(
            "\r\nc=IN IP4 0.0.0.0\r\na={}\r\na=msid:{MSID} video\r\na=rtcp-mux\r\n\
             a=rtpmap:{number} {}/90000\r\n",
            direction(plan.role, flows),
            video.format.encoding()
        ),
    );
    if let Some(parameters) = video.format.parameters() {
        push(text, format_args!("a=fmtp:{number} {parameters}\r\n"));
    }
    for (wanted, feedback) in [
        (video.nack, "nack"),
        (video.pli, "nack pli"),
        (video.fir, "ccm fir"),
        (video.transport_cc, "transport-cc"),
    ] {
        if wanted {
            push(text, format_args!("a=rtcp-fb:{number} {feedback}\r\n"));
        }
    }
    for rid in &plan.rids {
        push(text, format_args!("a=rid:{rid} send\r\n"));
    }
    if !plan.rids.is_empty() {
        let rids = plan.rids.join(";");
        push(text, format_args!("a=simulcast:send {rids}\r\n"));
    }
    if let Some(rtx) = video.rtx {
        push(
            text,
            format_args!("a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={number}\r\n"),
        );
    }
}

fn write_audio(text: &mut String, plan: &Plan<'_>, flows: bool) {
    let audio = plan
        .audio
        .expect("an audio section is only planned together with its payload type");
    let number = audio.payload_type;
    push(
        text,
        format_args!(
            "m=audio 9 UDP/TLS/RTP/SAVPF {number}\r\nc=IN IP4 0.0.0.0\r\na={}\r\n\
             a=msid:{MSID} audio\r\na=rtcp-mux\r\n\
             a=rtpmap:{number} opus/48000/2\r\na=fmtp:{number} \
             minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n",
            direction(plan.role, flows)
        ),
    );
}

fn direction(role: Role, flows: bool) -> &'static str {
    match (role, flows) {
        (_, false) => "inactive",
        (Role::Viewer, true) => "recvonly",
        (Role::Publisher, true) => "sendonly",
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing into a String cannot fail");
}

const MSID: &str = "shopcast";
