//! The source's pictures since its last key frame: what a child that begins now must decode.

use bytes::Bytes;
use media::Pts;

/// Empty, or beginning with a key frame.
#[derive(Debug, Default)]
pub(super) struct Group {
    pictures: Vec<(Pts, Bytes)>,
    bytes: usize,
}

impl Group {
    /// Takes the next picture in decode order.
    pub(super) fn push(&mut self, pts: Pts, keyframe: bool, payload: &Bytes) {
        if keyframe {
            self.clear();
        } else if self.pictures.is_empty() {
            return;
        }
        self.bytes += payload.len();
        self.pictures.push((pts, payload.clone()));
        if self.bytes > BYTES_MAX || self.pictures.len() > PICTURES_MAX {
            // Without its beginning the rest is of no use; a child begins with the next key frame.
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.pictures.clear();
        self.bytes = 0;
    }

    pub(super) fn pictures(&self) -> &[(Pts, Bytes)] {
        &self.pictures
    }

    /// From where on a decoder's pictures make one visible, should no other follow: it gives out each only when those that
    /// may be shown before it have come, and keeps the last few.
    pub(super) fn to_be_seen(&self) -> Option<Pts> {
        let mut times: Vec<Pts> = self.pictures.iter().map(|(pts, _)| *pts).collect();
        times.sort_unstable();
        times.iter().rev().take(1 + REORDERED).next_back().copied()
    }
}

/// What encoders reorder: x264 by itself two, H.265 encoders up to four.
const REORDERED: usize = 4;
/// 12 s at 20 Mbit/s.
const BYTES_MAX: usize = 32 << 20;
/// 16 s at 60 per second; the child's queue holds as many.
const PICTURES_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn group(pictures: &[(i64, bool)], bytes: usize) -> Group {
        let mut group = Group::default();
        for (pts, keyframe) in pictures {
            group.push(Pts(*pts), *keyframe, &Bytes::from(vec![0; bytes]));
        }
        group
    }

    #[test]
    fn it_begins_with_the_last_key_frame() {
        let group = group(
            &[
                (1, false),
                (2, true),
                (5, false),
                (6, true),
                (9, false),
                (8, false),
            ],
            1,
        );
        let times: Vec<_> = group.pictures().iter().map(|(pts, _)| pts.0).collect();
        assert_eq!(times, [6, 9, 8]);
        assert_eq!(group.to_be_seen(), Some(Pts(6)));
        let long: Vec<_> = (0..10).map(|n| (n ^ 1, n == 0)).collect();
        assert_eq!(self::group(&long, 1).to_be_seen(), Some(Pts(5)));
        assert_eq!(Group::default().to_be_seen(), None);
    }

    #[test]
    fn one_too_long_or_too_large_is_forgotten_until_the_next_key_frame() {
        let mut long: Vec<_> = (0..=1_000).map(|pts| (pts, pts == 0)).collect();
        assert_eq!(group(&long[..1_000], 1).pictures().len(), 1_000);
        assert!(group(&long, 1).pictures().is_empty());
        long.push((1_001, false));
        assert!(group(&long, 1).pictures().is_empty());
        long.push((1_002, true));
        assert_eq!(group(&long, 1).pictures().len(), 1);
        assert!(
            group(&[(0, true), (1, false)], 17 << 20)
                .pictures()
                .is_empty()
        );
    }
}
