//! How long a sound takes through the process.

use std::time::{Duration, Instant};

use crate::{
    child::{Transcoder, packet},
    ffmpeg::{self, Layout, STEREO},
    signal,
};

/// Hands in one access unit at a time and waits for the packets it completes, so that what is measured is
/// work and hand-over, not a queue. What waiting for whole frames adds follows from the numbers: a packet
/// can leave when 20 ms of samples are there, and the samples come 21.3 ms at a time.
#[test]
fn a_packet_comes_a_moment_after_the_frame_that_completes_it() {
    for rate in [48_000, 44_100] {
        let layout = Layout {
            rate,
            channels: STEREO,
        };
        let aac = ffmpeg::aac(layout, &signal::tone(rate, 6.0), |_| true);
        let line = aac.line(0);
        let mut transcoder = Transcoder::ready(&aac);
        let mut spans = Vec::new();
        let mut packets = 0_i64;
        for (n, unit) in aac.units.iter().enumerate() {
            let sent = now();
            transcoder.frame(line(n), unit);
            let samples = i64::try_from(n + 1).unwrap() * 1024 * 48_000 / i64::from(rate);
            // The resampler keeps half of its filter, the encoder nothing: it pads at the front.
            let complete = if rate == 48_000 {
                samples
            } else {
                samples - 64
            };
            while (packets + 1) * 960 <= complete {
                packet(transcoder.hear().unwrap());
                packets += 1;
                spans.push(sent.elapsed());
            }
        }
        spans.sort_unstable();
        let (median, p99) = (spans[spans.len() / 2], spans[spans.len() * 99 / 100]);
        println!(
            "{rate} Hz: {} packets, median {median:?}, p99 {p99:?}",
            spans.len()
        );
        assert!(
            median < Duration::from_millis(20),
            "less than the packet lasts: {median:?}"
        );
    }
}

#[test]
fn it_is_ready_soon() {
    let layout = Layout {
        rate: 48_000,
        channels: STEREO,
    };
    let aac = ffmpeg::aac(layout, &signal::tone(48_000, 0.2), |_| true);
    let asked = now();
    let _transcoder = Transcoder::ready(&aac);
    println!("ready after {:?}", asked.elapsed());
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "the supervisor's patience"
    );
}

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn now() -> Instant {
    Instant::now()
}
