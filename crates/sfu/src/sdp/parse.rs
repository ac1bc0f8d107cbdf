//! Reads an offer, line by line, under limits.

use super::{Direction, Offered, Payload, Section, SectionKind, attribute};
use crate::Refusal;

/// Reads an offer. Lines may end in CRLF or, for hand-written clients, in LF alone.
pub(crate) fn parse(text: &str) -> Result<Offered<'_>, Refusal> {
    check_size(text)?;
    let mut offered = Offered::default();
    let mut lines = text.lines().filter(|line| !line.is_empty());
    // RFC 8866 section 5: the first line is v=0.
    if lines.next() != Some("v=0") {
        return Err(Refusal::Malformed(
            "the body is no SDP: the first line must be v=0",
        ));
    }
    for line in lines {
        let (kind, value) = line
            .split_once('=')
            .ok_or(Refusal::Malformed("a line without '='"))?;
        match kind {
            "m" => section(&mut offered, value)?,
            "a" => attribute::read(&mut offered, value)?,
            // o=, s=, t=, c=, b= and the rest say nothing this side needs: addresses come from ICE.
            _ => {}
        }
    }
    if offered.sections.is_empty() {
        return Err(Refusal::Malformed("no m-line"));
    }
    Ok(offered)
}

/// Bounds what the other functions will look at.
pub(super) fn check_size(text: &str) -> Result<(), Refusal> {
    if text.len() > BYTES_MAX {
        return Err(Refusal::TooLarge {
            what: "bytes of SDP",
            limit: BYTES_MAX,
        });
    }
    if text.bytes().any(|byte| byte == 0) {
        return Err(Refusal::Malformed("a NUL character"));
    }
    Ok(())
}

/// `m=<media> <port> <proto> <fmt> ...` (RFC 8866 section 5.14).
fn section<'a>(offered: &mut Offered<'a>, value: &'a str) -> Result<(), Refusal> {
    if offered.sections.len() == SECTIONS_MAX {
        return Err(Refusal::TooLarge {
            what: "m-lines",
            limit: SECTIONS_MAX,
        });
    }
    let mut words = value.split_ascii_whitespace();
    let (Some(media), Some(port), Some(_proto)) = (words.next(), words.next(), words.next()) else {
        return Err(Refusal::Malformed(
            "an m-line needs media, port, protocol and formats",
        ));
    };
    let kind = match media {
        "audio" => SectionKind::Audio,
        "video" => SectionKind::Video,
        "application" => SectionKind::Application,
        _ => {
            return Err(Refusal::Malformed(
                "an m-line that is not audio, video or application",
            ));
        }
    };
    let mut payloads = Vec::new();
    if matches!(kind, SectionKind::Audio | SectionKind::Video) {
        for word in words {
            offered.payload_types += 1;
            if offered.payload_types > PAYLOAD_TYPES_MAX {
                return Err(Refusal::TooLarge {
                    what: "payload types",
                    limit: PAYLOAD_TYPES_MAX,
                });
            }
            let number = word.parse().ok().filter(|number| *number < 128);
            let number = number.ok_or(Refusal::Malformed("a payload type is not 0 to 127"))?;
            payloads.push(Payload {
                number,
                ..Payload::default()
            });
        }
    }
    offered.sections.push(Section {
        kind,
        zero_port: port == "0",
        bundle_only: false,
        mid: None,
        direction: offered.direction,
        transport: offered.transport,
        rtcp_mux: false,
        mid_extension: None,
        twcc_extension: None,
        ssrc: None,
        repair: None,
        rid_extension: None,
        repaired_rid_extension: None,
        rids: Vec::new(),
        simulcast: Vec::new(),
        payloads,
    });
    Ok(())
}

impl Direction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// Chromium's largest offer, every codec on, is about 12 KiB.
const BYTES_MAX: usize = 64 * 1024;
/// A player needs three: audio, video, data.
const SECTIONS_MAX: usize = 16;
/// Chromium offers about 60 over two sections; there are only 128 numbers.
const PAYLOAD_TYPES_MAX: usize = 128;
