//! Sounds that begin somewhere, and where they are found again.

/// `seconds` of silence with a burst of noise from `at` for 200 ms; the same noise every time.
pub(crate) fn burst(rate: u32, seconds: f64, at: f64) -> Vec<f32> {
    let rate = f64::from(rate);
    let mut noise = Noise(0x2545_f491);
    (0..count(seconds * rate))
        .map(|n| {
            let since = f64::from(n) / rate - at;
            if (0.0..0.2).contains(&since) {
                noise.next_sample() * 0.5
            } else {
                0.0
            }
        })
        .collect()
}

/// `seconds` of a 440 Hz tone.
pub(crate) fn tone(rate: u32, seconds: f64) -> Vec<f32> {
    let rate = f64::from(rate);
    let value = |n| (f64::from(n) / rate * 440.0 * std::f64::consts::TAU).sin() * 0.5;
    (0..count(seconds * rate))
        .map(|n| narrow(value(n)))
        .collect()
}

/// The first sample that is louder than a quarter of the loudest.
pub(crate) fn onset(sound: &[f32]) -> usize {
    let peak = sound
        .iter()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!(peak > 0.05, "there is a sound: peak {peak}");
    sound
        .iter()
        .position(|sample| sample.abs() > peak / 4.0)
        .unwrap()
}

/// By how many samples `other` lags behind `sound` where they look most alike, within `most`.
pub(crate) fn lag(sound: &[f32], other: &[f32], most: i32) -> i32 {
    let likeness = |lag: i32| -> f64 {
        let pairs = (0..sound.len()).filter_map(|n| {
            let there = n.checked_add_signed(isize::try_from(lag).unwrap())?;
            Some(f64::from(sound[n]) * f64::from(*other.get(there)?))
        });
        pairs.sum()
    };
    (-most..=most)
        .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
        .unwrap()
}

/// Root of the mean square.
pub(crate) fn loudness(sound: &[f32]) -> f64 {
    let square: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (square / f64::from(u32::try_from(sound.len()).unwrap())).sqrt()
}

pub(crate) fn left(sound: &[[f32; 2]]) -> Vec<f32> {
    sound.iter().map(|[left, _]| *left).collect()
}

pub(crate) fn right(sound: &[[f32; 2]]) -> Vec<f32> {
    sound.iter().map(|[_, right]| *right).collect()
}

struct Noise(u32);

impl Noise {
    /// George Marsaglia's xorshift.
    fn next_sample(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        narrow(f64::from(self.0) / f64::from(u32::MAX) * 2.0 - 1.0)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few seconds"
)]
fn count(samples: f64) -> u32 {
    samples as u32
}

#[expect(clippy::cast_possible_truncation, reason = "a sample needs no more")]
fn narrow(value: f64) -> f32 {
    value as f32
}
