//! A clip of a real encoder, with B-frames.

use hls::{Config, Epoch, Rendition};
use media::TrackKind;

use crate::support::{ANCHOR, Stream, boxes, flv, rules};

#[test]
fn every_access_unit_comes_out_with_its_times() {
    let clip = flv::clip();
    let mut stream = Stream::new(Config::default());
    stream.start(Epoch {
        number: 1,
        video_rate: clip.video.frame_rate,
        video: Some(clip.video.into()),
        audio: Some(clip.audio),
        anchor: ANCHOR,
    });
    stream.feed(&clip.frames);
    stream.end();
    let out: Vec<_> = stream
        .parts(Rendition::Video)
        .iter()
        .flat_map(|part| boxes::samples(&part.body))
        .collect();
    let frames: Vec<_> = clip
        .frames
        .iter()
        .filter(|frame| frame.track == TrackKind::Video)
        .collect();
    assert_eq!(out.len(), 125);
    for (sample, frame) in out.iter().zip(frames) {
        assert_eq!(
            (sample.dts.cast_signed(), sample.pts),
            (frame.dts.ticks(), frame.pts.ticks())
        );
        assert_eq!(
            (sample.sync, &sample.payload[..]),
            (frame.keyframe, &frame.payload[..])
        );
    }
    for rendition in Rendition::ALL {
        assert_eq!(
            rules::broken(&stream.playlist(rendition), false),
            Vec::<String>::new()
        );
    }
    assert!(stream.verdicts.is_empty());
    assert!(
        stream
            .multivariant("")
            .contains("RESOLUTION=128x72,FRAME-RATE=25.000")
    );
}
