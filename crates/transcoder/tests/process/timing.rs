//! Packet times are the source's times.

use std::sync::LazyLock;

use bytes::Bytes;
use media::{MediaTime, Timescale};

use crate::{
    child::{Packet, Transcoder},
    ffmpeg::{self, Aac, Layout, MONO, STEREO},
    ogg, signal,
};

/// Opus's look-ahead in its low-delay mode: 2.5 ms.
const LOOK_AHEAD: i64 = 120;

static SOURCE: LazyLock<Aac> = LazyLock::new(|| tone(48_000));

fn tone(rate: u32) -> Aac {
    let layout = Layout {
        rate,
        channels: STEREO,
    };
    ffmpeg::aac(layout, &signal::tone(rate, 3.0), |_| true)
}

fn at_48k(ticks: i64) -> MediaTime {
    MediaTime::new(ticks, Timescale::OPUS)
}

fn index(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

/// Checks 20 ms steps; returns where each run begins and how many packets it has.
fn runs(packets: &[Packet]) -> Vec<(i64, usize)> {
    let mut runs: Vec<(i64, usize)> = Vec::new();
    for (pts, payload) in packets {
        assert_eq!(
            payload[0] & 0x07,
            0x04,
            "RFC 6716 section 3.1: stereo, one frame"
        );
        assert!(
            (28..=31).contains(&(payload[0] >> 3)),
            "table 2: CELT, fullband"
        );
        match runs.last_mut() {
            Some((first, count)) if *pts == *first + index(*count) * 960 => *count += 1,
            _ => runs.push((*pts, 1)),
        }
    }
    runs
}

#[test]
fn packets_are_twenty_milliseconds_apart_from_the_first_frames_time_on() {
    for rate in [48_000, 44_100] {
        let aac = tone(rate);
        let first = 10 * i64::from(rate);
        let packets = aac.transcoded(aac.line(first));
        let samples = index(aac.units.len()) * 1024 * 48_000 / i64::from(rate);
        let expected = usize::try_from((samples + LOOK_AHEAD + 959) / 960).unwrap();
        assert_eq!(
            runs(&packets),
            [(480_000 - LOOK_AHEAD, expected)],
            "{rate} Hz"
        );
    }
}

#[test]
fn the_server_may_count_in_any_scale() {
    let aac = tone(44_100);
    for scale in [Timescale::VIDEO, Timescale::new(1_000_000).unwrap()] {
        let line = aac.line(441_000);
        let packets = aac.transcoded(|n| line(n).rescale_floor(scale));
        assert_eq!(runs(&packets).len(), 1, "rounding is no jump");
        assert_eq!(packets[0].0, 480_000 - LOOK_AHEAD);
    }
}

#[test]
fn a_decoder_that_yields_twice_the_stamped_rate_is_counted_at_that_rate() {
    // HE-AAC, of which FFmpeg has no encoder: low complexity units of 24 kHz under a configuration that
    // announces SBR to 48 kHz (ISO/IEC 14496-3 table 1.15: 5, 24 kHz, stereo, 48 kHz, 2).
    let mut aac = tone(24_000);
    aac.asc = Bytes::from_static(&[0x2b, 0x11, 0x88, 0x00]);
    let packets = aac.transcoded(aac.line(240_000));
    let samples = aac.units.len() * 2048;
    assert_eq!(
        runs(&packets),
        [(480_000 - LOOK_AHEAD, (samples + 120).div_ceil(960))]
    );
    let sound = signal::left(&ffmpeg::decode_ogg(ogg::file(&packets)));
    assert!(signal::loudness(&sound[48_000..96_000]) > 0.3);
}

#[test]
fn a_jump_forward_is_followed_exactly() {
    // Half an hour later, as after a publisher's pause; 7 samples off any grid.
    let jump = 48_000 * 1_800 + 7;
    let packets = SOURCE.transcoded(|n| at_48k(index(n) * 1024 + if n < 70 { 0 } else { jump }));
    let runs = runs(&packets);
    let [(first, count), (second, _)] = runs[..] else {
        panic!("{runs:?}")
    };
    assert_eq!(first, -LOOK_AHEAD);
    assert_eq!(
        count,
        (70_usize * 1024 + 120).div_ceil(960),
        "the tail of the old run is not lost"
    );
    assert_eq!(second, 70 * 1024 + jump - LOOK_AHEAD);
}

#[test]
fn a_jump_backward_is_followed_exactly() {
    let packets = SOURCE.transcoded(|n| at_48k(if n < 70 { 960_000 } else { 0 } + index(n) * 1024));
    let runs = runs(&packets);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1].0, 70 * 1024 - LOOK_AHEAD);
}

