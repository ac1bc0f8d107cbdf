//! What encoders send, what networks do to it, and what nobody should send.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use media::{
    VideoConfig,
    h264::{self, NAL_IDR, NAL_PPS, NAL_SLICE, nal_type, nals},
};
use proptest::prelude::*;

use bytes::Bytes;

use super::*;
use crate::{
    h264::{ACCESS_UNIT_MAX, NALS_MAX, Packetiser},
    ingest::{Popped, Reorder},
};

/// x264, baseline, 854x480.
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xca, 0x3c, 0x58, 0xba, 0x80,
];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
/// x264, high, 320x180.
const SPS_HIGH: &[u8] = &[
    0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00,
    0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x60,
];
const PPS_HIGH: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
const SEI: &[u8] = &[0x06, 5, 1, 0xaa, 0x80];
const IDR: &[u8] = &[0x65, 0x88, 0x84, 1, 2, 3];
const P: &[u8] = &[0x41, 0x9a, 0x24, 4, 5, 6];
/// A picture's second slice: `first_mb_in_slice` is 1.
const P_REST: &[u8] = &[0x41, 0x4d, 7, 8];

/// Feeds packets that come in order; a step is a frame's time.
struct Feed {
    depacketiser: Depacketiser,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            depacketiser: Depacketiser::new(RtpCodec::H264),
        }
    }
}

impl Feed {
    fn push(&mut self, step: i64, payload: &[u8], marker: bool, after_gap: bool) -> Vec<Output> {
        self.depacketiser.push(Packet {
            payload,
            rtp_time: step * 3000,
            marker,
            after_gap,
        });
        std::iter::from_fn(|| self.depacketiser.poll_output()).collect()
    }

    /// A whole frame, each payload a packet, the last one marked.
    fn frame(&mut self, step: i64, payloads: &[&[u8]]) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (n, payload) in payloads.iter().enumerate() {
            outputs.extend(self.push(step, payload, n + 1 == payloads.len(), false));
        }
        outputs
    }

    /// One that has given a key frame at step 0.
    fn started() -> Self {
        let mut feed = Self::default();
        let outputs = feed.frame(0, &[SPS, PPS, IDR]);
        assert_eq!(outputs, [given(0, Some((SPS, PPS)), &[IDR])]);
        feed
    }
}

fn canonical(nals: &[&[u8]]) -> Bytes {
    let mut unit = Vec::new();
    for nal in nals {
        unit.extend_from_slice(&u32::try_from(nal.len()).unwrap().to_be_bytes());
        unit.extend_from_slice(nal);
    }
    Bytes::from(unit)
}

fn config(sps: &[u8], pps: &[u8]) -> VideoConfig {
    let set = |nal| vec![Bytes::copy_from_slice(nal)];
    h264::configure(set(sps), set(pps)).unwrap().into()
}

/// The unit of a step; a key frame if it holds an IDR slice.
fn given(step: i64, sets: Option<(&[u8], &[u8])>, nals: &[&[u8]]) -> Output {
    Output::Unit(AccessUnit {
        rtp_time: step * 3000,
        keyframe: nals.iter().any(|nal| nal_type(nal) == NAL_IDR),
        config: sets.map(|(sps, pps)| config(sps, pps)),
        payload: canonical(nals),
    })
}

fn damaged(step: i64, fault: Fault) -> Output {
    let rtp_time = step * 3000;
    Output::Damaged { rtp_time, fault }
}

fn withheld(step: i64) -> Output {
    let rtp_time = step * 3000;
    Output::Withheld { rtp_time }
}

