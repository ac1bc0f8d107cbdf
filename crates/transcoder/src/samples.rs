//! Decoded audio between the two pipelines: stereo, 32-bit float.

/// Samples of both channels, interleaved; [`count`](Self::count) counts instants, not values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Samples(Vec<[f32; CHANNELS]>);

/// Left and right.
pub(crate) const CHANNELS: usize = 2;

/// GStreamer's name of the format.
pub(crate) const FORMAT: &str = "F32LE";

impl Samples {
    #[cfg(test)]
    pub(crate) fn new(frames: Vec<[f32; CHANNELS]>) -> Self {
        Self(frames)
    }

    /// Reads [`FORMAT`], interleaved.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let value = |at: &[u8; 4]| f32::from_le_bytes(*at);
        let (values, _) = bytes.as_chunks::<4>();
        let (pairs, _) = values.as_chunks::<CHANNELS>();
        Self(
            pairs
                .iter()
                .map(|pair| pair.each_ref().map(value))
                .collect(),
        )
    }

    /// Writes [`FORMAT`], interleaved.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let values = self.0.as_flattened().iter();
        values.flat_map(|value| value.to_le_bytes()).collect()
    }

    /// The instants.
    #[cfg(test)]
    pub(crate) fn frames(&self) -> &[[f32; CHANNELS]] {
        &self.0
    }

    pub(crate) fn count(&self) -> i64 {
        i64::try_from(self.0.len()).expect("a Vec holds at most isize::MAX bytes")
    }

    /// `count` instants of silence first; not negative.
    pub(crate) fn prepend_silence(&mut self, count: i64) {
        let silence = [[0.0; CHANNELS]].into_iter();
        let silence = silence.cycle().take(usize::try_from(count).unwrap_or(0));
        self.0.splice(0..0, silence);
    }

    /// Without the first `count` instants, or without any when there are no more.
    pub(crate) fn drop_front(&mut self, count: i64) {
        let count = usize::try_from(count).unwrap_or(0).min(self.0.len());
        self.0.drain(..count);
    }

    /// The same sound over `by` more instants, or fewer when negative, by linear interpolation; for the
    /// few percent that a drift needs.
    pub(crate) fn stretched(self, by: i64) -> Self {
        let len = self.0.len();
        let longer = isize::try_from(by)
            .ok()
            .and_then(|by| len.checked_add_signed(by));
        let Some(longer @ 2..) = longer.filter(|_| len >= 2 && by != 0) else {
            return self;
        };
        let frames = (0..longer).map(|n| {
            // Output n lies at n * (len - 1) / (longer - 1) of the input, so that both ends stay.
            let at = n * (len - 1);
            let (left, rest) = (at / (longer - 1), at % (longer - 1));
            let right = (left + 1).min(len - 1);
            let weight = ratio(rest, longer - 1);
            std::array::from_fn(|channel| {
                let (a, b) = (self.0[left][channel], self.0[right][channel]);
                a + (b - a) * weight
            })
        });
        Self(frames.collect())
    }
}

#[expect(clippy::cast_precision_loss, reason = "both are a few thousand")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(count: u16) -> Samples {
        Samples(
            (0..count)
                .map(|n| [(f32::from(n) * 0.05).sin(); 2])
                .collect(),
        )
    }

    #[test]
    fn bytes_survive_the_round_trip() {
        let samples = sine(100);
        assert_eq!(samples.to_bytes().len(), 800);
        assert_eq!(Samples::from_bytes(&samples.to_bytes()), samples);
        assert_eq!(
            Samples::from_bytes(&[0; 15]).count(),
            1,
            "a piece of an instant is none"
        );
    }

    #[test]
    fn stretching_keeps_both_ends_and_the_shape() {
        for by in [-20, -1, 1, 20] {
            let stretched = sine(1024).stretched(by);
            assert_eq!(stretched.count(), 1024 + by);
            assert_eq!(stretched.0.first(), sine(1024).0.first());
            assert_eq!(stretched.0.last(), sine(1024).0.last());
            for pair in stretched.0.windows(2) {
                assert!(
                    (pair[1][0] - pair[0][0]).abs() < 0.06,
                    "no step beside the sine's own"
                );
            }
        }
    }

    #[test]
    fn nothing_to_stretch_stays_as_it_is() {
        assert_eq!(Samples::default().stretched(5), Samples::default());
        assert_eq!(sine(1).stretched(5), sine(1));
        assert_eq!(sine(10).stretched(0), sine(10));
        assert_eq!(sine(10).stretched(-10), sine(10));
    }
}