#[test]
fn after_a_jump_a_sound_is_where_it_should_be() {
    let layout = Layout {
        rate: 44_100,
        channels: MONO,
    };
    let aac = ffmpeg::aac(layout, &signal::burst(layout.rate, 2.0, 1.3), |_| true);
    let expected = signal::left(&ffmpeg::decode_aac(&aac));
    // The jump comes before the burst: 40 access units are 0.93 s.
    let jump = 44_100 * 5 + 1;
    let line = aac.line(0);
    let packets = aac.transcoded(|n| line(n).offset(if n < 40 { 0 } else { jump }));
    let second = packets
        .iter()
        .position(|(pts, _)| *pts > 5 * 48_000)
        .unwrap();
    let heard = signal::left(&ffmpeg::decode_ogg(ogg::file(&packets[second..])));

    let rate = i64::from(layout.rate);
    let jumped = (jump * 48_000 + rate / 2) / rate;
    let onset = packets[second].0 + index(signal::onset(&heard)) - jumped;
    let off = onset - index(signal::onset(&expected));
    println!("onset after a jump: off by {off} samples of 48 kHz");
    assert!(off.abs() <= 96, "{off}");
}

#[test]
fn a_lost_frame_keeps_the_grid_and_costs_only_itself() {
    let packets = lossy(|n| n != 50);
    let whole = SOURCE.transcoded(SOURCE.line(0));
    assert_eq!(runs(&packets), runs(&whole));
    let sound = signal::left(&ffmpeg::decode_ogg(ogg::file(&packets)));
    let lost = 50 * 1024 + 120;
    assert!(signal::loudness(&sound[lost + 300..lost + 700]) < 0.02);
    assert!(signal::loudness(&sound[lost + 1400..lost + 2400]) > 0.3);
}

#[test]
fn a_frame_that_cannot_be_decoded_counts_as_lost() {
    let mut transcoder = Transcoder::ready(&SOURCE);
    let noise = Bytes::from_static(&[0xff; 200]);
    for (n, unit) in SOURCE.units.iter().enumerate() {
        let unit = if (50..53).contains(&n) { &noise } else { unit };
        transcoder.frame(at_48k(index(n) * 1024), unit);
    }
    transcoder.close_input();
    let packets = transcoder.packets();
    assert!(transcoder.exit().success());
    assert_eq!(runs(&packets), runs(&SOURCE.transcoded(SOURCE.line(0))));
}

#[test]
fn after_a_thousand_frames_of_noise_it_still_works() {
    let mut transcoder = Transcoder::ready(&SOURCE);
    let mut seed = 0x9e37_79b9_u32;
    let mut byte = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    for n in 0..1_000 {
        let length = 1 + usize::from(byte()) * 3;
        // Half of them begin like a real one, so that the decoder gets further than the first byte.
        let mut noise = SOURCE.units[usize::from(byte()) % SOURCE.units.len()].to_vec();
        let kept = if byte() < 128 { 0 } else { noise.len() / 2 };
        noise.truncate(kept);
        noise.extend((0..length).map(|_| byte()));
        transcoder.frame(at_48k(n * 1024), &noise.into());
    }
    for (n, unit) in SOURCE.units.iter().enumerate() {
        transcoder.frame(at_48k((1_000 + index(n)) * 1024), unit);
    }
    transcoder.close_input();
    let packets = transcoder.packets();
    assert!(transcoder.exit().success());
    let end = (1_000 + index(SOURCE.units.len())) * 1024;
    let last = packets.last().unwrap().0;
    assert!(
        (end - 960 - LOOK_AHEAD..end).contains(&last),
        "{last} of {end}"
    );
}

#[test]
fn silence_costs_next_to_nothing_and_music_what_was_asked() {
    let layout = Layout {
        rate: 44_100,
        channels: STEREO,
    };
    let bytes = |signal: &[f32]| {
        let aac = ffmpeg::aac(layout, signal, |_| true);
        let packets = aac.transcoded(aac.line(0));
        let second = packets[50..100].iter();
        second.map(|(_, payload)| payload.len()).sum::<usize>()
    };
    assert!(bytes(&[0.0; 3 * 44_100]) < 500);
    let music = bytes(&signal::tone(44_100, 3.0));
    assert!(
        (11_000..14_000).contains(&music),
        "{music} bytes a second at 96 kbit/s"
    );
}

#[test]
fn stamps_that_creep_are_followed_without_a_break() {
    // 44.1 kHz stamped in whole 23 ms: 1 % too fast, as some encoders do.
    let aac = tone(44_100);
    let milliseconds = Timescale::new(1_000).unwrap();
    let packets = aac.transcoded(|n| MediaTime::new(index(n) * 23, milliseconds));
    assert_eq!(runs(&packets).len(), 1, "{:?}", runs(&packets));
    let end = packets.last().unwrap().0 + 960;
    let stamped = index(aac.units.len()) * 23 * 48;
    assert!(
        (end - stamped).abs() < 960 + 48 * 5,
        "{end} against {stamped}"
    );
}

fn lossy(kept: impl Fn(usize) -> bool) -> Vec<Packet> {
    let mut transcoder = Transcoder::ready(&SOURCE);
    for (n, unit) in SOURCE.units.iter().enumerate().filter(|(n, _)| kept(*n)) {
        transcoder.frame(at_48k(index(n) * 1024), unit);
    }
    transcoder.close_input();
    let packets = transcoder.packets();
    assert!(transcoder.exit().success());
    packets
}
