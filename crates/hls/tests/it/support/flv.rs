//! A reader of the sample clip: `ffmpeg -f lavfi -i testsrc2=size=128x72:rate=25 -f lavfi -i
//! sine=frequency=440:sample_rate=48000 -t 5 -c:v libx264 -preset slow -bf 3 -g 50 -sc_threshold 0
//! -crf 42 -pix_fmt yuv420p -c:a aac -b:a 16k -ac 1 bars-25fps-b3.flv`.

use bytes::Bytes;
use media::{AacConfig, Frame, H264Config, MediaTime, Timescale, TrackKind, aac, h264};

use super::source::START;

/// What the sample holds, on a test's timeline.
pub(crate) struct Clip {
    pub(crate) video: H264Config,
    pub(crate) audio: AacConfig,
    pub(crate) frames: Vec<Frame>,
}

/// The committed sample.
pub(crate) fn clip() -> Clip {
    parse(include_bytes!("../../data/bars-25fps-b3.flv"))
}

/// An FLV file of H.264 and AAC.
pub(crate) fn parse(file: &'static [u8]) -> Clip {
    let file = Bytes::from_static(file);
    let (mut video, mut frames) = (None, Vec::new());
    let mut audio: Option<AacConfig> = None;
    let mut at = 13;
    let mut audio_frames = 0;
    while at + 11 < file.len() {
        let size = be(&file[at + 1..at + 4]);
        let ms =
            i64::try_from(be(&file[at + 4..at + 7]) | usize::from(file[at + 7]) << 24).unwrap();
        let tag = file.slice(at + 11..at + 11 + size);
        match (file[at], tag.get(1)) {
            (9, Some(0)) => video = Some(h264::parse_avcc(&tag[5..]).unwrap().config),
            (9, Some(1)) => {
                let offset = i64::try_from(be(&tag[2..5])).unwrap();
                let (dts, pts) = (START + ms * 90, START + (ms + offset) * 90);
                frames.push(frame(
                    TrackKind::Video,
                    Timescale::VIDEO,
                    (dts, pts),
                    tag[0] >> 4 == 1,
                    tag.slice(5..),
                ));
            }
            (8, Some(0)) => audio = Some(aac::parse_asc(&tag[2..]).unwrap()),
            (8, Some(1)) => {
                let scale = audio.as_ref().unwrap().sample_rate;
                let start = MediaTime::new(START, Timescale::VIDEO)
                    .rescale_round(scale)
                    .ticks();
                let dts = start + audio_frames * 1024;
                audio_frames += 1;
                frames.push(frame(
                    TrackKind::Audio,
                    scale,
                    (dts, dts),
                    true,
                    tag.slice(2..),
                ));
            }
            _ => {}
        }
        at += 11 + size + 4;
    }
    Clip {
        video: video.unwrap(),
        audio: audio.unwrap(),
        frames,
    }
}

fn frame(
    track: TrackKind,
    scale: Timescale,
    (dts, pts): (i64, i64),
    keyframe: bool,
    payload: Bytes,
) -> Frame {
    let (dts, pts) = (MediaTime::new(dts, scale), MediaTime::new(pts, scale));
    Frame {
        track,
        dts,
        pts,
        keyframe,
        payload,
    }
}

fn be(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | usize::from(*byte))
}
