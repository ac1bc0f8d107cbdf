//! A WHIP publisher's packets come out in order and as whole pictures; what is lost is asked for
//! again, and what stays lost costs everything up to the next key frame.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

#[path = "support/pictures.rs"]
mod pictures;
#[path = "support/seller.rs"]
mod seller;

use std::{net::SocketAddr, time::Duration};

use pictures::{FRAME, number, picture};
use recordings::ivf;
use seller::{LATENCY, World, refusal};
use sfu::{AccessUnit, ClosedReason, Ingest, Refusal};

/// The parameter sets of the pictures as an offer has them.
const OFFERED_SETS: &str =
    "packetization-mode=1;sprop-parameter-sets=Z0LAHtoDYPebwEQAAAMABAAAAwDKPFi6gA==,aM48gA==";

fn is_rtp(datagram: &[u8]) -> bool {
    datagram[0] >> 6 == 2 && !(192..=223).contains(&datagram[1])
}

fn is_video(datagram: &[u8]) -> bool {
    is_rtp(datagram) && datagram.len() > 500
}

#[test]
fn parameter_sets_may_be_in_the_offer_alone() {
    let mut world = World::connected(|sdp| {
        *sdp = sdp.replace("packetization-mode=1", OFFERED_SETS);
    });
    let bare = |number| picture(number, number % 30 == 0).split_off(usize::from(number % 30 == 0));
    for number in 0..31 {
        for (n, payload) in bare(number).iter().enumerate() {
            world.video(number * 3_000, n == 2, payload);
        }
        world.run(FRAME);
    }
    world.run(LATENCY * 2);
    let units = world.units();
    assert_eq!(units.len(), 31, "from the first on");
    let config = units[0].config.as_ref().unwrap();
    assert_eq!(config.size(), (854, 480));
    assert!(units[30].keyframe && units[30].config.is_none());
    assert!(world.packets()[0].starts_keyframe);
}

#[test]
fn parameter_sets_in_the_offer_that_are_none_do_no_harm() {
    for sets in ["", ",", "!", "AAAA,Zw==", "Z0LAHg=="] {
        let mut world = World::connected(|sdp| {
            let offered = format!("packetization-mode=1;sprop-parameter-sets={sets}");
            *sdp = sdp.replace("packetization-mode=1", &offered);
        });
        world.publish(0..3, 30);
        assert_eq!(world.units().len(), 3, "{sets}: the stream's own");
    }
}

#[test]
fn packets_are_told_as_they_come_and_pictures_when_they_are_whole() {
    let mut world = World::connected(|_| {});
    world.publish(0..60, 30);
    let units = world.units();
    assert_eq!(
        units.iter().map(|unit| number(unit)).collect::<Vec<_>>(),
        (0..60).collect::<Vec<_>>()
    );
    let keys = |unit: &&&AccessUnit| unit.keyframe;
    assert_eq!(units.iter().filter(keys).count(), 2);
    let config = units[0].config.as_ref().unwrap();
    assert_eq!(config.size(), (854, 480));
    assert!(units[30].config.is_none(), "the same sets change nothing");
    assert_eq!(
        units[59].rtp_time - units[0].rtp_time,
        59 * 3_000,
        "and wrap nowhere"
    );
    let packets = world.packets();
    assert_eq!(packets.len(), 60 * 3 + 2);
    let starts = packets.iter().filter(|packet| packet.starts_keyframe);
    assert_eq!(starts.count(), 2);
    assert!(packets[0].starts_keyframe && packets[0].payload[0] == 0x78);
    let sound = world
        .ingest
        .iter()
        .filter(|i| matches!(i, Ingest::Audio { .. }));
    assert_eq!(sound.count(), 60);
    // Each unit follows its own packets and comes before the next one's.
    let mut told = None;
    for ingest in &world.ingest {
        match ingest {
            Ingest::VideoPacket(packet) => {
                assert!(told.is_none_or(|told| packet.rtp_time > told));
            }
            Ingest::VideoUnit(unit) => told = Some(unit.rtp_time),
            Ingest::VideoDamaged => panic!("nothing was lost"),
            Ingest::Audio { .. } | Ingest::Forged { .. } | Ingest::Together { .. } => {}
        }
    }
}

