//! Synthetic sources: frames whose payload says which frame it is.

use bytes::Bytes;
use hls::Epoch;
use media::{AacConfig, Frame, FrameRate, H264Config, MediaTime, Timescale, TrackKind};

use super::{ANCHOR, flv};

/// The first video frame's pts on every timeline.
pub(crate) const START: i64 = 900_000;

/// How far apart video frames are.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    /// num / den frames a second, placed on the 90 kHz grid by rounding.
    Constant(u32, u32),
    /// The same, but stamped in whole milliseconds by the encoder.
    Millis(u32, u32),
    /// These ticks, over and over.
    Ticks(Vec<i64>),
}

/// A source.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) pace: Option<Pace>,
    /// Whether the epoch says the frame rate.
    pub(crate) says_rate: bool,
    /// Frames from IDR to IDR, over and over.
    pub(crate) gops: Vec<usize>,
    pub(crate) b_frames: i64,
    pub(crate) audio_rate: Option<u32>,
    /// How much later than video audio comes in, 90 kHz ticks; negative: earlier.
    pub(crate) audio_delay: i64,
    pub(crate) seconds: f64,
    pub(crate) start: i64,
}

impl Default for Source {
    /// 30 fps with a GOP of 2 s, no B-frames, AAC at 48 kHz, 10.5 s.
    fn default() -> Self {
        Self {
            pace: Some(Pace::Constant(30, 1)),
            says_rate: true,
            gops: vec![60],
            b_frames: 0,
            audio_rate: Some(48_000),
            audio_delay: 0,
            seconds: 10.5,
            start: START,
        }
    }
}

impl Source {
    pub(crate) fn epoch(&self, number: u32) -> Epoch {
        let rate = match &self.pace {
            Some(Pace::Constant(num, den) | Pace::Millis(num, den)) if self.says_rate => {
                Some(FrameRate {
                    num: *num,
                    den: *den,
                })
            }
            _ => None,
        };
        Epoch {
            number,
            video: self.pace.as_ref().map(|_| video_config().into()),
            video_rate: rate,
            audio: self.audio_rate.map(audio_config),
            anchor: ANCHOR,
        }
    }

    /// All frames in the order they come in.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let mut frames: Vec<(i64, Frame)> = self
            .video()
            .into_iter()
            .map(|frame| (frame.dts.ticks(), frame))
            .collect();
        frames.extend(
            self.audio()
                .into_iter()
                .map(|frame| (frame.dts.to_pts().0 + self.audio_delay, frame)),
        );
        frames.sort_by_key(|(arrival, _)| *arrival);
        frames.into_iter().map(|(_, frame)| frame).collect()
    }

    pub(crate) fn video(&self) -> Vec<Frame> {
        let Some(pace) = &self.pace else {
            return Vec::new();
        };
        let end = (self.seconds * 90_000.0) as i64;
        let mut times = Vec::new();
        let mut sum = 0;
        for n in 0.. {
            let time = match pace {
                Pace::Constant(num, den) => {
                    (n * 90_000 * i64::from(*den) + i64::from(*num) / 2) / i64::from(*num)
                }
                Pace::Millis(num, den) => (n * 1000 * i64::from(*den) / i64::from(*num)) * 90,
                Pace::Ticks(ticks) => {
                    let time = sum;
                    sum += ticks[usize::try_from(n).unwrap() % ticks.len()];
                    time
                }
            };
            if time >= end {
                break;
            }
            times.push(time);
        }
        let mut frames = Vec::new();
        let mut gop_start = 0;
        for gop in self.gops.iter().cycle() {
            let len = (*gop).min(times.len() - gop_start);
            self.put_gop(&times, gop_start, len, &mut frames);
            gop_start += len;
            if gop_start == times.len() {
                return frames;
            }
        }
        unreachable!("the cycle has no end");
    }

    /// One GOP in decode order: after each reference the B-frames that are shown before it.
    fn put_gop(&self, times: &[i64], start: usize, len: usize, frames: &mut Vec<Frame>) {
        let mut order: Vec<usize> = vec![0];
        let mut next = 1;
        let group = usize::try_from(self.b_frames).unwrap() + 1;
        while next < len {
            let reference = (next + group - 1).min(len - 1);
            order.push(reference);
            order.extend(next..reference);
            next = reference + 1;
        }
        // Decode times are the presentation times in order; presentation is later by the
        // reordering.
        let shift = if self.b_frames > 0 {
            3000 * self.b_frames
        } else {
            0
        };
        for (place, shown) in order.into_iter().enumerate() {
            let (dts, pts) = (times[start + place], times[start + shown] + shift);
            frames.push(Frame {
                track: TrackKind::Video,
                dts: MediaTime::new(self.start + dts, Timescale::VIDEO),
                pts: MediaTime::new(self.start + pts, Timescale::VIDEO),
                keyframe: place == 0,
                payload: Bytes::from(format!("video {} {}", start + place, "x".repeat(200))),
            });
        }
    }

    pub(crate) fn audio(&self) -> Vec<Frame> {
        let Some(rate) = self.audio_rate else {
            return Vec::new();
        };
        let scale = Timescale::new(rate).unwrap();
        let start = MediaTime::new(self.start, Timescale::VIDEO)
            .rescale_round(scale)
            .ticks();
        let count = (self.seconds * f64::from(rate) / 1024.0) as i64;
        let frame = |n: i64| Frame {
            track: TrackKind::Audio,
            dts: MediaTime::new(start + n * 1024, scale),
            pts: MediaTime::new(start + n * 1024, scale),
            keyframe: true,
            payload: Bytes::from(format!("audio {n} {}", "y".repeat(80))),
        };
        (0..count).map(frame).collect()
    }
}

/// The configuration of a real encoder.
pub(crate) fn video_config() -> H264Config {
    flv::clip().video
}

/// AAC-LC, two channels.
pub(crate) fn audio_config(rate: u32) -> AacConfig {
    let index = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000,
    ]
    .iter()
    .position(|known| *known == rate)
    .unwrap();
    let bits = 2 << 11 | index << 7 | 2 << 3;
    media::aac::parse_asc(&u16::try_from(bits).unwrap().to_be_bytes()).unwrap()
}
