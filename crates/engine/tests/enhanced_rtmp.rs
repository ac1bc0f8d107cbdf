//! H.265, AV1, VP9 and Opus by RTMP: to LL-HLS; of them Opus to WebRTC too.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{AVCC, Publisher, World, name, notice};
use cues::{
    At,
    sei::{Message, nal_units, read},
};
use engine::{ChildEvent, ChildKind, Input, OfferError, Output, StreamEvent};
use media::{
    h265,
    sei::{OWN_UUID, Syntax, mentions_own, user_data},
};
use transcode::{Start, ToChild, VideoSource};

/// x265, 160x90, 30 frames/s.
fn x265() -> (Bytes, Vec<Bytes>) {
    let file = Bytes::from_static(include_bytes!("../../media/tests/data/h265.hvc"));
    let mut pieces = h265::nals(&file);
    (pieces.next().unwrap(), pieces.collect())
}

fn ivf(file: &'static [u8]) -> Vec<Bytes> {
    let frames = recordings::ivf(file).into_iter();
    frames.map(Bytes::from_static).collect()
}

/// Sends groups of three pictures over and over, 30 a second, for so many pictures.
fn send(world: &mut World, publisher: Publisher, fourcc: &str, group: &[Bytes], count: u32) {
    send_from(world, publisher, fourcc, group, 0..count);
}

fn send_from(
    world: &mut World,
    publisher: Publisher,
    fourcc: &str,
    group: &[Bytes],
    frames: std::ops::Range<u32>,
) {
    for n in frames {
        let picture = &group[n as usize % 3];
        world.send(
            publisher.conn,
            publisher.extended_video(n * 1000 / 30, 0x23, fourcc, picture),
        );
        world.pass(Duration::from_nanos(33_333_333));
    }
}

fn inits(world: &World) -> Vec<String> {
    let init = |output: &Output| match output {
        Output::Hls {
            publication: hls::Publication::Init(init),
            ..
        } => Some(init.codecs.clone()),
        _ => None,
    };
    world.out.iter().filter_map(init).collect()
}

/// Bytes of the parts of video.
fn parts(world: &World) -> Vec<Bytes> {
    let part = |output: &Output| match output {
        Output::Hls {
            publication: hls::Publication::Part(part),
            ..
        } if part.rendition == hls::Rendition::Video => Some(part.body.clone()),
        _ => None,
    };
    world.out.iter().filter_map(part).collect()
}

fn holds(parts: &[Bytes], picture: &[u8]) -> usize {
    let found = |part: &Bytes| {
        part.windows(picture.len())
            .filter(|bytes| *bytes == picture)
            .count()
    };
    parts.iter().map(found).sum()
}

fn verdicts(world: &World) -> Vec<&'static str> {
    let verdict = |output: &Output| match output {
        Output::Stream {
            event: StreamEvent::Verdict(verdict),
            ..
        } => Some(verdict.code),
        _ => None,
    };
    world.out.iter().filter_map(verdict).collect()
}

fn epochs(world: &World) -> Vec<u32> {
    let live = |output: &Output| match output {
        Output::Stream {
            event: StreamEvent::Live { epoch },
            ..
        } => Some(*epoch),
        _ => None,
    };
    world.out.iter().filter_map(live).collect()
}

fn failures(world: &World) -> usize {
    let failed = |output: &&Output| matches!(output, Output::HlsFailed { .. });
    world.out.iter().filter(failed).count()
}

const OFFER: &str = include_str!("../../sfu/tests/fixtures/chromium-156.sdp");

fn offer(world: &mut World, sdp: &str) -> Result<(), OfferError> {
    world.shard.offer(world.now, &name(), sdp).map(|_| ())
}

/// The offer without its section of video.
fn sound_alone() -> String {
    let (head, rest) = OFFER.split_once("m=video").unwrap();
    let sound = rest.split_once("m=audio").unwrap().1;
    format!("{head}m=audio{sound}").replace("BUNDLE 0 1 2", "BUNDLE 1 2")
}

const START: u8 = 0x10;

/// A stream of H.265 whose record has come.
fn h265_stream(world: &mut World) -> (Publisher, Vec<Bytes>) {
    let (record, units) = x265();
    let publisher = world.publish(1, "show");
    world.send(
        publisher.conn,
        publisher.extended_video(0, START, "hvc1", &record),
    );
    (publisher, units)
}

