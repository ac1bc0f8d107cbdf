//! Times of the AAC that is made of Opus are the source's times, whatever is lost.

use std::sync::LazyLock;

use bytes::Bytes;
use media::{MediaTime, Timescale};

use crate::{
    adts,
    child::{self, Packet},
    ffmpeg,
    opus::{Layout, Opus, USUAL},
    signal,
};

/// One block before the first: the encoder's priming.
const PRIMING: i64 = 1_024;

/// 3 s of packets of 20 ms.
static SOURCE: LazyLock<Opus> = LazyLock::new(|| Opus::encode(USUAL, &signal::tone(48_000, 3.0)));

fn at_48k(ticks: i64) -> MediaTime {
    MediaTime::new(ticks, Timescale::OPUS)
}

fn index(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

/// Checks that packets are blocks of 1024 samples for two channels; returns where each run begins and how many
/// packets it has.
fn runs(packets: &[Packet]) -> Vec<(i64, usize)> {
    let mut runs: Vec<(i64, usize)> = Vec::new();
    for (pts, payload) in packets {
        assert!(
            matches!(payload[0] >> 5, 1 | 6),
            "ISO/IEC 14496-3 table 4.85: a channel pair, or before it a fill element with FFmpeg's name"
        );
        match runs.last_mut() {
            Some((first, count)) if *pts == *first + index(*count) * 1024 => *count += 1,
            _ => runs.push((*pts, 1)),
        }
    }
    runs
}

/// Packets that so many samples fill, the last completed with silence.
fn filled_by(samples: i64) -> usize {
    usize::try_from(samples + PRIMING).unwrap().div_ceil(1024)
}

fn heard(packets: &[Packet]) -> Vec<f32> {
    signal::left(&ffmpeg::decode_adts(adts::file(packets)))
}

#[test]
fn packets_are_1024_samples_apart_from_the_first_frames_time_on() {
    for milliseconds in ["2.5", "20", "60"] {
        let layout = Layout {
            milliseconds,
            ..USUAL
        };
        let opus = Opus::encode(layout, &signal::tone(48_000, 1.0));
        let packets = opus.transcoded(opus.line(480_000));
        let samples = index(opus.packets.len()) * opus.samples;
        assert_eq!(
            runs(&packets),
            [(480_000 - PRIMING, filled_by(samples))],
            "{milliseconds} ms"
        );
    }
}

#[test]
fn the_server_may_count_in_any_scale() {
    for scale in [Timescale::VIDEO, Timescale::new(1_000_000).unwrap()] {
        let line = SOURCE.line(480_000);
        let packets = SOURCE.transcoded(|n| line(n).rescale_floor(scale));
        assert_eq!(runs(&packets).len(), 1, "rounding is no jump");
        assert_eq!(packets[0].0, 480_000 - PRIMING);
    }
}

#[test]
fn packets_may_change_their_length() {
    let longer = Layout {
        milliseconds: "60",
        ..USUAL
    };
    let longer = Opus::encode(longer, &signal::tone(48_000, 1.0));
    let (mut at, mut units) = (0, Vec::new());
    for opus in [&*SOURCE, &longer, &*SOURCE] {
        for packet in &opus.packets {
            units.push((at_48k(at), packet));
            at += opus.samples;
        }
    }
    let packets = child::transcoded(SOURCE.start(), units);
    assert_eq!(runs(&packets), [(-PRIMING, filled_by(at))]);
}

#[test]
fn a_jump_is_followed_exactly_in_either_direction() {
    // Half an hour later, as after a publisher's pause, 7 samples off any grid; and four seconds back.
    for (first, jump) in [(0, 48_000 * 1_800 + 7), (480_000, -4 * 48_000)] {
        let packets =
            SOURCE.transcoded(|n| at_48k(first + index(n) * 960 + if n < 70 { 0 } else { jump }));
        let tail = index(SOURCE.packets.len() - 70) * 960;
        assert_eq!(
            runs(&packets),
            [
                (first - PRIMING, filled_by(70 * 960)),
                (first + 70 * 960 + jump - PRIMING, filled_by(tail))
            ],
            "the tail of the old run is not lost"
        );
    }
}

#[test]
fn a_lost_packet_keeps_the_grid_and_is_concealed() {
    let line = SOURCE.line(0);
    let packets = SOURCE.transcoded_without(|n| n == 50, &line);
    assert_eq!(runs(&packets), runs(&SOURCE.transcoded(&line)));
    let sound = heard(&packets);
    let lost = 50 * 960 + 1024;
    let concealed = signal::loudness(&sound[lost + 100..lost + 860]);
    assert!(concealed > 0.2, "the tone goes on: {concealed}");
    assert!(signal::loudness(&sound[lost + 1400..lost + 2400]) > 0.3);
}

#[test]
fn what_follows_a_loss_is_where_it_would_have_been() {
    let opus = Opus::encode(USUAL, &signal::burst(48_000, 2.0, 1.3));
    let expected = signal::left(&opus.decoded());
    // Nothing, one packet, five, DTX's 400 ms; and one packet in ten all along.
    let losses: [fn(usize) -> bool; 5] = [
        |_| false,
        |n| n == 40,
        |n| (40..45).contains(&n),
        |n| (30..50).contains(&n),
        |n| n < 60 && n % 10 == 3,
    ];
    for lost in losses {
        let packets = opus.transcoded_without(lost, opus.line(0));
        let samples = index(opus.packets.len()) * 960;
        assert_eq!(runs(&packets), [(-PRIMING, filled_by(samples))]);
        let heard = heard(&packets);
        let lag = signal::lag(&expected[60_000..], &heard[60_000 + 1024..], 240);
        println!("after a loss: lag {lag} samples of 48 kHz");
        assert!(lag.abs() <= 1, "{lag}");
    }
}

#[test]
fn more_than_a_second_missing_is_a_new_run() {
    let packets = SOURCE.transcoded_without(|n| (40..91).contains(&n), SOURCE.line(0));
    let tail = index(SOURCE.packets.len() - 91) * 960;
    assert_eq!(
        runs(&packets),
        [
            (-PRIMING, filled_by(40 * 960)),
            (91 * 960 - PRIMING, filled_by(tail))
        ]
    );
}

#[test]
fn packets_out_of_order_and_twice_do_no_harm() {
    let mut order: Vec<usize> = (0..SOURCE.packets.len()).collect();
    order.swap(50, 51);
    order.insert(71, 70);
    let units = order
        .iter()
        .map(|n| (at_48k(index(*n) * 960), &SOURCE.packets[*n]));
    let packets = child::transcoded(SOURCE.start(), units);
    assert_eq!(runs(&packets), runs(&SOURCE.transcoded(SOURCE.line(0))));
}

#[test]
fn a_packet_that_cannot_be_decoded_counts_as_lost() {
    let noise = Bytes::from_static(&[0xff; 200]);
    let units = SOURCE.packets.iter().enumerate().map(|(n, packet)| {
        let bad = (50..53).contains(&n);
        (at_48k(index(n) * 960), if bad { &noise } else { packet })
    });
    let packets = child::transcoded(SOURCE.start(), units);
    assert_eq!(runs(&packets), runs(&SOURCE.transcoded(SOURCE.line(0))));
}

#[test]
fn after_a_thousand_packets_of_noise_it_still_is_on_time() {
    let mut seed = 0x9e37_79b9_u32;
    let mut byte = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    let noise: Vec<Bytes> = (0..1_000)
        .map(|_| {
            let length = 1 + usize::from(byte()) * 2;
            (0..length).map(|_| byte()).collect()
        })
        .collect();
    let opus = Opus::encode(USUAL, &signal::burst(48_000, 2.0, 1.3));
    let expected = signal::left(&opus.decoded());
    let units = noise.iter().chain(&opus.packets).enumerate();
    let packets = child::transcoded(
        opus.start(),
        units.map(|(n, packet)| (at_48k(index(n) * 960), packet)),
    );
    let runs = runs(&packets);
    let (first, count) = *runs.last().unwrap();
    assert!(first < 1_000 * 960 + 48_000, "{runs:?}");
    let end = (1_000 + index(opus.packets.len())) * 960;
    assert!(
        (end..end + 2 * 1024).contains(&(first + index(count) * 1024)),
        "{runs:?}"
    );
    // From the middle of the real part on, in samples after its beginning.
    let last_run = heard(&packets[packets.len() - count..]);
    let from = usize::try_from(1_000 * 960 + 60_000 - first).unwrap();
    let lag = signal::lag(&expected[60_000..], &last_run[from..], 240);
    assert!(lag.abs() <= 1, "{lag}");
}

#[test]
fn stamps_that_creep_are_followed_without_a_break() {
    // 1 % too fast, as a device's clock can be.
    let packets = SOURCE.transcoded(|n| at_48k(index(n) * 970));
    assert_eq!(runs(&packets).len(), 1, "{:?}", runs(&packets));
    let end = packets.last().unwrap().0 + 1024;
    let stamped = index(SOURCE.packets.len()) * 970;
    assert!(
        (end - stamped).abs() < 1024 + 48 * 5,
        "{end} against {stamped}"
    );
}

#[test]
fn silence_costs_next_to_nothing_and_music_what_was_asked() {
    let bytes = |signal: &[f32]| {
        let opus = Opus::encode(USUAL, signal);
        let packets = opus.transcoded(opus.line(0));
        let second = packets[47..94].iter();
        second.map(|(_, payload)| payload.len()).sum::<usize>()
    };
    let silence = bytes(&[0.0; 3 * 48_000]);
    let music = bytes(&signal::tone(48_000, 3.0));
    println!("{silence} bytes a second of silence, {music} of a tone, at 128 kbit/s");
    assert!(silence < 500, "{silence}");
    assert!((14_000..18_000).contains(&music), "{music}");
}
