//! How long a sound takes from Opus to AAC.

use std::time::{Duration, Instant};

use crate::{
    child::{Transcoder, packet},
    opus::{Opus, USUAL},
    signal,
};

/// As in `latency.rs`: work and hand-over, one packet in at a time. The encoder looks one block ahead, so the
/// n-th packet, which decodes to the block before the n-th, can leave when block n + 1 is there.
#[test]
fn a_packet_comes_a_moment_after_the_frame_that_completes_it() {
    let opus = Opus::encode(USUAL, &signal::tone(48_000, 6.0));
    let line = opus.line(0);
    let mut transcoder = Transcoder::started(opus.start());
    let mut spans = Vec::new();
    let mut packets = 0_i64;
    for (n, unit) in opus.packets.iter().enumerate() {
        let sent = now();
        transcoder.frame(line(n), unit);
        let samples = i64::try_from(n + 1).unwrap() * opus.samples;
        while (packets + 2) * 1024 <= samples {
            let (pts, _) = packet(transcoder.hear().unwrap());
            assert_eq!(pts, (packets - 1) * 1024);
            packets += 1;
            spans.push(sent.elapsed());
        }
    }
    spans.sort_unstable();
    let (median, p99) = (spans[spans.len() / 2], spans[spans.len() * 99 / 100]);
    println!("{} packets, median {median:?}, p99 {p99:?}", spans.len());
    assert!(
        median < Duration::from_millis(20),
        "less than the packet lasts: {median:?}"
    );
}

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn now() -> Instant {
    Instant::now()
}
