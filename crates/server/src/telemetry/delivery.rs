//! What is counted of cues on their way to viewers, by protocol.

use std::fmt;

use cues::delivery::Verdict;
use engine::CueStep;
use metrics::{Counter, Histogram, counter, histogram};

/// The instruments of one protocol.
pub(crate) struct CueMeters {
    protocol: &'static str,
    pub(crate) sent: Counter,
    pub(crate) acknowledged: Counter,
    painted: Counter,
    lateness: Histogram,
    frame_error: Histogram,
}

impl fmt::Debug for CueMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CueMeters").finish_non_exhaustive()
    }
}

impl CueMeters {
    /// Those of `protocol`, on this process's recorder.
    pub(super) fn new(protocol: &'static str) -> Self {
        Self {
            protocol,
            sent: counter!("shopcast_cues_sent_total", "protocol" => protocol),
            acknowledged: counter!("shopcast_cues_acknowledged_total", "protocol" => protocol),
            painted: counter!("shopcast_cues_painted_total", "protocol" => protocol),
            lateness: histogram!("shopcast_cue_lateness_seconds", "protocol" => protocol),
            frame_error: histogram!("shopcast_cue_frame_error_frames", "protocol" => protocol),
        }
    }

    /// Counts a step.
    pub(crate) fn step(&self, step: CueStep) {
        match step {
            CueStep::Sent(count) => self.sent.increment(count),
            CueStep::Acknowledged(count) => self.acknowledged.increment(count),
            CueStep::Said(verdict) => self.said(verdict),
        }
    }

    /// Counts what a player's word on a cue was worth.
    pub(crate) fn said(&self, verdict: Verdict) {
        match verdict {
            Verdict::Counted { frame_error, late } => {
                self.painted.increment(1);
                self.lateness.record(late.as_secs_f64());
                self.frame_error.record(frame_error as f64);
            }
            Verdict::Repeated => {}
            Verdict::Refused(why) => {
                let (protocol, reason) = (self.protocol, why.as_str());
                let name = "shopcast_cue_reports_refused_total";
                counter!(name, "protocol" => protocol, "reason" => reason).increment(1);
            }
        }
    }
}