#[test]
fn h265_is_packaged_and_said_of() {
    let mut world = World::new();
    let (publisher, units) = h265_stream(&mut world);
    send(&mut world, publisher, "hvc1", &units, 90);
    assert_eq!(inits(&world), ["hvc1.1.6.L30.90"]);
    assert_eq!((epochs(&world), failures(&world)), (vec![1], 0));
    let config = h265::parse_hvcc(&x265().0).unwrap().config;
    let parts = parts(&world);
    assert!(holds(&parts, &units[1]) >= 20);
    assert_eq!(holds(&parts, &config.sps[0]), 0, "sets are out of band");
    let video = world
        .shard
        .stream(world.now, &name())
        .unwrap()
        .video
        .unwrap();
    assert_eq!((video.codec.name(), video.profile), ("H.265", "Main"));
    assert_eq!(
        (video.width, video.height, video.b_frames),
        (160, 90, false)
    );
    assert_eq!(verdicts(&world), ["codec"]);
}

#[test]
fn video_that_nothing_decodes_is_refused_and_sound_alone_is_not() {
    let av1 = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.audio_config());
    send(&mut world, publisher, "av01", &av1, 30);
    let refused = offer(&mut world, OFFER).unwrap_err();
    let OfferError::Refused(sfu::Refusal::Withheld(withheld)) = &refused else {
        panic!("{refused}")
    };
    assert_eq!(withheld.why, sfu::NotRepaired::NotDecoded);
    let text = refused.to_string();
    assert!(
        text.contains("AV1 by RTMP") && text.contains("publish H.264"),
        "{text}"
    );
    assert!(text.contains("gstreamer1.0-plugins-bad"), "{text}");
    offer(&mut world, &sound_alone()).unwrap();
    // What decodes it is found out while the stream runs.
    assert_eq!(verdicts(&world), ["no_webrtc"]);
    world.input(Input::Av1Decoded);
    send_from(&mut world, publisher, "av01", &av1, 30..60);
    offer(&mut world, OFFER).unwrap();
    let status = world.shard.stream(world.now, &name()).unwrap();
    let standing: Vec<_> = status.verdicts.iter().map(|verdict| verdict.code).collect();
    assert_eq!(standing, ["codec"], "what is mended is taken back");
    assert_eq!(started(&mut world), Some(VideoSource::Av1));
}

#[test]
fn other_codecs_are_given_to_a_child_with_what_decodes_them() {
    let av1 = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    let vp9 = ivf(include_bytes!("../../media/tests/data/vp9.ivf"));
    let hvcc = h265::parse_hvcc(&x265().0).unwrap().config.hvcc;
    for (fourcc, group, source) in [
        ("hvc1", x265().1, VideoSource::H265(hvcc)),
        ("vp09", vp9, VideoSource::Vp9),
        ("av01", av1, VideoSource::Av1),
    ] {
        let mut world = World::new();
        world.input(Input::Av1Decoded);
        let publisher = world.publish(1, "show");
        send(&mut world, publisher, fourcc, &group, 30);
        offer(&mut world, OFFER).unwrap();
        assert_eq!(started(&mut world), Some(source));
    }
}

/// What the child of the picture is told to decode, once it is there.
fn started(world: &mut World) -> Option<VideoSource> {
    let child = world.out.iter().find_map(|output| match output {
        Output::ChildSpawn { child, .. } if child.kind == ChildKind::Video => Some(*child),
        _ => None,
    });
    let (child, event) = (child?, ChildEvent::Spawned);
    world.input(Input::Child { child, event });
    world.out.iter().find_map(|output| match output {
        Output::ChildSend {
            message: ToChild::Start(Start::VideoToH264(start)),
            ..
        } => Some(start.source.clone()),
        _ => None,
    })
}

/// Who was answered with the pictures of before sees an end, not the last of them for ever.
#[test]
fn sessions_end_when_their_video_is_no_longer_sent() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, 31, 30);
    offer(&mut world, OFFER).unwrap();
    let closed = |world: &World| {
        let closed = |output: &&Output| matches!(output, Output::SessionClosed { .. });
        world.out.iter().filter(closed).count()
    };
    assert_eq!(closed(&world), 0);
    // What is made of VP9 is H.264 too.
    let vp9 = ivf(include_bytes!("../../media/tests/data/vp9.ivf"));
    world.send(
        publisher.conn,
        publisher.extended_video(1033, START, "vp09", &[]),
    );
    send_from(&mut world, publisher, "vp09", &vp9, 33..40);
    assert_eq!(closed(&world), 0);
    let av1 = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    world.send(
        publisher.conn,
        publisher.extended_video(1400, START, "av01", &[]),
    );
    send_from(&mut world, publisher, "av01", &av1, 42..60);
    assert_eq!(closed(&world), 1);
}

