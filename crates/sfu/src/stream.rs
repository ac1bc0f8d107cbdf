//! One stream as a shard has it, and a frame of it on its way.

use std::{collections::BTreeSet, ops::Bound, time::Instant};

use media::TrackKind;

use crate::{
    RenditionPacket, SessionId, StreamId, cache::GopCache, capture::CaptureClock,
    dejitter::Dejitter,
};

/// One stream as this shard has it.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) cache: GopCache,
    /// Set by the first frame of either track.
    pub(crate) clock: Option<CaptureClock>,
    sound: Option<Dejitter>,
    /// Bytes of video there were so far.
    pub(crate) video_bytes: u64,
    /// When the newest of them came.
    pub(crate) video_at: Option<Instant>,
    pub(crate) viewers: BTreeSet<SessionId>,
}

/// One frame on its way to a stream's viewers, one of them per step, so that a viewer's datagrams
/// leave before the next viewer's are made.
#[derive(Debug)]
pub(crate) struct Burst {
    pub(crate) now: Instant,
    pub(crate) stream: StreamId,
    pub(crate) track: TrackKind,
    pub(crate) packets: Vec<RenditionPacket>,
    /// The viewer served last.
    pub(crate) after: Option<SessionId>,
}

impl Stream {
    /// Takes note of one frame's packets; says when they go to the viewers.
    pub(crate) fn keep(
        &mut self,
        now: Instant,
        track: TrackKind,
        packets: &[RenditionPacket],
    ) -> Instant {
        let Some(first) = packets.first() else {
            return now;
        };
        let clock = self
            .clock
            .get_or_insert_with(|| CaptureClock::new(now, first.pts));
        clock.observe(now, first.pts);
        match track {
            TrackKind::Video => {
                self.cache.push(packets);
                let bytes: usize = packets.iter().map(|packet| packet.payload.len()).sum();
                self.video_bytes += u64::try_from(bytes).unwrap_or(0);
                self.video_at = Some(now);
                now
            }
            TrackKind::Audio => {
                let sound = self.sound.get_or_insert_with(|| Dejitter::new(now));
                sound.release(now, clock.capture(first.pts))
            }
        }
    }

    /// The viewer after `after`, in the order of their numbers.
    pub(crate) fn viewer_after(&self, after: Option<SessionId>) -> Option<SessionId> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.viewers
            .range((after, Bound::Unbounded))
            .next()
            .copied()
    }
}
