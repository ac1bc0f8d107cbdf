//! How fast and in which order a viewer who comes late is sent the past.
//!
//! Seconds of video sent at once overflow somebody's buffer: a socket of the default size holds
//! ninety such packets, a viewer's retransmission history 256. So the past goes in runs, a few
//! milliseconds apart, out of the cache; what is live waits there too until the viewer has reached
//! it.
//!
//! libwebrtc (Chromium, Safari, Firefox) learns from every frame how its time stamp relates to its
//! time of arrival, and plays by that line. Seconds of old frames that arrive in one instant bend
//! the line for half a minute: frames play as soon as they come, whatever delay would keep them in
//! step with the sound.
//!
//! Frames of which a packet had to be asked for again are left out of that line. So the last packet
//! of a run goes first: the viewer finds the others missing, asks for them, and has them before its
//! request is gone. The request itself is not answered ([`quiet`]).
//!
//! Chromium 156 by its own `estimatedPlayoutTimestamp`, joining two to three seconds after an IDR,
//! in the first fifteen seconds: picture 46 to 59 ms before sound in plain order (180 to 340 ms on a
//! busy machine with a longer past), 35 ms and falling to 10 in this one.

use std::time::Duration;

use crate::RenditionPacket;

/// The run that `rest` begins with. It ends within a frame of several packets if there is one in
/// reach, since the packet that goes first is never asked for; at such a frame's end if it can, so
/// that a group left for the next one leaves no half frame behind.
pub(crate) fn next_run(rest: &[RenditionPacket]) -> &[RenditionPacket] {
    if rest.len() <= RUN_MAX {
        return rest;
    }
    let is_of_several = |n: &usize| rest[n - 1].pts == rest[n - 2].pts;
    let ends_one = |n: &usize| is_of_several(n) && rest[n - 1].marker;
    let mut lengths = (RUN_MIN..=RUN_MAX).rev();
    let length = lengths
        .clone()
        .find(ends_one)
        .or_else(|| lengths.find(is_of_several));
    &rest[..length.unwrap_or(RUN_MAX)]
}

/// A run in sending order: its last packet first. A run that begins with an IDR keeps that packet
/// first: a viewer asks for nothing before the first it has seen.
pub(crate) fn order(run: &[RenditionPacket]) -> impl Iterator<Item = &RenditionPacket> {
    let starts = run.first().is_some_and(|first| first.starts_keyframe);
    let (first, rest) = run.split_at(usize::from(starts));
    let (others, last) = rest.split_at(rest.len().saturating_sub(1));
    first.iter().chain(last).chain(others)
}

/// How long after a run a viewer's reports are not listened to: those that ask for what is on its
/// way come within a round trip, of which a handshake takes two or more. No longer than needed: a
/// request for what was really lost is made only five to ten times.
pub(crate) fn quiet(handshake: Duration) -> Duration {
    (handshake / 2).clamp(QUIET_MIN, QUIET_MAX)
}

/// A third of what a socket with the system's default buffer holds.
const RUN_MAX: usize = 32;
const RUN_MIN: usize = 16;
/// Between runs: 6400 packets a second, about 60 Mbit/s.
pub(crate) const INTERVAL: Duration = Duration::from_millis(5);
const QUIET_MIN: Duration = Duration::from_millis(30);
const QUIET_MAX: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use media::Pts;

    use super::*;

    /// Frames of so many packets each.
    fn frames(sizes: impl IntoIterator<Item = usize>) -> Vec<RenditionPacket> {
        let mut packets = Vec::new();
        for (frame, size) in sizes.into_iter().enumerate() {
            for n in 0..size {
                packets.push(RenditionPacket {
                    index: packets.len().try_into().unwrap(),
                    pts: Pts(frame.try_into().unwrap()),
                    rtp_time: 0,
                    marker: n + 1 == size,
                    starts_keyframe: packets.is_empty(),
                    payload: [].into(),
                });
            }
        }
        packets
    }

    /// All of `packets` as they are sent.
    fn sent(mut packets: &[RenditionPacket]) -> Vec<&RenditionPacket> {
        let mut sent = Vec::new();
        while !packets.is_empty() {
            let run = next_run(packets);
            assert!((1..=RUN_MAX).contains(&run.len()));
            sent.extend(order(run));
            packets = &packets[run.len()..];
        }
        sent
    }

    fn indices(packets: &[RenditionPacket]) -> Vec<u64> {
        sent(packets).iter().map(|packet| packet.index).collect()
    }

    #[test]
    fn every_packet_goes_once_and_of_each_run_the_last_goes_first() {
        for count in 0..400 {
            let order = indices(&frames(std::iter::repeat_n(5, count)));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(
                sorted,
                (0..5 * u64::try_from(count).unwrap()).collect::<Vec<_>>()
            );
            assert!(order.first().is_none_or(|first| *first == 0));
        }
        assert_eq!(indices(&frames([6])), [0, 5, 1, 2, 3, 4]);
        assert_eq!(indices(&frames([1])), [0]);
    }

    #[test]
    fn no_packet_is_far_out_of_order() {
        let order = indices(&frames(std::iter::repeat_n(7, 1_000)));
        let mut newest = 0;
        for index in order {
            assert!(index <= newest + 32, "{index} after {newest}");
            newest = newest.max(index);
        }
    }

    #[test]
    fn every_frame_but_the_last_has_a_packet_that_was_missed() {
        // Two packets a frame now and then, as at a low bit rate; and many, as at a high one.
        for sizes in [[1, 1, 1, 2], [2, 1, 3, 1], [9, 4, 1, 30]] {
            // The first is an IDR: parameter sets and slices.
            let packets = frames([3].into_iter().chain(sizes.into_iter().cycle()).take(300));
            let mut newest = 0;
            let mut missed = vec![false; 300];
            for packet in sent(&packets) {
                let frame = usize::try_from(packet.pts.0).unwrap();
                missed[frame] |= packet.index < newest;
                newest = newest.max(packet.index);
            }
            let count = missed[..299].iter().filter(|missed| !**missed).count();
            assert_eq!(count, 0, "{sizes:?}");
        }
    }

    #[test]
    fn the_quiet_is_a_round_trip_within_bounds() {
        let ms = Duration::from_millis;
        assert_eq!(
            (quiet(ms(3)), quiet(ms(250)), quiet(ms(9_000))),
            (ms(30), ms(125), ms(300))
        );
    }
}
