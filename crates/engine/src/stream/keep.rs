//! What of a stream is told to be kept, and a stream made anew of it.

use std::{collections::VecDeque, time::Instant};

use cues::{Timeline, channel, sei::SeiTrack};
use hls::{Packager, Publication};
use media::{Pts, UnixMillis, time::span_to_ticks};
use sfu::StreamId;

use crate::{
    Config,
    api::{Output, StreamState},
    clock::StreamClock,
    saved::{Keep, SavedStream, Show},
    stream::{Effects, Stream},
};

/// Frames go this far before where they have come to is told again.
const TELL_TICKS: i64 = 90_000;

impl Stream {
    /// Tells what became of the cues, and from time to time where the stream stands.
    pub(super) fn keep(&mut self, out: &mut VecDeque<Output>) {
        let changes = self.timeline.take_changes();
        if !changes.is_empty() {
            self.put_keep(out, Keep::Cues(changes));
        }
        if self.clock.highest().since(self.told_pts) >= TELL_TICKS {
            self.keep_show(out);
        }
    }

    /// Tells where the stream stands.
    pub(crate) fn keep_show(&mut self, out: &mut VecDeque<Output>) {
        self.told_pts = self.clock.highest();
        let show = Show {
            rtp_offsets: [self.rtp_offset, self.rtp_offset_audio],
            epoch: self.clock.epoch(),
            anchor: self.clock.anchor(),
            highest: self.told_pts,
            hls: self.packager.continuity(),
        };
        self.put_keep(out, Keep::Show(show));
    }

    /// Its playlists have come further: a segment has begun, or a constant is fixed.
    pub(super) const fn moves_playlists(publication: &Publication) -> bool {
        matches!(
            publication,
            Publication::Opened(_) | Publication::Targets(_)
        )
    }

    pub(super) fn put_keep(&self, out: &mut VecDeque<Output>, keep: Keep) {
        let stream = self.name.clone();
        out.push_back(Output::Keep { stream, keep });
    }

    /// The stream as it was kept, interrupted: its publisher went with the last process. It waits for it from now on.
    pub(crate) fn restore(
        saved: SavedStream,
        id: StreamId,
        config: &Config,
        now: Instant,
        wall: UnixMillis,
    ) -> Self {
        let SavedStream {
            name,
            show,
            cues,
            numbers_used,
        } = saved;
        let clock = StreamClock::restore(now, wall, &show);
        let cues = cues::Saved {
            highest: clock.highest(),
            ..cues
        };
        let settings = config.timeline.clone();
        let mut timeline = Timeline::restore(name.as_str(), settings, cues, now);
        timeline.skip_numbers(numbers_used);
        let highest = clock.highest();
        let mut sei = SeiTrack::default();
        for cue in timeline.snapshot_cues(highest) {
            // Of what holds already, the first key frame's state tells.
            if cue.cue.pts > highest {
                sei.add(cue);
            }
        }
        let packager = Self::packager(&name, &show, config, &timeline, highest);
        let state = match show.epoch {
            0 => StreamState::Starting,
            _ => StreamState::Interrupted,
        };
        Self {
            state,
            told_pts: clock.highest(),
            clock,
            timeline,
            packager,
            sei,
            ..Self::new(name, id, show.rtp_offsets, config, now, wall)
        }
    }

    /// What a stream that was made anew tells first.
    pub(crate) fn take_up(&mut self, fx: &mut Effects<'_>) {
        self.drain_packager(fx);
    }

    fn packager(
        name: &crate::StreamName,
        show: &Show,
        config: &Config,
        timeline: &Timeline,
        highest: Pts,
    ) -> Packager {
        // What followers of the side channel are told, playlists tell too.
        let from = highest.offset(-span_to_ticks(channel::SNAPSHOT_BACK));
        let cues = timeline.snapshot_cues(from).into_iter();
        let dated = cues.filter_map(|cue| Some((timeline.get(cue.cue.seq)?.utc, cue)));
        let dated = dated.map(|(utc, cue)| (cue, utc));
        Packager::resume(config.hls.clone(), name.as_str(), &show.hls, dated)
    }
}
