//! The shape of what is sent, version 1. `docs/webhooks.md` shows each, and a test holds that page against this file.

use std::sync::Arc;

use cues::rfc3339_millis;
use engine::Verdict;
use media::{Pts, UnixMillis};
use serde::Serialize;
use utoipa::ToSchema;
use webhooks::EventType;

/// Raised when a member changes its meaning or goes. New members may come at any time.
pub(crate) const VERSION: u32 = 1;

/// Something to tell.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) at: UnixMillis,
    pub(super) kind: EventType,
    pub(super) stream: Arc<str>,
    pub(super) epoch: u32,
    pub(super) pts: Option<Pts>,
    pub(super) details: Details,
}

/// What only some events say.
#[derive(Debug, Clone)]
pub(super) enum Details {
    None,
    Ended(EndReason),
    Verdict(Verdict),
}

/// The whole body.
#[derive(Serialize)]
struct Envelope<D> {
    r#type: &'static str,
    version: u32,
    timestamp: String,
    data: D,
}

/// `stream.live`, `stream.interrupted`, `stream.resumed`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamData {
    /// The stream's name.
    #[schema(example = "show")]
    stream: String,
    /// Publish session, from 1.
    #[schema(example = 1)]
    epoch: u32,
    /// Where on the stream's timeline, 90 kHz: the session's first frame (live, resumed) or the newest (interrupted).
    #[schema(example = 900_000)]
    pts: Option<i64>,
}

/// `stream.ended`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedData {
    /// The stream's name.
    #[schema(example = "show")]
    stream: String,
    /// The last publish session.
    #[schema(example = 1)]
    epoch: u32,
    /// Its newest frame, 90 kHz; null where the server itself ended.
    #[schema(example = 5_400_000)]
    pts: Option<i64>,
    #[schema(inline)]
    reason: EndReason,
}

/// Why a stream is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EndReason {
    /// Its publisher left and did not return in time.
    Over,
    /// The server was told to end.
    Shutdown,
    /// The server had ended without a word, which it found when it started again.
    Restart,
}

/// `stream.verdict`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictData {
    /// The stream's name.
    #[schema(example = "show")]
    stream: String,
    /// Publish session, from 1; 0 before the first frame.
    #[schema(example = 1)]
    epoch: u32,
    /// The newest frame, 90 kHz.
    #[schema(example = 900_000)]
    pts: Option<i64>,
    /// What is wrong, for programs.
    #[schema(example = "long_gop")]
    code: &'static str,
    /// What was found, with the numbers that were measured.
    #[schema(example = "Key frames are 8.3 s apart.")]
    found: String,
    /// What it costs viewers or the operator.
    cost: &'static str,
    /// The setting to change.
    remedy: &'static str,
    /// `found`, `cost` and `remedy` in one text.
    detail: String,
}

impl Event {
    /// The body, which is signed and sent as it is.
    pub(super) fn body(&self) -> String {
        let (stream, epoch) = (self.stream.to_string(), self.epoch);
        let pts = self.pts.map(|pts| pts.0);
        match &self.details {
            Details::None => self.envelope(StreamData { stream, epoch, pts }),
            Details::Ended(reason) => self.envelope(EndedData {
                stream,
                epoch,
                pts,
                reason: *reason,
            }),
            Details::Verdict(verdict) => self.envelope(VerdictData {
                stream,
                epoch,
                pts,
                code: verdict.code,
                // "Payload size: … usually smaller than 20kb".
                found: verdict.found.chars().take(FOUND_MAX).collect(),
                cost: verdict.cost,
                remedy: verdict.remedy,
                detail: verdict.detail().chars().take(DETAIL_MAX).collect(),
            }),
        }
    }

    fn envelope(&self, data: impl Serialize) -> String {
        let envelope = Envelope {
            r#type: self.kind.as_str(),
            version: VERSION,
            timestamp: rfc3339_millis(self.at),
            data,
        };
        serde_json::to_string(&envelope).expect("strings and numbers are always JSON")
    }
}

const FOUND_MAX: usize = 500;
const DETAIL_MAX: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    fn example(kind: EventType) -> Event {
        let verdict = Details::Verdict(Verdict {
            code: "long_gop",
            found: "Key frames are 8.3 s apart.".into(),
            cost: "Viewers who join or lose a picture wait longer and load more.",
            remedy: "In OBS, Settings > Output, Keyframe Interval: 2 s.",
        });
        let (at, pts, details) = match kind {
            EventType::StreamLive => (0, Some(900_000), Details::None),
            EventType::StreamInterrupted => (61_250, Some(6_412_500), Details::None),
            EventType::StreamResumed => (66_900, Some(6_921_000), Details::None),
            EventType::StreamEnded => (126_900, Some(9_918_000), Details::Ended(EndReason::Over)),
            EventType::StreamVerdict => (2_040, Some(1_083_600), verdict),
        };
        let late = matches!(kind, EventType::StreamResumed | EventType::StreamEnded);
        Event {
            at: UnixMillis(1_767_261_600_000 + at),
            kind,
            stream: "show".into(),
            epoch: if late { 2 } else { 1 },
            pts: pts.map(Pts),
            details,
        }
    }

    #[test]
    fn the_page_shows_every_body_as_it_is() {
        let page = include_str!("../../../../../docs/webhooks.md");
        for kind in EventType::ALL {
            let body = example(kind).body();
            assert!(
                page.contains(&format!("```json\n{body}\n```")),
                "docs/webhooks.md lacks\n{body}"
            );
        }
    }

    #[test]
    fn a_body_stays_small_whatever_a_verdict_says() {
        let mut event = example(EventType::StreamVerdict);
        let Details::Verdict(Verdict { found, .. }) = &mut event.details else {
            panic!("a verdict has details");
        };
        *found = "\u{1}".repeat(100_000);
        assert!(event.body().len() < 20_000);
    }
}
