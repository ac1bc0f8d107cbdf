//! A sound plays where FFmpeg's decoder has it, whatever the source is like.

use crate::{
    child::Packet,
    ffmpeg::{self, Aac, Layout, MONO, STEREO, SURROUND},
    ogg, signal,
};

/// Ten seconds, the stream timeline's beginning.
const FIRST_SECONDS: i64 = 10;

/// The brief's limit, in samples at 48 kHz.
const ONSET_OFF_MAX: i64 = 2 * 48;

#[test]
fn an_onset_is_where_ffmpegs_decoder_has_it() {
    for rate in [48_000, 44_100, 32_000, 24_000, 96_000] {
        for channels in [MONO, STEREO, SURROUND] {
            check(Layout { rate, channels }, |_| true);
        }
    }
}

#[test]
fn the_rarer_layouts_are_heard_too() {
    for channels in [
        ("2.1", 3),
        ("3.0", 3),
        ("4.0", 4),
        ("quad", 4),
        ("5.0", 5),
        ("7.1", 8),
    ] {
        check(
            Layout {
                rate: 48_000,
                channels,
            },
            |_| true,
        );
    }
}

#[test]
fn the_centre_of_surround_is_heard_on_both_sides() {
    let aac = check(
        Layout {
            rate: 48_000,
            channels: SURROUND,
        },
        |channel| channel == CENTRE,
    );
    let sound = decoded(&aac.transcoded(aac.line(0)));
    let (left, right) = (signal::left(&sound), signal::right(&sound));
    let (left, right) = (signal::loudness(&left), signal::loudness(&right));
    assert!((left / right - 1.0).abs() < 0.05, "{left} {right}");
}

#[test]
fn the_left_of_surround_stays_left() {
    let layout = Layout {
        rate: 44_100,
        channels: SURROUND,
    };
    let sound = signal::burst(layout.rate, 1.0, 0.4);
    let aac = ffmpeg::aac(layout, &sound, |channel| channel == LEFT_BACK);
    let sound = decoded(&aac.transcoded(aac.line(0)));
    let (left, right) = (signal::left(&sound), signal::right(&sound));
    assert!(signal::loudness(&left) > 10.0 * signal::loudness(&right));
}

#[test]
fn mono_is_as_loud_on_either_side_as_it_was() {
    let layout = Layout {
        rate: 48_000,
        channels: MONO,
    };
    let aac = ffmpeg::aac(layout, &signal::tone(layout.rate, 1.0), |_| true);
    let sound = decoded(&aac.transcoded(aac.line(0)));
    for side in [signal::left(&sound), signal::right(&sound)] {
        let loudness = signal::loudness(&side[9_600..38_400]);
        assert!((loudness - 0.5 / 2.0_f64.sqrt()).abs() < 0.01, "{loudness}");
    }
}

/// Transcodes a burst and compares where it begins; prints what a document may quote.
fn check(layout: Layout, sounds: impl Fn(u8) -> bool) -> Aac {
    let aac = ffmpeg::aac(layout, &signal::burst(layout.rate, 1.5, 0.6), sounds);
    let expected = signal::left(&ffmpeg::decode_aac(&aac));

    let packets = aac.transcoded(aac.line(FIRST_SECONDS * i64::from(layout.rate)));
    let heard = signal::left(&decoded(&packets));
    // The line's zero, in samples of what was heard.
    let zero = FIRST_SECONDS * 48_000 - packets[0].0;

    let at = i64::try_from(signal::onset(&expected)).unwrap();
    let onset_off = i64::try_from(signal::onset(&heard)).unwrap() - zero - at;
    let heard = &heard[usize::try_from(zero).unwrap()..];
    let lag = signal::lag(&expected, heard, 240);
    println!("{layout:?}: onset off by {onset_off} samples, lag {lag} samples of 48 kHz");
    assert!(
        onset_off.abs() <= ONSET_OFF_MAX,
        "{layout:?}: onset off by {onset_off} samples"
    );
    assert!(lag.abs() <= 1, "{layout:?}: lags by {lag} samples");
    aac
}

fn decoded(packets: &[Packet]) -> Vec<[f32; 2]> {
    let sound = ffmpeg::decode_ogg(ogg::file(packets));
    assert_eq!(sound.len(), packets.len() * 960, "nothing is trimmed");
    sound
}

/// FFmpeg's order of 5.1: FL FR FC LFE BL BR.
const CENTRE: u8 = 2;
const LEFT_BACK: u8 = 4;