fn stap(nals: &[&[u8]]) -> Vec<u8> {
    let mut payload = vec![0x78];
    for nal in nals {
        payload.extend_from_slice(&u16::try_from(nal.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(nal);
    }
    payload
}

/// `nal` in pieces of `size`.
fn fragments(nal: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, body) = nal.split_first().unwrap();
    let count = body.len().div_ceil(size);
    let piece = |(n, piece): (usize, &[u8])| {
        let start = if n == 0 { 0x80 } else { 0 };
        let end = if n + 1 == count { 0x40 } else { 0 };
        let flags = start | end | (header & 0x1f);
        [&[(header & 0xe0) | 28, flags], piece].concat()
    };
    body.chunks(size).enumerate().map(piece).collect()
}

#[test]
fn single_units_aggregates_and_fragments_make_the_same_unit() {
    let pieces = fragments(IDR, 2);
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let (sets, all) = (stap(&[SPS, PPS]), stap(&[SPS, PPS, SEI, IDR]));
    for payloads in [
        vec![SPS, PPS, SEI, IDR],
        vec![&[0x09, 0x10], SPS, PPS, SEI, IDR, &[0x0c, 0xff, 0x80]],
        vec![&sets, SEI, IDR],
        vec![&all],
        [vec![SPS, PPS, SEI], pieces].concat(),
    ] {
        let mut feed = Feed::default();
        let outputs = feed.frame(0, &payloads);
        assert_eq!(outputs, [given(0, Some((SPS, PPS)), &[SEI, IDR])]);
        assert_eq!(
            feed.frame(1, &[P, P_REST]),
            [given(1, None, &[P, P_REST])],
            "and what follows"
        );
    }
}

#[test]
fn the_next_time_ends_a_unit_whose_marker_was_not_set() {
    let mut feed = Feed::default();
    assert_eq!(feed.push(0, SPS, false, false), []);
    assert_eq!(feed.push(0, PPS, false, false), []);
    assert_eq!(feed.push(0, IDR, false, false), []);
    let first = given(0, Some((SPS, PPS)), &[IDR]);
    assert_eq!(feed.push(1, P, false, false), [first]);
    let (second, third) = (given(1, None, &[P]), given(2, None, &[P]));
    assert_eq!(feed.push(2, P, true, false), [second, third]);
    // A marker on padding counts as well.
    assert_eq!(feed.push(3, P, false, false), []);
    assert_eq!(feed.push(3, &[], true, false), [given(3, None, &[P])]);
    assert_eq!(feed.push(4, &[], true, false), []);
}

#[test]
fn sets_that_are_repeated_are_no_change_and_others_are() {
    let mut feed = Feed::started();
    assert_eq!(feed.frame(1, &[SPS, PPS, IDR]), [given(1, None, &[IDR])]);
    assert_eq!(feed.frame(2, &[IDR]), [given(2, None, &[IDR])]);
    let sets = Some((SPS_HIGH, PPS_HIGH));
    assert_eq!(
        feed.frame(3, &[SPS_HIGH, PPS_HIGH, IDR]),
        [given(3, sets, &[IDR])]
    );
    assert_eq!(
        feed.frame(4, &[SPS_HIGH, PPS, IDR]),
        [given(4, Some((SPS_HIGH, PPS)), &[IDR])],
        "the picture parameter set alone"
    );
    assert_eq!(
        feed.frame(5, &[SPS, PPS, IDR]),
        [given(5, Some((SPS, PPS)), &[IDR])]
    );
}

#[test]
fn sets_may_come_under_a_time_of_their_own() {
    let mut feed = Feed::default();
    assert_eq!(feed.frame(0, &[SPS]), []);
    assert_eq!(feed.frame(0, &[PPS]), []);
    let first = given(1, Some((SPS, PPS)), &[IDR]);
    assert_eq!(feed.frame(1, &[IDR]), [first]);
}

#[test]
fn sets_told_apart_from_the_stream_hold_until_it_brings_its_own() {
    let told = |sets: [&'static [u8]; 2]| sets.map(Bytes::from_static);
    let mut feed = Feed::default();
    feed.depacketiser.know(&told([SPS, PPS]));
    assert_eq!(
        feed.frame(0, &[IDR]),
        [given(0, Some((SPS, PPS)), &[IDR])],
        "whatever was lost before"
    );
    let lost = damaged(1, Fault::Lost);
    let after_gap = [lost, given(1, None, &[IDR])];
    assert_eq!(feed.push(1, IDR, true, true), after_gap);
    let own = given(2, Some((SPS_HIGH, PPS_HIGH)), &[IDR]);
    assert_eq!(feed.frame(2, &[SPS_HIGH, PPS_HIGH, IDR]), [own]);
    let lost = damaged(3, Fault::Lost);
    assert_eq!(feed.push(3, IDR, true, true), [lost, withheld(3)]);
    // Other codecs have none.
    let mut vp8 = Depacketiser::new(RtpCodec::Vp8);
    vp8.know(&told([SPS, PPS]));
    assert_eq!(vp8.poll_output(), None);
}

#[test]
fn a_picture_parameter_set_between_key_frames_stays_with_its_picture() {
    let mut feed = Feed::started();
    assert_eq!(
        feed.frame(1, &[PPS_HIGH, SEI, P]),
        [given(1, None, &[PPS_HIGH, SEI, P])]
    );
    assert_eq!(feed.frame(2, &[PPS_HIGH, P]), [given(2, None, &[P])]);
    assert_eq!(
        feed.frame(3, &[IDR]),
        [given(3, Some((SPS, PPS_HIGH)), &[IDR])],
        "the next key frame announces it"
    );
}

#[test]
fn a_damaged_unit_costs_all_up_to_the_next_key_frame() {
    let pieces = fragments(P, 2);
    let (first, middle, last) = (&*pieces[0], &*pieces[1], &*pieces[2]);
    let idr_piece = &*fragments(IDR, 2)[1];
    let cut = stap(&[P, P_REST]);
    let cut = &cut[..cut.len() - 1];
    let huge = [P, &[1; 5000]].concat();
    let cases: [(&[&[u8]], Fault); 14] = [
        (&[middle, last], Fault::NoStart),
        (&[last], Fault::NoStart),
        (&[first, middle], Fault::NoEnd),
        (&[first, first, last], Fault::NoEnd),
        (&[first, P_REST], Fault::NoEnd),
        (&[first, cut], Fault::NoEnd),
        (&[first, idr_piece, last], Fault::NoStart),
        (&[P, &[0x1b, 1, 2, 3]], Fault::Interleaved("MTAP24")),
        (&[P, &[0x5c]], Fault::Truncated),
        (&[cut], Fault::Truncated),
        (&[&[0xc1, 0x9a]], Fault::Forbidden),
        (&[P_REST], Fault::NoFirstSlice),
        (&[P, IDR], Fault::TwoPictures),
        (
            &[&[0x67, 0x42, 0xc0, 0x1e], P, &huge],
            Fault::ParameterSets(media::Error::Truncated {
                element: "seq_parameter_set_id",
            }),
        ),
    ];
    for (payloads, fault) in cases {
        let mut feed = Feed::started();
        let outputs = feed.frame(1, payloads);
        assert_eq!(outputs, [damaged(1, fault), withheld(1)], "{payloads:x?}");
        assert_eq!(feed.frame(2, &[P]), [withheld(2)]);
        assert_eq!(feed.frame(3, &[IDR]), [given(3, None, &[IDR])]);
        assert_eq!(feed.frame(4, &[P]), [given(4, None, &[P])]);
    }
}

#[test]
fn what_is_missing_damages_the_units_it_may_have_been_of() {
    let mut feed = Feed::started();
    // Inside a unit.
    feed.push(1, P, false, false);
    assert_eq!(feed.push(1, P_REST, false, true), [damaged(1, Fault::Lost)]);
    assert_eq!(feed.push(1, P_REST, true, false), [withheld(1)]);
    assert_eq!(feed.frame(2, &[IDR]), [given(2, None, &[IDR])]);
    // Between two: the end of the one, the beginning of the other, or all of a third.
    feed.push(3, P, false, false);
    let outputs = feed.push(4, P, true, true);
    assert_eq!(outputs, [damaged(4, Fault::Lost), withheld(3), withheld(4)]);
    assert_eq!(feed.frame(5, &[IDR]), [given(5, None, &[IDR])]);
    assert_eq!(feed.push(6, P, false, false), []);
    // A key frame behind a gap is whole only if its parameter sets are there.
    let outputs = feed.push(7, IDR, true, true);
    assert_eq!(outputs, [damaged(7, Fault::Lost), withheld(6), withheld(7)]);
    assert_eq!(feed.push(8, SPS, false, true), [damaged(8, Fault::Lost)]);
    assert_eq!(feed.push(8, PPS, false, false), []);
    assert_eq!(feed.push(8, IDR, true, false), [given(8, None, &[IDR])]);
    // Padding may be what comes after a gap.
    assert_eq!(feed.push(8, &[], false, true), [damaged(8, Fault::Lost)]);
    assert_eq!(feed.push(9, IDR, true, false), [withheld(9)]);
    assert_eq!(feed.push(10, IDR, true, false), [given(10, None, &[IDR])]);
}

#[test]
fn beginnings_of_real_publishers() {
    // OBS: its first packets are lost, so that fragments come first.
    let pieces = fragments(IDR, 2);
    let mut feed = Feed::default();
    let outputs = feed.frame(0, &[&pieces[1], &pieces[2]]);
    assert_eq!(outputs, [damaged(0, Fault::NoStart), withheld(0)]);
    assert_eq!(feed.frame(1, &[P]), [withheld(1)]);
    let first = given(2, Some((SPS, PPS)), &[SEI, IDR]);
    assert_eq!(feed.frame(2, &[SPS, PPS, SEI, IDR]), [first]);
    // FFmpeg: x264's settings, as enhancement information, before the parameter sets.
    let mut feed = Feed::default();
    let first = given(0, Some((SPS, PPS)), &[SEI, IDR]);
    assert_eq!(feed.frame(0, &[SEI, SPS, PPS, IDR]), [first]);
    // Nobody knows by what to decode the first key frame of this one.
    let mut feed = Feed::default();
    assert_eq!(feed.frame(0, &[IDR]), [withheld(0)]);
    let outputs = feed.frame(1, &[IDR]);
    assert_eq!(outputs, [damaged(1, Fault::NoParameterSets), withheld(1)]);
}

#[test]
fn a_fragment_that_is_all_of_its_unit_is_taken() {
    let mut feed = Feed::started();
    let whole = [&[0x5c, 0xc1], &P[1..]].concat();
    assert_eq!(feed.frame(1, &[&whole]), [given(1, None, &[P])]);
    let empty_end: &[u8] = &[0x5c, 0x41];
    let beginning = [&[0x5c, 0x81], &P[1..]].concat();
    let outputs = feed.frame(2, &[&beginning, empty_end]);
    assert_eq!(
        outputs,
        [given(2, None, &[P])],
        "section 5.8: it may be empty"
    );
}

#[test]
fn reserved_packet_types_are_ignored() {
    let mut feed = Feed::started();
    for (step, kind) in [(1, 0), (2, 30), (3, 31)] {
        let ignored = Output::Ignored {
            rtp_time: step * 3000,
            fault: Fault::Reserved(kind),
        };
        let outputs = feed.frame(step, &[&[kind, 1], P]);
        assert_eq!(outputs, [ignored, given(step, None, &[P])]);
    }
}

#[test]
fn sets_that_describe_no_picture_stop_the_key_frame() {
    // 4095 x 4095 macroblocks.
    let vast = [&SPS[..4], &[0xda, 0x00, 0x04, 0x00, 0x00, 0x20, 0x00, 0xff]].concat();
    let mut feed = Feed::started();
    let outputs = feed.frame(1, &[&vast, PPS, IDR]);
    assert!(
        matches!(
            outputs[..],
            [
                Output::Damaged {
                    fault: Fault::ParameterSets(_),
                    ..
                },
                Output::Withheld { .. }
            ]
        ),
        "{outputs:?}"
    );
    assert_eq!(feed.frame(2, &[P]), [withheld(2)]);
    assert_eq!(feed.frame(3, &[SPS, PPS, IDR]), [given(3, None, &[IDR])]);
}

#[test]
fn a_unit_larger_than_a_picture_can_be_is_dropped() {
    let mut feed = Feed::started();
    let piece = vec![1; 60_000];
    let mut outputs = feed.push(
        1,
        &[&[0x5c, 0x81][..], &P[1..], &piece].concat(),
        false,
        false,
    );
    for _ in 0..1_000 {
        outputs.extend(feed.push(1, &[&[0x5c, 0x01][..], &piece].concat(), false, false));
        assert!(feed.depacketiser.assembly.payload().unwrap().len() <= ACCESS_UNIT_MAX);
    }
    let bytes = Fault::TooLarge {
        what: "bytes in an access unit",
        limit: ACCESS_UNIT_MAX,
    };
    assert_eq!(outputs, [damaged(1, bytes)]);
    assert_eq!(feed.frame(2, &[P]), [withheld(1), withheld(2)]);
    let many = vec![P; NALS_MAX];
    assert_eq!(feed.frame(3, &[IDR]), [given(3, None, &[IDR])]);
    assert_eq!(feed.frame(4, &many), [given(4, None, &many)]);
    let nals = Fault::TooLarge {
        what: "NAL units in an access unit",
        limit: NALS_MAX,
    };
    let more = [&many[..], &[P]].concat();
    assert_eq!(feed.frame(5, &more), [damaged(5, nals), withheld(5)]);
}

/// A unit as the packetiser takes it: whether it is a key frame, enhancement information, slices.
fn any_unit(idr: impl Strategy<Value = bool>) -> impl Strategy<Value = (bool, Bytes)> {
    let body = || proptest::collection::vec(any::<u8>(), 1..3_000);
    let slices = proptest::collection::vec(body(), 1..5);
    let sei = proptest::option::of(proptest::collection::vec(any::<u8>(), 1..40));
    (idr, sei, slices).prop_map(|(idr, sei, slices)| {
        let mut nals: Vec<Vec<u8>> = Vec::new();
        nals.extend(sei.map(|body| [&[NAL_SEI], &body[..]].concat()));
        for (n, slice) in slices.iter().enumerate() {
            let beginning: &[u8] = if idr { &IDR[..3] } else { &P[..3] };
            // Those behind the first begin anyhow.
            let beginning = if n == 0 { beginning } else { &beginning[..1] };
            nals.push([beginning, slice].concat());
        }
        let nals: Vec<&[u8]> = nals.iter().map(Vec::as_slice).collect();
        (idr, canonical(&nals))
    })
}

const NAL_SEI: u8 = 6;

/// Some units, the first of which is a key frame.
fn any_units() -> impl Strategy<Value = Vec<(bool, Bytes)>> {
    let first = any_unit(Just(true));
    let others = proptest::collection::vec(any_unit(proptest::bool::weighted(0.2)), 0..25);
    (first, others).prop_map(|(first, others)| [vec![first], others].concat())
}

/// A packet on its way, and the unit it is of.
#[derive(Debug, Clone)]
struct Sent {
    unit: usize,
    marker: bool,
    payload: Arc<[u8]>,
}

fn packetise(units: &[(bool, Bytes)]) -> Vec<Sent> {
    let mut packetiser = Packetiser::default();
    let VideoConfig::H264(config) = config(SPS, PPS) else {
        panic!("it is H.264's");
    };
    packetiser.set_config(&config);
    let mut sent = Vec::new();
    for (unit, (_, access_unit)) in units.iter().enumerate() {
        let mut payloads = Vec::new();
        packetiser.packetise(access_unit, &mut payloads).unwrap();
        let count = payloads.len();
        sent.extend(payloads.into_iter().enumerate().map(|(n, payload)| Sent {
            unit,
            marker: n + 1 == count,
            payload,
        }));
    }
    sent
}

/// What comes out when packets arrive as `arrivals` says, by their place in `sent`.
fn receive(sent: &[Sent], arrivals: &[usize], wait: Duration) -> Vec<Output> {
    let now = start();
    let mut reorder = Reorder::new(wait, 256);
    let mut feed = Feed::default();
    let mut after_gap = false;
    let mut outputs = Vec::new();
    for place in arrivals {
        reorder.push(now, 65_000 + u64::try_from(*place).unwrap(), *place);
        while let Some(popped) = reorder.pop(now) {
            let Popped::Packet { item, .. } = popped else {
                after_gap = true;
                continue;
            };
            let Sent {
                unit,
                marker,
                payload,
            } = &sent[item];
            let step = i64::try_from(*unit).unwrap();
            outputs.extend(feed.push(step, payload, *marker, after_gap));
            after_gap = false;
        }
    }
    outputs
}

#[expect(
    clippy::disallowed_methods,
    reason = "where virtual time begins does not matter"
)]
fn start() -> Instant {
    Instant::now()
}

