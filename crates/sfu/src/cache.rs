//! The packets since the last IDR: what a viewer who comes now, or asks for a key frame, is sent at
//! once.

use crate::RenditionPacket;

/// Packets from the last IDR on, contiguous, bounded. Payloads are shared with the viewers they
/// went to.
#[derive(Debug, Default)]
pub(crate) struct GopCache {
    packets: Vec<RenditionPacket>,
    bytes: usize,
}

impl GopCache {
    /// Keeps one frame's packets. A frame that starts a group drops the one before.
    ///
    /// When the group outgrows a limit all of it is dropped: its beginning alone cannot be
    /// continued live, nor its end alone be decoded. Viewers who come then wait for the next IDR.
    pub(crate) fn push(&mut self, packets: &[RenditionPacket]) {
        let Some(first) = packets.first() else { return };
        if first.starts_keyframe {
            self.clear();
        } else if !self.continues_with(first) {
            self.clear();
            return;
        }
        self.bytes += packets
            .iter()
            .map(|packet| packet.payload.len())
            .sum::<usize>();
        if self.bytes > BYTES_MAX {
            self.clear();
            return;
        }
        self.packets.extend_from_slice(packets);
    }

    fn continues_with(&self, next: &RenditionPacket) -> bool {
        let (Some(first), Some(last)) = (self.packets.first(), self.packets.last()) else {
            return false;
        };
        last.index + 1 == next.index && next.pts.since(first.pts) <= SPAN_MAX
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
    }

    /// The group so far; empty, or beginning with an IDR's first packet.
    pub(crate) fn packets(&self) -> &[RenditionPacket] {
        &self.packets
    }
}

/// 12 s at 5 Mbit/s, and what a viewer's path would have to swallow at once.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest group the packager takes is 10 s; encoders left to themselves make 250 frames, 8.3
/// to 10.4 s.
const SPAN_MAX: i64 = 12 * 90_000;

#[cfg(test)]
mod tests {
    use media::Pts;

    use super::*;

    fn packet(index: u64, pts: i64, starts_keyframe: bool, bytes: usize) -> RenditionPacket {
        RenditionPacket {
            index,
            pts: Pts(pts),
            rtp_time: 0,
            marker: true,
            starts_keyframe,
            payload: vec![0; bytes].into(),
        }
    }

    fn indices(cache: &GopCache) -> Vec<u64> {
        cache.packets().iter().map(|packet| packet.index).collect()
    }

    #[test]
    fn it_holds_the_group_since_the_last_idr() {
        let mut cache = GopCache::default();
        cache.push(&[packet(0, 0, false, 1)]);
        assert!(
            indices(&cache).is_empty(),
            "nothing can be decoded before an IDR"
        );
        cache.push(&[packet(1, 1, true, 1), packet(2, 1, false, 1)]);
        cache.push(&[packet(3, 2, false, 1)]);
        assert_eq!(indices(&cache), [1, 2, 3]);
        cache.push(&[packet(4, 3, true, 1)]);
        assert_eq!(indices(&cache), [4]);
    }

    #[test]
    fn a_gap_an_age_or_a_size_empties_it_until_the_next_idr() {
        let breaks = [
            packet(2, 1, false, 1),
            packet(1, SPAN_MAX + 1, false, 1),
            packet(1, 1, false, BYTES_MAX),
        ];
        for next in breaks {
            let mut cache = GopCache::default();
            cache.push(&[packet(0, 0, true, 1)]);
            cache.push(std::slice::from_ref(&next));
            assert!(indices(&cache).is_empty(), "{} {}", next.index, next.pts);
            cache.push(&[packet(next.index + 1, 5, false, 1)]);
            assert!(indices(&cache).is_empty());
            cache.push(&[packet(next.index + 2, 6, true, BYTES_MAX)]);
            assert_eq!(indices(&cache), [next.index + 2]);
        }
    }
}
