//! What is broken: a group of pictures, or a second of sound, of every codec, as real encoders make it.

use std::sync::LazyLock;

use bytes::Bytes;
use media::{MediaTime, Pts, Timescale, h264};
use transcode::{SourcePicture, Start, ToChild, VideoSource, VideoToH264};

use super::mutate::joined;
use crate::{
    ffmpeg::{self, Layout, STEREO},
    opus, signal, video,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    H264,
    H265,
    Vp9,
    Av1,
    Aac,
    Opus,
}

/// One access unit.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// When it is shown or heard, in [`Source::step`]s after the first of its group.
    pub(super) turn: i64,
    pub(super) payload: Bytes,
}

pub(super) struct Source {
    pub(super) codec: Codec,
    pub(super) start: Start,
    /// In decode order; the first can be decoded without any other.
    pub(super) units: Vec<Unit>,
    /// From one to the next, at [`Source::scale`].
    pub(super) step: i64,
}

impl Source {
    pub(super) const fn is_sound(&self) -> bool {
        matches!(self.codec, Codec::Aac | Codec::Opus)
    }

    pub(super) const fn scale(&self) -> Timescale {
        if self.is_sound() {
            Timescale::OPUS
        } else {
            Timescale::VIDEO
        }
    }

    /// How a unit is sent whose time is `ticks`.
    pub(super) fn message(&self, ticks: i64, payload: Bytes) -> ToChild {
        if self.is_sound() {
            let pts = MediaTime::new(ticks, self.scale());
            ToChild::Frame { pts, payload }
        } else {
            ToChild::Picture(SourcePicture {
                pts: Pts(ticks),
                wanted: true,
                payload,
            })
        }
    }

    pub(super) fn of(codec: Codec) -> Self {
        match codec {
            Codec::H264 => h264(),
            Codec::H265 => {
                let source = video::h265();
                pictures(
                    codec,
                    VideoSource::H265(source.avcc),
                    payloads(source.units),
                )
            }
            Codec::Vp9 => pictures(codec, VideoSource::Vp9, payloads(video::vp9().units)),
            Codec::Av1 => pictures(codec, VideoSource::Av1, payloads(video::av1().units)),
            Codec::Aac => aac(),
            Codec::Opus => opus(),
        }
    }
}

/// With B-frames, and its sets before the key frame, as encoders repeat them: whatever came before is over there.
fn h264() -> Source {
    static SOURCE: LazyLock<(Bytes, Vec<(i64, Bytes)>)> =
        LazyLock::new(|| ffmpeg::shades(GROUP, &["-bf", "2", "-g", "60", "-profile:v", "high"]));
    let (avcc, units) = &*SOURCE;
    let units = with_sets(avcc, units);
    Source {
        units,
        ..pictures(Codec::H264, VideoSource::H264(avcc.clone()), Vec::new())
    }
}

/// A group of H.264 in another size.
pub(super) fn in_size(size: &str) -> Vec<Unit> {
    let (avcc, units) = ffmpeg::test_pictures(size, 10);
    with_sets(&avcc, &units)
}

fn with_sets(avcc: &[u8], units: &[(i64, Bytes)]) -> Vec<Unit> {
    let config = h264::parse_avcc(avcc).unwrap().config;
    let sets = joined(config.sps.into_iter().chain(config.pps));
    let first = units.iter().map(|(ms, _)| *ms).min().unwrap();
    let unit = |(ms, payload): &(i64, Bytes)| Unit {
        // Times of FLV are whole milliseconds.
        turn: (ms - first + 16) * 30 / 1_000,
        payload: payload.clone(),
    };
    let mut units: Vec<Unit> = units.iter().map(unit).collect();
    units[0].payload = [&sets[..], &units[0].payload].concat().into();
    units
}

fn pictures(codec: Codec, source: VideoSource, payloads: Vec<Bytes>) -> Source {
    Source {
        codec,
        start: Start::VideoToH264(VideoToH264 {
            source,
            frame_rate_milli: 30_000,
            bitrate_bps: 500_000,
        }),
        units: in_turn(payloads.into_iter().cycle().take(GROUP)),
        step: 3_000,
    }
}

fn aac() -> Source {
    static SOURCE: LazyLock<ffmpeg::Aac> = LazyLock::new(|| {
        let layout = Layout {
            rate: 48_000,
            channels: STEREO,
        };
        ffmpeg::aac(layout, &signal::tone(layout.rate, 1.0), |_| true)
    });
    Source {
        codec: Codec::Aac,
        start: SOURCE.start(),
        units: in_turn(SOURCE.units.iter().cloned()),
        step: 1_024,
    }
}

fn opus() -> Source {
    static SOURCE: LazyLock<opus::Opus> =
        LazyLock::new(|| opus::Opus::encode(opus::USUAL, &signal::tone(48_000, 1.0)));
    Source {
        codec: Codec::Opus,
        start: SOURCE.start(),
        units: in_turn(SOURCE.packets.iter().cloned()),
        step: 960,
    }
}

fn in_turn(payloads: impl Iterator<Item = Bytes>) -> Vec<Unit> {
    (0..)
        .zip(payloads)
        .map(|(turn, payload)| Unit { turn, payload })
        .collect()
}

fn payloads(units: Vec<(Pts, Bytes)>) -> Vec<Bytes> {
    units.into_iter().map(|(_, payload)| payload).collect()
}

/// More than a decoder can keep back: 16 pictures that it may reorder, and a few.
const GROUP: usize = 36;