#[test]
fn av1_and_vp9_are_packaged() {
    let av1 = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    let vp9 = ivf(include_bytes!("../../media/tests/data/vp9.ivf"));
    for (fourcc, group, codecs) in [
        ("av01", av1, "av01.0.00M.08"),
        ("vp09", vp9, "vp09.00.11.08"),
    ] {
        let mut world = World::new();
        let publisher = world.publish(1, "show");
        send(&mut world, publisher, fourcc, &group, 60);
        assert_eq!(
            (inits(&world), failures(&world)),
            (vec![codecs.to_owned()], 0)
        );
        // Delimiters stay out.
        let picture = if fourcc == "av01" {
            &group[1][2..]
        } else {
            &group[1][..]
        };
        assert!(holds(&parts(&world), picture) >= 15);
        let expected = if fourcc == "av01" {
            "no_webrtc"
        } else {
            "codec"
        };
        assert_eq!(verdicts(&world), [expected]);
    }
}

/// From the configuration to the first key frame of another codec no picture goes into a track of the old one.
#[test]
fn another_codec_begins_with_its_first_key_frame() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, 31, 30);
    let av1 = ivf(include_bytes!("../../media/tests/data/av1.ivf"));
    // The record makes it known before its first key frame is.
    let end = 4 + usize::from(av1[0][3]);
    let record = [&[0x81, 0, 0x0c, 0][..], &av1[0][2..end]].concat();
    world.send(
        publisher.conn,
        publisher.extended_video(1033, START, "av01", &record),
    );
    // n % 3 is 1: the first that come are no key frames.
    send_from(&mut world, publisher, "av01", &av1, 34..36);
    assert_eq!(holds(&parts(&world), &av1[1][2..]), 0);
    send_from(&mut world, publisher, "av01", &av1, 36..90);
    assert_eq!(inits(&world), ["avc1.42c00d", "av01.0.00M.08"]);
    assert_eq!((epochs(&world), failures(&world)), (vec![1, 2], 0));
    let stray = holds(&parts(&world), &av1[1][2..]);
    assert!((15..=18).contains(&stray), "{stray}");
}

/// CRA, a picture that leads it and needs what was before, and one that follows.
fn open_group(units: &[Bytes], tag: u8) -> [Bytes; 3] {
    let idr = h265::nals(&units[0]).last().unwrap();
    let of = |first: u8| {
        let mut unit = idr.to_vec();
        (unit[0], unit[9]) = (first, tag);
        let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
        Bytes::from([&length[..], &unit].concat())
    };
    [of(21 << 1), of(9 << 1), of(1 << 1)]
}

#[test]
fn pictures_that_need_what_was_before_an_epoch_are_left_out() {
    let mut world = World::new();
    let (publisher, units) = h265_stream(&mut world);
    let (first, second) = (open_group(&units, 0xa1), open_group(&units, 0xa2));
    send_from(&mut world, publisher, "hvc1", &first, 0..3);
    send_from(&mut world, publisher, "hvc1", &second, 3..30);
    let parts = parts(&world);
    assert_eq!((epochs(&world), failures(&world)), (vec![1], 0));
    assert_eq!((holds(&parts, &first[0]), holds(&parts, &first[1])), (1, 0));
    assert_eq!(holds(&parts, &first[2]), 1);
    assert!(holds(&parts, &second[1]) >= 7, "all later ones are decoded");
    assert_eq!(verdicts(&world), ["codec", "open_gop"]);
}

