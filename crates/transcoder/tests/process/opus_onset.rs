//! A sound of an Opus source plays where FFmpeg's decoder has it, after it has become AAC.

use crate::{
    adts,
    child::Packet,
    ffmpeg,
    opus::{Layout, Opus, USUAL},
    signal,
};

/// Ten seconds, the stream timeline's beginning.
const FIRST: i64 = 10 * 48_000;

/// One millisecond, in samples at 48 kHz.
const OFF_MAX: i64 = 48;

#[test]
fn an_onset_is_where_ffmpegs_decoder_has_it_whatever_the_packets_last() {
    for milliseconds in ["2.5", "5", "10", "20", "40", "60"] {
        for channels in [1, 2] {
            check(Layout {
                channels,
                milliseconds,
                ..USUAL
            });
        }
    }
}

#[test]
fn speech_at_a_low_rate_is_on_time_too() {
    for milliseconds in ["10", "20", "40", "60"] {
        check(Layout {
            channels: 1,
            milliseconds,
            application: "voip",
            bitrate: "16k",
        });
    }
}

#[test]
fn mono_is_as_loud_on_either_side_as_it_was() {
    let mono = Layout {
        channels: 1,
        ..USUAL
    };
    let opus = Opus::encode(mono, &signal::tone(48_000, 1.0));
    let sound = decoded(&opus.transcoded(opus.line(0)));
    for side in [signal::left(&sound), signal::right(&sound)] {
        let loudness = signal::loudness(&side[9_600..38_400]);
        assert!((loudness - 0.5 / 2.0_f64.sqrt()).abs() < 0.01, "{loudness}");
    }
}

/// Transcodes a burst and compares where it begins; prints what a document may quote.
fn check(layout: Layout) {
    let opus = Opus::encode(layout, &signal::burst(48_000, 1.5, 0.6));
    let expected = signal::left(&opus.decoded());

    let packets = opus.transcoded(opus.line(FIRST));
    let heard = signal::left(&decoded(&packets));
    // The line's zero, in samples of what was heard: what the encoder is said to put before the first.
    let zero = FIRST - packets[0].0;

    let at = i64::try_from(signal::onset(&expected)).unwrap();
    let onset_off = i64::try_from(signal::onset(&heard)).unwrap() - zero - at;
    let heard = &heard[usize::try_from(zero).unwrap()..];
    let lag = signal::lag(&expected, heard, 240);
    println!(
        "{layout:?}: onset off by {onset_off} samples, lag {lag} samples of 48 kHz, so priming {}",
        zero + i64::from(lag)
    );
    assert!(
        onset_off.abs() <= OFF_MAX,
        "{layout:?}: onset off by {onset_off} samples"
    );
    assert!(lag.abs() <= 1, "{layout:?}: lags by {lag} samples");
}

fn decoded(packets: &[Packet]) -> Vec<[f32; 2]> {
    let sound = ffmpeg::decode_adts(adts::file(packets));
    assert_eq!(sound.len(), packets.len() * 1024, "nothing is trimmed");
    sound
}
