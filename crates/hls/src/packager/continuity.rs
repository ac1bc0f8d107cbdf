//! What a stream's playlists promise beyond the life of the process that writes them.
//!
//! Players hold on to a playlist while the server restarts. Section 6.2.2 of draft-pantos-hls-rfc8216bis-22 wants media
//! sequence numbers that never go back, section 6.2.1 constants that never change; object names differ by their tag.

use std::sync::Arc;

use cues::{Cue, EncodedCue, daterange};
use media::{UnixMillis, UtcAnchor};

use super::{
    Packager, cue_track::Added, date_range, fit::Measured, lead::Slots, session::Constants,
};
use crate::{Config, Publication};

/// Where a packager stands, as far as the one that takes its place must know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Continuity {
    /// The number the next segment gets; 0 before the first.
    pub next_msn: u64,
    /// Discontinuities so far.
    pub discontinuities: u64,
    /// Target duration in seconds, once it is fixed.
    pub target_duration_s: Option<u32>,
    /// Part target of video in milliseconds, once it is fixed.
    pub video_part_ms: Option<u32>,
    /// Part target of sound in milliseconds, once it is fixed.
    pub audio_part_ms: Option<u32>,
    /// Ticks between frames and frames per 1000 s, of a publisher that did not say them.
    pub measured: Option<(u32, u32)>,
}

impl Packager {
    /// Where it stands; changes with a segment's beginning, and with the constants.
    pub fn continuity(&self) -> Continuity {
        let (next_msn, discontinuities) = self.slots.reached();
        let constants = &self.constants;
        Continuity {
            next_msn,
            discontinuities,
            target_duration_s: constants.target_duration_s,
            video_part_ms: constants.video_part_ms,
            audio_part_ms: constants.audio_part_ms,
            measured: constants.measured.map(|it| (it.nominal, it.rate_milli)),
        }
    }

    /// The packager that takes the place of one that is gone with its process, for the same stream. `cues` are those
    /// that still matter, each with the UTC it was announced for: their date ranges are told as they were.
    pub fn resume(
        config: Config,
        stream: &str,
        from: &Continuity,
        cues: impl IntoIterator<Item = (Arc<EncodedCue>, UnixMillis)>,
    ) -> Self {
        let mut packager = Self::new(config, stream);
        if from.next_msn > 0 {
            packager.slots = Slots::resume(
                from.next_msn.saturating_add(MSNS_SKIPPED),
                from.discontinuities.saturating_add(1),
            );
        }
        let measured = from.measured.zip(from.video_part_ms);
        packager.constants = Constants {
            target_duration_s: from.target_duration_s,
            video_part_ms: from.video_part_ms,
            audio_part_ms: from.audio_part_ms,
            measured: measured.map(|((nominal, rate_milli), part_ms)| Measured {
                part_ms,
                nominal,
                rate_milli,
            }),
            published: None,
        };
        for (cue, utc) in cues {
            let told = match packager.cues.add(Arc::clone(&cue)) {
                Added::Known => continue,
                Added::New => date_range(&cue, UtcAnchor::at(cue.cue.pts, utc)),
                Added::TakenBack(taken_back) => {
                    let Cue { epoch, seq, .. } = taken_back.cue;
                    Publication::DateRangeTakenBack(daterange::id(epoch, seq))
                }
            };
            packager.output.push_back(told);
        }
        packager
    }
}

/// Segments that may have begun between the last news of where the packager stood and its end: more than begin while a
/// disk makes up its mind.
const MSNS_SKIPPED: u64 = 8;