#[test]
fn a_twentieth_of_the_packets_lost_is_repaired() {
    let mut world = World::connected(|_| {});
    world.publish(0..5, 300);
    let mut count = 0;
    world.loses = Box::new(move |datagram| {
        count += usize::from(is_video(datagram));
        is_video(datagram) && count % 20 == 0
    });
    world.publish(5..200, 300);
    world.loses = Box::new(|_| false);
    world.publish(200..220, 300);
    let numbers: Vec<u32> = world.units().iter().map(|unit| number(unit)).collect();
    assert_eq!(numbers, (0..220).collect::<Vec<_>>());
    assert!(!world.ingest.contains(&Ingest::VideoDamaged));
}

#[test]
fn what_stays_lost_costs_the_pictures_up_to_the_next_key_frame_which_is_asked_for() {
    let mut world = World::connected(|_| {});
    world.publish(0..10, 40);
    let before = world.asked;
    world.loses = Box::new(is_video);
    world.publish(10..12, 40);
    // Whatever is sent of them again is lost too.
    let video = world.video_payload_type();
    world.loses = Box::new(move |datagram| is_video(datagram) && datagram[1] & 0x7f != video);
    world.publish(12..60, 40);
    let numbers: Vec<u32> = world.units().iter().map(|unit| number(unit)).collect();
    assert_eq!(numbers[..10], (0..10).collect::<Vec<_>>());
    assert_eq!(numbers[10..], (40..60).collect::<Vec<_>>());
    assert!(world.asked > before, "a key frame is asked for");
    assert!(world.ingest.contains(&Ingest::VideoDamaged));
}

#[test]
fn a_key_frame_without_its_beginning_is_passed_on_by_no_way() {
    // Of its four packets the parameter sets, or the first piece of the slice.
    for missing in [1, 2] {
        let mut world = World::connected(|_| {});
        world.publish(0..30, 30);
        let forwarded = world.packets().len();
        let (video, audio) = (world.video_payload_type(), world.audio_payload_type());
        let mut count = 0;
        world.loses = Box::new(move |datagram| {
            let payload_type = datagram[1] & 0x7f;
            let is_first_try = is_rtp(datagram) && payload_type == video;
            count += usize::from(is_first_try);
            let is_again = is_rtp(datagram) && ![video, audio].contains(&payload_type);
            is_again || is_first_try && count == missing
        });
        world.publish(30..60, 30);
        world.run(Duration::from_secs(1));
        let packets = world.packets();
        // A key frame that may be decodable is known not to be certain at its end only.
        let kept = if missing == 1 { 2 } else { 0 };
        assert_eq!(packets.len() - forwarded, kept, "{missing}");
        assert!(world.ingest.contains(&Ingest::VideoDamaged));
        world.loses = Box::new(|_| false);
        world.publish(60..90, 30);
        let units = world.units();
        let numbers: Vec<u32> = units.iter().map(|unit| number(unit)).collect();
        assert_eq!(numbers, (0..30).chain(60..90).collect::<Vec<_>>());
        assert!(world.packets()[forwarded + kept].starts_keyframe);
    }
}

#[test]
fn a_key_frame_is_asked_for_every_two_seconds_while_none_comes() {
    let mut world = World::connected(|_| {});
    let at_start = world.asked;
    assert!((1..=3).contains(&at_start), "{at_start}");
    world.publish(0..180, 1_000);
    let asked = world.asked - at_start;
    assert!((4..=10).contains(&asked), "{asked} in six seconds");
}

#[test]
fn offers_without_ssrc_lines_and_without_the_mid_extension_are_received_too() {
    let mut world = World::connected(|sdp| {
        let kept = sdp
            .lines()
            .filter(|line| !line.starts_with("a=ssrc") && !line.starts_with("a=extmap"));
        *sdp = kept.map(|line| format!("{line}\r\n")).collect();
    });
    world.publish(0..30, 30);
    assert_eq!(world.units().len(), 30);
}