/// The units of `outputs` by their place in the stream.
fn units_of(outputs: &[Output]) -> Vec<(usize, &AccessUnit)> {
    let mut units = Vec::new();
    for output in outputs {
        if let Output::Unit(unit) = output {
            units.push((usize::try_from(unit.rtp_time / 3000).unwrap(), unit));
        }
    }
    units
}

/// That all of `units` came, and nothing else.
fn all(units: &[(bool, Bytes)]) -> Vec<Output> {
    let mut sets = Some(config(SPS, PPS));
    let unit = |((keyframe, payload), rtp_time): (&(bool, Bytes), i64)| {
        Output::Unit(AccessUnit {
            rtp_time: rtp_time * 3000,
            keyframe: *keyframe,
            config: sets.take(),
            payload: payload.clone(),
        })
    };
    units.iter().zip(0..).map(unit).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_packetised_comes_back(units in any_units()) {
        let sent = packetise(&units);
        let arrivals: Vec<usize> = (0..sent.len()).collect();
        prop_assert_eq!(receive(&sent, &arrivals, Duration::ZERO), all(&units));
    }

    #[test]
    fn order_in_the_window_does_not_matter(
        units in any_units(),
        delays in proptest::collection::vec(0_usize..60, 400),
    ) {
        let sent = packetise(&units);
        let mut arrivals: Vec<usize> = (1..sent.len()).collect();
        arrivals.sort_by_key(|place| place + delays[place % delays.len()]);
        arrivals.insert(0, 0);
        let outputs = receive(&sent, &arrivals, Duration::from_secs(1));
        prop_assert_eq!(outputs, all(&units));
    }

    #[test]
    fn any_loss_leaves_whole_units_that_can_be_decoded(
        units in any_units(),
        lost in proptest::collection::vec(proptest::bool::weighted(0.05), 400),
    ) {
        let sent = packetise(&units);
        let arrives = |place: &usize| !lost[place % lost.len()];
        let arrivals: Vec<usize> = (0..sent.len()).filter(arrives).collect();
        let outputs = receive(&sent, &arrivals, Duration::ZERO);
        // All of it came, and all it refers to.
        let mut expected: Vec<(usize, bool, Bytes)> = Vec::new();
        for (place, (idr, payload)) in units.iter().enumerate() {
            let mut packets = (0..sent.len()).filter(|n| sent[*n].unit == place);
            let refers = expected.last().is_some_and(|(before, ..)| before + 1 == place);
            if packets.all(|n| arrives(&n)) && (*idr || refers) {
                expected.push((place, *idr, payload.clone()));
            }
        }
        let given = units_of(&outputs);
        let configs: Vec<bool> = given.iter().map(|(_, unit)| unit.config.is_some()).collect();
        let given: Vec<_> = given
            .into_iter()
            .map(|(place, unit)| (place, unit.keyframe, unit.payload.clone()))
            .collect();
        prop_assert_eq!(given, expected);
        prop_assert_eq!(configs.iter().skip(1).filter(|config| **config).count(), 0);
    }

    #[test]
    fn any_payloads_give_sound_units(
        packets in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..40), 0_u8..16, 0_u8..8), 0..60),
    ) {
        let mut feed = Feed::started();
        let mut step = 1;
        for (mut payload, flags, kind) in packets {
            // Mostly types that mean something.
            let types = [0x65, 0x41, 0x67, 0x68, 0x78, 0x7c, 0x5c];
            if let (Some(first), Some(kind)) = (payload.first_mut(), types.get(usize::from(kind))) {
                *first = *kind;
            }
            step += i64::from(flags & 1);
            for output in feed.push(step, &payload, flags & 2 != 0, flags & 12 == 12) {
                let Output::Unit(unit) = output else { continue };
                let walked: usize = nals(&unit.payload).map(|nal| 4 + nal.len()).sum();
                prop_assert_eq!(walked, unit.payload.len());
                let types: Vec<u8> = nals(&unit.payload).map(|nal| nal_type(&nal)).collect();
                prop_assert_eq!(types.contains(&NAL_IDR), unit.keyframe);
                prop_assert!(unit.keyframe || types.contains(&NAL_SLICE) || types.contains(&2));
                prop_assert!(!types.iter().any(|kind| [0, 7, 9, 12].contains(kind)));
                prop_assert!(!unit.keyframe || !types.contains(&NAL_PPS));
            }
        }
    }
}
