//! How far a viewer has been sent one track.

use media::TrackKind;

use crate::{RenditionPacket, fanout::HeaderTemplate};

/// How far a viewer has been sent one track.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) header: HeaderTemplate,
    /// The rendition index that continues what was sent.
    pub(crate) next: Option<u64>,
}

impl Track {
    /// The part of `packets` this viewer can use: from an IDR at first and after a gap, and nothing
    /// twice.
    pub(crate) fn wanted<'a>(
        &mut self,
        kind: TrackKind,
        packets: &'a [RenditionPacket],
    ) -> &'a [RenditionPacket] {
        let packets = match self.next {
            Some(next) => {
                let fresh = packets.partition_point(|packet| packet.index < next);
                &packets[fresh..]
            }
            None => packets,
        };
        let Some(first) = packets.first() else {
            return packets;
        };
        if self.next == Some(first.index) {
            return packets;
        }
        let start = match kind {
            TrackKind::Video => packets.iter().position(|packet| packet.starts_keyframe),
            TrackKind::Audio => Some(0),
        };
        let Some(start) = start else { return &[] };
        self.header.continue_at(packets[start].index);
        &packets[start..]
    }

    /// What comes next is `first`, whatever was sent before.
    pub(crate) fn restart_at(&mut self, first: &RenditionPacket) {
        self.header.continue_at(first.index);
        self.next = Some(first.index);
    }

    /// The part of the cached group that was not sent: all of it if it is newer than the one that
    /// was being sent.
    pub(crate) fn rest_of<'a>(&mut self, cached: &'a [RenditionPacket]) -> &'a [RenditionPacket] {
        let next = self.next.unwrap_or(0);
        match cached.first() {
            Some(first) if first.index > next => {
                self.restart_at(first);
                cached
            }
            _ => &cached[cached.partition_point(|packet| packet.index < next)..],
        }
    }
}
