//! Configuration records as encoders write them, from parameter sets alone, and hostile ones.

use proptest::prelude::*;

use super::*;
use crate::record::RECORD_MAX;
use crate::{FrameRate, h264::codecs};

/// x264, high, 320x180.
const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00,
    0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x60,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
/// x264, baseline, 854x480, 25 frames/s, fixed.
const BASELINE: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xca, 0x3c, 0x58, 0xba, 0x80,
];

fn record(length_size: u8, sps: &[&[u8]], pps: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![1, 0x64, 0, 0x0d, 0xfc | (length_size - 1)];
    out.push(0xe0 | u8::try_from(sps.len()).unwrap());
    for (count, units) in [(None, sps), (Some(pps.len()), pps)] {
        out.extend(count.map(|count| u8::try_from(count).unwrap()));
        for unit in units {
            out.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
            out.extend(*unit);
        }
    }
    out
}

#[test]
fn records_that_mean_the_same_become_equal() {
    let four = parse_avcc(&record(4, &[SPS], &[PPS])).unwrap();
    let two = parse_avcc(&record(2, &[SPS], &[PPS])).unwrap();
    assert_eq!((four.length_size, two.length_size), (4, 2));
    assert_eq!(four.config, two.config);
    let mut with_extension = record(4, &[SPS], &[PPS]);
    with_extension.extend([0xfd, 0xf8, 0xf8, 0]);
    assert_eq!(four.config.avcc, with_extension);
    assert_eq!(parse_avcc(&with_extension).unwrap(), four);
    assert_eq!(parse_avcc(&four.config.avcc).unwrap(), four);
}

#[test]
fn the_track_is_described() {
    let config = parse_avcc(&record(4, &[SPS, SPS], &[PPS, PPS]))
        .unwrap()
        .config;
    assert_eq!(codecs(&config), "avc1.64000d");
    assert_eq!((config.sps.len(), config.pps.len()), (2, 2));
    assert_eq!((config.width, config.height), (320, 180));
    assert_eq!((config.frame_rate, config.reorder_frames), (None, Some(2)));
}

#[test]
fn the_first_sequence_parameter_set_describes_it() {
    let config = parse_avcc(&record(4, &[BASELINE, SPS], &[PPS]))
        .unwrap()
        .config;
    assert_eq!(codecs(&config), "avc1.42c01e");
    assert_eq!(config.frame_rate, Some(FrameRate { num: 25, den: 1 }));
    // No chroma and bit depth fields behind a Baseline record.
    assert!(config.avcc.ends_with(PPS));
}

#[test]
fn incomplete_and_odd_records_are_refused() {
    let whole = record(4, &[SPS], &[PPS]);
    for cut in 0..whole.len() {
        assert!(parse_avcc(&whole[..cut]).is_err(), "cut at {cut}");
    }
    assert!(parse_avcc(&record(3, &[SPS], &[PPS])).is_err());
    assert!(parse_avcc(&record(4, &[], &[PPS])).is_err());
    assert!(parse_avcc(&record(4, &[SPS], &[])).is_err());
    assert!(parse_avcc(&record(4, &[PPS], &[PPS])).is_err());
    assert!(parse_avcc(&record(4, &[SPS], &[&[]])).is_err());
    assert!(parse_avcc(&vec![1; RECORD_MAX + 1]).is_err());
}

/// Chromium 156, as it reaches the other side: OpenH264, its VUI written anew by libwebrtc. 640x360.
const CHROMIUM: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb3, 0x70, 0x10, 0xd0, 0x10, 0x78,
    0x44, 0x23, 0x50,
];
/// OpenH264 as GStreamer runs it, 320x180.
const OPENH264: &[u8] = &[
    0x67, 0x42, 0xc0, 0x0d, 0x8c, 0x8d, 0x40, 0xa0, 0xcb, 0xcf, 0x00, 0xf0, 0x88, 0x46, 0xa0,
];
/// That of all three Baseline encoders.
const BASELINE_PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];

fn sets(units: &[&[u8]]) -> Vec<Bytes> {
    units
        .iter()
        .map(|unit| Bytes::copy_from_slice(unit))
        .collect()
}

#[test]
fn parameter_sets_alone_make_the_same_configuration() {
    for (sps, pps, name, size, reorder) in [
        (SPS, PPS, "avc1.64000d", (320, 180), Some(2)),
        (BASELINE, BASELINE_PPS, "avc1.42c01e", (854, 480), Some(0)),
        (CHROMIUM, BASELINE_PPS, "avc1.42c01f", (640, 360), Some(0)),
        (OPENH264, BASELINE_PPS, "avc1.42c00d", (320, 180), Some(0)),
    ] {
        let config = configure(sets(&[sps]), sets(&[pps])).unwrap();
        assert_eq!(codecs(&config), name);
        assert_eq!((config.width, config.height), size, "{name}");
        assert_eq!(config.reorder_frames, reorder, "{name}");
        assert_eq!(
            (config.sps.clone(), config.pps.clone()),
            (sets(&[sps]), sets(&[pps]))
        );
        let avcc = Avcc {
            config,
            length_size: 4,
        };
        assert_eq!(parse_avcc(&avcc.config.avcc), Ok(avcc.clone()));
        assert_eq!(parse_avcc(&record(4, &[sps], &[pps])), Ok(avcc));
    }
}

#[test]
fn parameter_sets_that_make_no_record_are_refused() {
    let many = |set: &[u8], count| vec![Bytes::copy_from_slice(set); count];
    // Zeros after the end of a set are read past.
    let long = [SPS, &[0; 3_000][..]].concat();
    let longer = [SPS, &[0; RECORD_MAX][..]].concat();
    assert!(configure(many(SPS, 31), many(PPS, 255)).is_ok());
    for (sps, pps) in [
        (vec![], many(PPS, 1)),
        (many(SPS, 1), vec![]),
        (many(SPS, 32), many(PPS, 1)),
        (many(SPS, 1), many(PPS, 256)),
        (many(PPS, 1), many(PPS, 1)),
        (many(SPS, 1), many(SPS, 1)),
        (many(&[], 1), many(PPS, 1)),
        (many(&SPS[..8], 1), many(PPS, 1)),
        (many(SPS, 1), many(&PPS[..1], 1)),
        (many(&long, 22), many(PPS, 1)),
        (many(&longer, 1), many(PPS, 1)),
    ] {
        assert!(
            configure(sps.clone(), pps.clone()).is_err(),
            "{sps:x?} {pps:x?}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_record_or_an_error(mut bytes: Vec<u8>, at in 0_usize..60, to: u8) {
        let _ = parse_avcc(&bytes);
        bytes = record(4, &[SPS], &[PPS]);
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(avcc) = parse_avcc(&bytes) {
            prop_assert_eq!(parse_avcc(&avcc.config.avcc).unwrap().config, avcc.config);
        }
    }

    #[test]
    fn any_sets_give_a_record_that_is_read_or_an_error(
        mut sps in proptest::sample::select(vec![SPS, BASELINE, CHROMIUM, OPENH264])
            .prop_map(<[u8]>::to_vec),
        mut pps in proptest::sample::select(vec![PPS, BASELINE_PPS]).prop_map(<[u8]>::to_vec),
        at in 1_usize..40,
        to: u8,
        count in 1_usize..4,
    ) {
        for set in [&mut sps, &mut pps] {
            let at = at % set.len();
            set[at] = to;
        }
        let sps = vec![Bytes::from(sps); count];
        if let Ok(config) = configure(sps, vec![Bytes::from(pps)]) {
            prop_assert_eq!(parse_avcc(&config.avcc).unwrap().config, config);
        }
    }
}
