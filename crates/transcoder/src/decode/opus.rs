//! Opus: `opusdec`, always at 48 kHz in stereo, which any packet can be decoded to (RFC 6716 section 2).
//!
//! RTP loses packets, and a sender in DTX leaves them out on purpose. The decoder is asked to conceal what is
//! missing: it goes on with the sound and fades it out, where the aligner's silence would click.

use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::AppSrc;
use media::{MediaTime, Timescale, opus::packet_samples};

use crate::{elements, error::Error};

use crate::elements::clock_time;

/// Knows where the last packet ended, counted at 48 kHz, to see a gap.
#[derive(Debug, Default)]
pub(super) struct Line(Option<i64>);

impl Line {
    pub(super) fn push(
        &mut self,
        source: &AppSrc,
        pts: MediaTime,
        payload: Bytes,
    ) -> Result<(), Error> {
        // The element would keep the time of a packet that its decoder refuses, and give it to the next one.
        let Ok(samples) = packet_samples(&payload) else {
            return Ok(());
        };
        let at = pts.rescale_round(Timescale::OPUS).ticks();
        if let Some(end) = self.0 {
            for (at, samples) in concealed(end, at) {
                // Queued between the packets; what it would not take the aligner fills with silence.
                source.send_event(gap(at, samples)?);
            }
        }
        self.0 = Some(end_after(self.0, at, samples.into()));
        let mut buffer = gst::Buffer::from_slice(payload);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(clock_time(pts)?);
        }
        // It can only refuse when the pipeline has failed, which the bus has told.
        let _ = source.push_buffer(buffer);
        Ok(())
    }
}

pub(super) fn decoder() -> Result<gst::Element, Error> {
    let decoder = elements::make("opusdec")?;
    decoder.set_property("plc", true);
    Ok(decoder)
}

pub(super) fn caps() -> gst::Caps {
    gst::Caps::builder("audio/x-opus")
        .field("channel-mapping-family", 0)
        .field("channels", 2)
        .field("rate", 48_000)
        .build()
}

/// What to conceal between the end of one packet and the beginning of the next: times and lengths.
fn concealed(end: i64, next: i64) -> impl Iterator<Item = (i64, i64)> {
    let gap = next.saturating_sub(end);
    let gap = if (GAP_MIN..=GAP_MAX).contains(&gap) {
        gap - gap % STEP
    } else {
        0
    };
    (0..gap)
        .step_by(usize::try_from(PIECE_MAX).expect("120 ms"))
        .map(move |done| (end + done, (gap - done).min(PIECE_MAX)))
}

/// Where the line ends after a packet: one that comes late, whose place has been concealed, takes nothing back.
fn end_after(end: Option<i64>, at: i64, samples: i64) -> i64 {
    let own = at.saturating_add(samples);
    match end {
        Some(end) if (0..=LATE_MAX).contains(&end.saturating_sub(at)) => end.max(own),
        _ => own,
    }
}

fn gap(at: i64, samples: i64) -> Result<gst::Event, Error> {
    let begin = clock_time(MediaTime::new(at, Timescale::OPUS))?;
    // A multiple of 2.5 ms, so exact.
    let length = clock_time(MediaTime::new(samples, Timescale::OPUS))?;
    Ok(gst::event::Gap::new(begin, length))
}

/// Less than 5 ms is drift, which the aligner stretches away.
const GAP_MIN: i64 = 240;
/// One second. libopus's DTX sends a packet every 400 ms, one of which can be lost.
const GAP_MAX: i64 = 48_000;
/// Later than 100 ms is another place altogether, to the aligner too.
const LATE_MAX: i64 = 4_800;
/// 2.5 ms, Opus's shortest frame; the aligner stretches the rest away.
const STEP: i64 = 120;
/// 120 ms, the longest that libopus decodes, and so conceals, at once.
const PIECE_MAX: i64 = 5_760;

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(end: i64, next: i64) -> Vec<(i64, i64)> {
        concealed(end, next).collect()
    }

    #[test]
    fn a_lost_packet_is_concealed_whole() {
        assert_eq!(pieces(9_600, 10_560), [(9_600, 960)]);
        assert_eq!(pieces(-960, 0), [(-960, 960)]);
    }

    #[test]
    fn a_silence_of_dtx_is_concealed_in_pieces() {
        let expected = [(0, 5_760), (5_760, 5_760), (11_520, 5_760), (17_280, 960)];
        assert_eq!(pieces(0, 18_240), expected);
        let all: i64 = pieces(7, 48_007).iter().map(|(_, samples)| samples).sum();
        assert_eq!(all, 48_000);
    }

    #[test]
    fn what_is_no_gap_is_left_to_the_aligner() {
        for (end, next) in [
            (0, 0),
            (0, 239),
            (0, -960),
            (0, 48_001),
            (i64::MIN, i64::MAX),
            (i64::MAX, i64::MIN),
        ] {
            assert_eq!(pieces(end, next), [], "{end} to {next}");
        }
    }

    #[test]
    fn a_late_packet_moves_the_end_only_when_it_is_a_jump() {
        assert_eq!(end_after(None, 960, 960), 1_920);
        assert_eq!(end_after(Some(960), 960, 960), 1_920);
        assert_eq!(end_after(Some(4_800), 960, 960), 4_800);
        assert_eq!(end_after(Some(1_000), 960, 960), 1_920);
        assert_eq!(end_after(Some(48_000), 960, 960), 1_920);
        assert_eq!(end_after(Some(i64::MIN), i64::MAX, 960), i64::MAX);
    }

    #[test]
    fn only_whole_steps_are_concealed() {
        assert_eq!(pieces(0, 1_079), [(0, 960)]);
        assert_eq!(pieces(0, 1_080), [(0, 1_080)]);
    }
}