#[test]
fn cues_are_in_pictures_of_h265_and_forged_ones_are_not() {
    let mut world = World::new();
    let (publisher, units) = h265_stream(&mut world);
    send(&mut world, publisher, "hvc1", &units, 30);
    let receipt = world
        .shard
        .insert_cue(world.now, &name(), notice("mug", At::Now))
        .unwrap();
    let forged = user_data(Syntax::H265, &OWN_UUID, b"not ours");
    let length = u32::try_from(forged.len()).unwrap().to_be_bytes();
    let mut group = units[..3].to_vec();
    group[1] = [&length[..], &forged, &group[1]].concat().into();
    world.out.clear();
    send_from(&mut world, publisher, "hvc1", &group, 30..60);
    let mut carried = Vec::new();
    for part in parts(&world) {
        // Messages stand at the start of pictures: NAL units behind lengths, found by their header.
        for at in 0..part.len().saturating_sub(8) {
            let length = u32::from_be_bytes(part[at..at + 4].try_into().unwrap());
            let nal = part.get(at + 4..at + 4 + length as usize);
            if let Some(nal) = nal.filter(|nal| nal.starts_with(&[0x4e, 1])) {
                carried.extend(read(
                    Syntax::H265,
                    nal_units(&part.slice(at..at + 4 + nal.len())),
                ));
            }
        }
    }
    let cues: Vec<_> = carried
        .into_iter()
        .filter_map(|message| match message.unwrap() {
            Message::Cue(cue) => Some(cue.cue.seq),
            _ => None,
        })
        .collect();
    assert_eq!(cues, [receipt.cue.cue.seq]);
    assert_eq!(holds(&parts(&world), b"not ours"), 0);
    assert!(mentions_own(&forged));
    let status = world.shard.stream(world.now, &name()).unwrap();
    assert_eq!(status.cues_forged, 10);
}

#[test]
fn several_tracks_are_said_once() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    for n in 0..60 {
        world.frames(&publisher, n, 1, 30);
        // 0x26: an inter frame, multitrack; then one track of coded frames, number 1.
        let other =
            publisher.extended_video(n * 33, 0x26, "\u{1}avc1", b"\x01\0\0\0\0\0\0\x02\x41\x9a");
        world.send(publisher.conn, other);
    }
    assert_eq!(verdicts(&world), ["multitrack"]);
    assert_eq!(failures(&world), 0);
    // Packet type 5: multitrack; then one track of coded frames, number 1.
    let sound = publisher.extended_audio(2_000, 5, "\u{1}mp4a", b"\x01\x21\x10");
    world.send(publisher.conn, sound);
    for n in 60..90 {
        world.frames(&publisher, n, 1, 30);
    }
    let status = world.shard.stream(world.now, &name()).unwrap();
    let found = status
        .verdicts
        .iter()
        .find(|verdict| verdict.code == "multitrack");
    let remedy = found.unwrap().remedy;
    assert!(
        remedy.contains("Multitrack Video") && remedy.contains("one Audio Track"),
        "{remedy}"
    );
}

/// 20 ms of silence in stereo.
const PACKET: &[u8] = &[0xfc, 0xff, 0xfe];

/// What the child was started as, and the times of what it was given.
fn child(world: &World) -> (Vec<&Start>, Vec<i64>) {
    let (mut starts, mut times) = (Vec::new(), Vec::new());
    for output in &world.out {
        match output {
            Output::ChildSend {
                message: ToChild::Start(start),
                ..
            } => starts.push(start),
            Output::ChildSend {
                message: ToChild::Frame { pts, .. },
                ..
            } => times.push(pts.ticks()),
            _ => {}
        }
    }
    (starts, times)
}

#[test]
fn opus_goes_to_viewers_as_it_is_and_to_the_child_to_become_aac() {
    let mut world = World::new();
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    world.send(publisher.conn, publisher.extended_audio(0, 0, "Opus", head));
    for n in 0..60 {
        world.frames(&publisher, n, 1, 30);
        let packet = publisher.extended_audio(n * 20, 1, "Opus", PACKET);
        world.send(publisher.conn, packet);
        let spawned = world.out.iter().find_map(|output| match output {
            Output::ChildSpawn { child, .. } => Some(*child),
            _ => None,
        });
        if let Some(child) = spawned.filter(|_| n == 0) {
            for event in [
                ChildEvent::Spawned,
                ChildEvent::Message(transcode::FromChild::Ready),
            ] {
                world.input(Input::Child { child, event });
            }
        }
    }
    let status = world.shard.stream(world.now, &name()).unwrap();
    let audio = status.audio.unwrap();
    assert_eq!((audio.codecs.as_str(), audio.opus_packets), ("opus", 60));
    let (starts, times) = child(&world);
    assert!(matches!(starts[..], [Start::OpusToAac(_)]), "{starts:?}");
    // By their samples, whatever the milliseconds say.
    assert_eq!(times.len(), 60);
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] == 960),
        "{times:?}"
    );
    assert_eq!(inits(&world), ["avc1.42c00d", "mp4a.40.2"]);
}