#[test]
fn offers_that_nothing_can_come_of_are_refused_and_say_why() {
    assert_eq!(refusal(|_| {}), None);
    let recvonly = refusal(|sdp| *sdp = sdp.replace("a=sendonly", "a=recvonly"));
    assert!(matches!(
        recvonly,
        Some(Refusal::Direction {
            wanted: "sendonly",
            ..
        })
    ));
    let theora = refusal(|sdp| *sdp = sdp.replace("/90000", "/90001"));
    assert_eq!(theora, Some(Refusal::NoIngestVideoCodec));
    let pcm = refusal(|sdp| *sdp = sdp.replace(" opus/48000/2", " PCMU/8000"));
    assert_eq!(pcm, Some(Refusal::NoIngestAudioCodec));
    let empty = refusal(|sdp| {
        *sdp = sdp
            .replace("m=video 9", "m=video 0")
            .replace("m=audio 9", "m=audio 0");
    });
    assert_eq!(empty, Some(Refusal::NothingToReceive));
    assert!(matches!(
        refusal(String::clear),
        Some(Refusal::Malformed(_))
    ));
}

#[test]
fn a_publisher_whose_address_changes_is_followed_once_it_has_proved_itself() {
    let mut world = World::connected(|_| {});
    world.publish(0..30, 30);
    world.address = "198.51.100.7:6001".parse().unwrap();
    world.forge(world.address, &[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(world.sfu.counters().addresses, 1, "media proves nothing");
    world.publish(30..330, 30);
    world.run(Duration::from_secs(1));
    assert_eq!(world.closed, None);
    let numbers: Vec<u32> = world.units().iter().map(|unit| number(unit)).collect();
    assert_eq!(numbers[..25], (0..25).collect::<Vec<_>>());
    assert_eq!(numbers.last(), Some(&329));
    let back = numbers.iter().find(|number| **number > 30).unwrap();
    assert!(*back < 30 + 4 * 30, "pictures were away until {back}");
    let asked = world.asked;
    world.publish(330..360, 400);
    world.run(Duration::from_secs(3));
    assert!(world.asked > asked, "and it is reached at its new address");
}

#[test]
fn a_publisher_whose_certificate_does_not_match_gives_nothing_in_either_role() {
    for setup in ["active", "passive"] {
        let mut world = World::tried(|offer| {
            let lines: Vec<String> = offer
                .lines()
                .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
                    Some(digest) => {
                        let other = if digest.starts_with("00") { "11" } else { "00" };
                        format!("a=fingerprint:sha-256 {other}{}\r\n", &digest[2..])
                    }
                    None => format!("{line}\r\n"),
                })
                .collect();
            *offer = lines
                .concat()
                .replace("a=setup:actpass", &format!("a=setup:{setup}"));
        });
        world.publish(0..30, 30);
        world.run(Duration::from_secs(2));
        assert!(!world.connected, "{setup}");
        assert_eq!(world.ingest, [], "{setup}");
        assert!(
            matches!(world.closed, Some(ClosedReason::Failed(_))),
            "{setup}: {:?}",
            world.closed
        );
    }
}

#[test]
fn sequence_numbers_that_jump_cost_pictures_and_not_the_session() {
    let mut world = World::connected(|_| {});
    world.publish(0..30, 30);
    // A jump past 2^15 leaves SRTP's rollover counter behind for good (RFC 3711 section 3.3.1).
    for (round, numbers) in [(1, 10_000), (2, 20_000), (3, 32_000)] {
        world.jump(numbers);
        world.publish(round * 30..round * 30 + 30, 10);
    }
    world.run(Duration::from_secs(1));
    assert_eq!(world.closed, None);
    let last = world.units().last().map(|unit| number(unit));
    assert_eq!(last, Some(119));
}

#[test]
fn what_is_forged_under_a_publishers_address_is_dropped() {
    let mut world = World::connected(|_| {});
    world.publish(0..30, 30);
    let address: SocketAddr = world.address;
    let payload_type = world.video_payload_type();
    // RFC 3550 section 5.1: padding longer than the packet, an extension longer than the packet, fifteen sources that
    // are not there, an unknown payload type, and no packet at all.
    let heads: [&[u8]; 6] = [
        &[0xa0, payload_type, 0, 1],
        &[0x90, payload_type, 0, 2],
        &[0x8f, payload_type, 0, 3],
        &[0x80, 126, 0, 4],
        &[0xbf, payload_type | 0x80, 0xff, 0xff],
        &[0x80],
    ];
    for head in heads {
        for length in [head.len(), 12, 13, 16, 40, 1_200] {
            let mut datagram = vec![0xff; length.max(head.len())];
            datagram[..head.len()].copy_from_slice(head);
            world.forge(address, &datagram);
        }
    }
    world.publish(30..60, 30);
    world.run(Duration::from_secs(1));
    assert_eq!(world.closed, None);
    let numbers: Vec<u32> = world.units().iter().map(|unit| number(unit)).collect();
    assert_eq!(
        numbers,
        (0..60).collect::<Vec<_>>(),
        "not one picture is lost"
    );
}

