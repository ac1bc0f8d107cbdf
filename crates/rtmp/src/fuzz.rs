//! Entry points for fuzzing: every parser of a publisher's bytes, given any bytes. None of them
//! may panic, hang, or remember more than the limits allow. Time does not pass.

use std::time::Instant;

use bytes::Bytes;
use media::{VideoConfig, av1, h264, h265};

use crate::{Config, Event, Input, Output, Session, amf0, flv, session::Tracks};

/// A session from its first byte. The first byte of `data` chooses the portions it is fed in.
pub fn session(now: Instant, data: &[u8]) {
    if let Some((portion, rest)) = data.split_first() {
        drive(
            &mut Session::new(Config::default(), now),
            now,
            *portion,
            rest,
        );
    }
}

/// A session after the handshake, where chunks begin. Publishes are accepted.
pub fn chunks(now: Instant, data: &[u8]) {
    if let Some((portion, rest)) = data.split_first() {
        let mut session = Session::new(Config::default(), now);
        drive(&mut session, now, 0, &HANDSHAKE);
        drive(&mut session, now, *portion, rest);
    }
}

/// Values of a command or data message.
pub fn amf0(data: &[u8]) {
    if let Ok(values) = amf0::decode_all(data) {
        let _ = flv::metadata::parse(&values);
    }
}

/// The body of a video tag.
pub fn video(data: &[u8]) {
    let _ = flv::video::parse(Bytes::copy_from_slice(data));
}

/// The body of an audio tag.
pub fn audio(data: &[u8]) {
    let _ = flv::audio::parse(Bytes::copy_from_slice(data));
}

/// Messages of one publish: `kind, length(2), body` each, `kind` odd for audio. Frames come after their configuration and
/// are never empty; pictures of NAL units are walked to their end, and have no parameter set of their configuration in them.
pub fn tracks(mut data: &[u8]) {
    let mut tracks = Tracks::default();
    let (mut video, mut audio): (Option<VideoConfig>, _) = (None, None);
    let mut stamp = 0;
    while let Some((&[kind, high, low], rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        data = rest;
        stamp += u32::from(kind >> 1);
        let body = Bytes::copy_from_slice(body);
        let told = if kind & 1 == 0 {
            tracks.video(stamp, body)
        } else {
            tracks.audio(stamp, body)
        };
        let Ok(told) = told else { return };
        for event in told.into_iter().flatten() {
            match event {
                Event::VideoConfig(config) => {
                    assert_ne!(video.replace(config.clone()), Some(config), "repeated");
                }
                Event::AudioConfig(config) => audio = Some(config),
                Event::Video { payload, .. } => check_picture(video.as_ref(), &payload),
                Event::Audio { payload, .. } => {
                    assert!(audio.is_some() && !payload.is_empty());
                }
                Event::Publish { .. }
                | Event::Metadata(_)
                | Event::Cue(_)
                | Event::OtherTracks(_)
                | Event::Dropped { .. }
                | Event::Unpublish => {}
            }
        }
    }
}

fn check_picture(config: Option<&VideoConfig>, payload: &Bytes) {
    assert!(!payload.is_empty());
    match config.expect("a configuration comes before the first frame") {
        VideoConfig::H264(_) => {
            let walked: usize = h264::nals(payload).map(|nal| nal.len() + 4).sum();
            assert_eq!(walked, payload.len());
        }
        VideoConfig::H265(config) => {
            let walked: usize = h265::nals(payload).map(|nal| nal.len() + 4).sum();
            assert_eq!(walked, payload.len());
            assert_eq!(h265::without(payload, config), payload);
        }
        VideoConfig::Av1(_) => {
            assert_eq!(av1::sample(payload).expect("it was one").payload, payload);
        }
        VideoConfig::Vp8(_) => panic!("VP8 is not taken by RTMP"),
        VideoConfig::Vp9(_) => {}
    }
}

fn drive(session: &mut Session, now: Instant, portion: u8, data: &[u8]) {
    let portion = if portion == 0 {
        data.len().max(1)
    } else {
        usize::from(portion)
    };
    let mut said_so = false;
    for part in data.chunks(portion) {
        let input = Input::Data(Bytes::copy_from_slice(part));
        let taken = session.handle_input(now, input);
        while let Some(output) = session.poll_output() {
            assert!(!said_so, "nothing follows the close");
            said_so = output == Output::Close;
            if let Output::Event(Event::Publish { .. }) = output {
                let _ = session.handle_input(now, Input::Accept);
            }
        }
        if taken.is_err() {
            break;
        }
    }
    assert_eq!(
        session.error().is_some(),
        said_so,
        "a closed session says so, once"
    );
}

/// C0, C1 and C2.
const HANDSHAKE: [u8; 3073] = {
    let mut bytes = [0; 3073];
    bytes[0] = 3;
    bytes
};