/// An offer that has only some codecs left.
fn only(codecs: &'static [&'static str]) -> impl FnOnce(&mut String) {
    move |sdp| {
        for name in ["H264", "VP8", "VP9", "AV1"] {
            if !codecs.contains(&name) {
                *sdp = sdp.replace(&format!(" {name}/90000"), " theora/90000");
            }
        }
    }
}

#[test]
fn h264_is_taken_if_it_is_offered_and_else_what_comes_first() {
    for (codecs, taken) in [
        (&["VP8", "VP9", "AV1", "H264"][..], "H264"),
        (&["VP8", "H264"], "H264"),
        (&["VP8"], "VP8"),
        (&["VP9"], "VP9"),
        (&["AV1"], "AV1"),
    ] {
        let answer = seller::answer(only(codecs));
        let maps: Vec<_> = answer
            .lines()
            .filter(|line| line.starts_with("a=rtpmap:") && line.ends_with("/90000"))
            .filter(|line| !line.contains(" rtx/"))
            .collect();
        assert_eq!(maps.len(), 1, "{answer}");
        assert!(
            maps[0].contains(&format!(" {taken}/")),
            "{codecs:?}: {maps:?}"
        );
    }
    // The order of the offer decides among the others, whatever it is.
    let first = seller::answer(|sdp| {
        only(&["VP8", "VP9", "AV1"])(sdp);
        let line = sdp
            .lines()
            .find(|line| line.starts_with("m=video"))
            .unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let reversed: Vec<_> = words[3..].iter().rev().copied().collect();
        let turned = format!("{} {}", words[..3].join(" "), reversed.join(" "));
        *sdp = sdp.replace(line, &turned);
    });
    assert!(
        !first.contains(" VP8/90000") && !first.contains(" H264/"),
        "{first}"
    );
}

#[test]
fn other_codecs_are_repaired_and_made_whole_as_h264_is() {
    let vp8: fn(&[u8]) -> Vec<Vec<u8>> = |frame| {
        let packet =
            |(n, piece): (usize, &[u8])| [&[if n == 0 { 0x10 } else { 0 }], piece].concat();
        frame.chunks(900).enumerate().map(packet).collect()
    };
    let vp9: fn(&[u8]) -> Vec<Vec<u8>> = |frame| {
        let last = frame.len().div_ceil(900) - 1;
        let packet = |(n, piece): (usize, &[u8])| {
            let flags = if n == 0 { 0x08 } else { 0 } | if n == last { 0x04 } else { 0 };
            [&[flags], piece].concat()
        };
        frame.chunks(900).enumerate().map(packet).collect()
    };
    let sources: [(&'static [&'static str], Vec<&[u8]>, _); 2] = [
        (
            &["VP8"],
            ivf(include_bytes!("../../media/tests/data/vp8.ivf")),
            vp8,
        ),
        (
            &["VP9"],
            ivf(include_bytes!("../../media/tests/data/vp9.ivf")),
            vp9,
        ),
    ];
    for (codec, frames, packetise) in sources {
        let mut world = World::connected(only(codec));
        let mut count = 0;
        world.loses = Box::new(move |datagram| {
            count += usize::from(datagram.len() > 800);
            datagram.len() > 800 && count % 4 == 2
        });
        let mut sent = 0;
        for (number, frame) in frames.iter().enumerate() {
            let payloads = packetise(frame);
            sent += payloads.len();
            for (n, payload) in payloads.iter().enumerate() {
                let rtp_time = u32::try_from(number).unwrap() * 3_000;
                world.video(rtp_time, n + 1 == payloads.len(), payload);
            }
            world.run(FRAME);
        }
        world.run(Duration::from_secs(1));
        assert_eq!(world.packets().len(), sent, "{codec:?}");
        let starts = world
            .packets()
            .iter()
            .filter(|it| it.starts_keyframe)
            .count();
        assert_eq!(starts, 2, "{codec:?}");
        let units: Vec<_> = world
            .units()
            .iter()
            .map(|unit| unit.payload.to_vec())
            .collect();
        assert_eq!(units, frames, "{codec:?}");
        assert!(world.asked > 0);
    }
}
