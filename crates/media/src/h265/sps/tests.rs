//! Encoders' sequence parameter sets, sets made bit by bit, and broken ones.

use proptest::prelude::*;

use super::*;
use crate::h265::vectors::{CAMERA, HEIF, LAYERS, SMALL, TEN_BIT, X265, YUV422, hex};

const fn fps(num: u32, den: u32) -> Option<FrameRate> {
    Some(FrameRate { num, den })
}

#[test]
fn sets_of_encoders_say_what_other_readers_read() {
    for (set, size, chroma, depth, reorder, rate) in [
        (X265, (1920, 1080), 1, 8, 2, fps(30, 1)),
        (CAMERA, (1280, 960), 1, 8, 2, fps(15, 1)),
        (HEIF, (1280, 720), 1, 8, 0, None),
        (SMALL, (160, 90), 1, 8, 2, fps(25, 1)),
        (TEN_BIT, (854, 480), 1, 10, 0, fps(25, 1)),
        (YUV422, (320, 180), 2, 8, 0, fps(25, 1)),
        (LAYERS, (176, 144), 1, 8, 7, fps(25, 1)),
    ] {
        let sps = parse_sps(&hex(set)).unwrap();
        assert_eq!((sps.width, sps.height), size, "{set}");
        assert_eq!((sps.chroma_format_idc, sps.bit_depth_luma), (chroma, depth));
        assert_eq!(sps.bit_depth_chroma, depth);
        assert_eq!((sps.reorder_pics, sps.frame_rate), (reorder, rate), "{set}");
        assert_eq!(sps_id(&hex(set)), Ok(0));
    }
}

#[test]
fn layers_and_colours_are_read() {
    let layers = parse_sps(&hex(LAYERS)).unwrap();
    assert_eq!(
        (layers.temporal_layers, layers.temporal_id_nested),
        (2, false)
    );
    let camera = parse_sps(&hex(CAMERA)).unwrap();
    assert!(camera.colour.full_range && camera.temporal_id_nested);
    let ten = parse_sps(&hex(TEN_BIT)).unwrap();
    assert_eq!((ten.colour.primaries, ten.colour.matrix), (2, 9));
    assert_eq!(parse_sps(&hex(HEIF)).unwrap().colour, Colour::UNSPECIFIED);
}

/// `profile_tier_level`: Main, level 3.
fn profile() -> String {
    format!("00000001{}{:08b}", "0".repeat(32 + 48), 90)
}

/// A set of 64x64 pixels with number 3, written as zeros and ones; `tail` stands from the scaling lists on.
fn written(tail: &str) -> Vec<u8> {
    layered("0000", "", &[[4, 2, 0]], tail)
}

fn layered(layers: &str, sub_layers: &str, orderings: &[[u32; 3]], tail: &str) -> Vec<u8> {
    let size = [ue(3), ue(1), ue(64), ue(64)].concat();
    let depths = [ue(0), ue(0), ue(4)].concat();
    let orderings: String = orderings.iter().flatten().map(|n| ue(*n)).collect();
    let blocks = ue(0).repeat(6);
    let profile = profile();
    pack(&format!(
        "0000{layers}{profile}{sub_layers}{size}0{depths}1{orderings}{blocks}{tail}1"
    ))
}

/// A NAL unit of these bits, escaped.
fn pack(bits: &str) -> Vec<u8> {
    let mut out = vec![0x42, 1];
    for chunk in bits.as_bytes().chunks(8) {
        let digits = String::from_utf8(chunk.to_vec()).unwrap();
        let byte = u8::from_str_radix(&format!("{digits:0<8}"), 2).unwrap();
        if byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(byte);
    }
    out
}

fn ue(value: u32) -> String {
    let code = format!("{:b}", value + 1);
    format!("{}{code}", "0".repeat(code.len() - 1))
}

/// BT.2020 with PQ, 60000/1001 frames/s, and everything that can stand before them.
fn vui() -> String {
    let aspect = format!("1{:08b}{:016b}{:016b}", 255, 4, 3);
    let colour = format!("110101{:08b}{:08b}{:08b}", 9, 16, 9);
    let timing = format!("1{:032b}{:032b}", 1001, 60_000);
    format!(
        "1{aspect}10{colour}1{}0001{}{timing}",
        ue(0).repeat(2),
        ue(2).repeat(4)
    )
}

fn check_vui(set: &[u8]) {
    let sps = parse_sps(set).unwrap();
    let expected = Colour {
        primaries: 9,
        transfer: 16,
        matrix: 9,
        full_range: false,
    };
    assert_eq!(sps.colour, expected);
    assert_eq!(sps.frame_rate, fps(60_000, 1001));
    assert_eq!((sps.width, sps.height, sps_id(set)), (64, 64, Ok(3)));
}

#[test]
fn reference_picture_sets_may_be_told_by_the_one_before() {
    let listed = format!("{}{}{}1{}1", ue(2), ue(0), ue(0), ue(3));
    // Three flags for the two pictures and the set itself: used; not used, but kept; neither. Then three for two.
    let told = format!("10{}10100", ue(0));
    let told_again = format!("11{}111", ue(7));
    let long_term = format!("1{}{:08b}1{:08b}0", ue(2), 7, 8);
    let sets = format!("{}{listed}{told}{told_again}", ue(3));
    check_vui(&written(&format!("0000{sets}{long_term}00{}", vui())));
}

#[test]
fn scaling_lists_and_pcm_are_passed_over() {
    let mut lists = String::new();
    for size in 0..4_u32 {
        for matrix in 0..if size == 3 { 2 } else { 6 } {
            if matrix % 2 == 0 {
                let numbers = (16 << (2 * size)).min(64) + usize::from(size > 1);
                lists += &format!("1{}", ue(3).repeat(numbers));
            } else {
                lists += &format!("0{}", ue(1));
            }
        }
    }
    let pcm = format!("1{:08b}{}{}0", 0x77, ue(0), ue(1));
    let none = ue(0);
    check_vui(&written(&format!("11{lists}00{pcm}{none}000{}", vui())));
}

#[test]
fn sub_layers_are_passed_over() {
    // Three layers: of the first its profile and level, of the second its level.
    let sub_layers = format!(
        "1101{}{}{}",
        "0".repeat(12),
        "1".repeat(88 + 8),
        "0".repeat(8)
    );
    let orderings = [[4, 0, 0], [4, 1, 0], [4, 3, 0]];
    let none = ue(0);
    let set = layered(
        "0100",
        &sub_layers,
        &orderings,
        &format!("0000{none}000{}", vui()),
    );
    check_vui(&set);
    let sps = parse_sps(&set).unwrap();
    assert_eq!((sps.temporal_layers, sps.reorder_pics), (3, 3));
}

#[test]
fn a_vui_that_cannot_be_read_is_none() {
    let none = ue(0);
    let broken = [
        String::new(),
        // 65 reference picture sets; 17 pictures in one; a chroma location 6.
        format!("0000{}", ue(65)),
        format!("0000{}{}{}", ue(1), ue(9), ue(8)),
        format!("0000{none}000100001{}", ue(6)),
    ];
    for tail in broken {
        let sps = parse_sps(&written(&tail)).unwrap();
        assert_eq!(
            (sps.frame_rate, sps.colour),
            (None, Colour::UNSPECIFIED),
            "{tail}"
        );
    }
}

#[test]
fn elements_out_of_range_are_refused() {
    let set = |size: &str, depths: &str, ordering: &str| {
        let profile = profile();
        pack(&format!(
            "00000000{profile}{}{size}{depths}{ordering}{}0001",
            ue(0),
            ue(0).repeat(6)
        ))
    };
    let (size, depths) = (
        [ue(1), ue(64), ue(64), "0".into()].concat(),
        [ue(0), ue(0), ue(4)].concat(),
    );
    let ordering = ["1".into(), ue(4), ue(2), ue(0)].concat();
    parse_sps(&set(&size, &depths, &ordering)).unwrap();
    let sizes = [
        [ue(4), ue(64), ue(64), "0".into()],
        [ue(1), ue(0), ue(64), "0".into()],
        [ue(1), ue(8193), ue(8193), "0".into()],
        // 2 * 32 of 64 columns cut off.
        [
            ue(1),
            ue(64),
            ue(64),
            format!("1{}{}{}{}", ue(16), ue(16), ue(0), ue(0)),
        ],
    ];
    for size in sizes {
        assert!(parse_sps(&set(&size.concat(), &depths, &ordering)).is_err());
    }
    for depths in [
        [ue(9), ue(0), ue(4)],
        [ue(0), ue(9), ue(4)],
        [ue(0), ue(0), ue(13)],
    ] {
        assert!(parse_sps(&set(&size, &depths.concat(), &ordering)).is_err());
    }
    for ordering in [[ue(16), ue(2), ue(0)], [ue(4), ue(5), ue(0)]] {
        let ordering = format!("1{}", ordering.concat());
        assert!(parse_sps(&set(&size, &depths, &ordering)).is_err());
    }
    // Eight layers; another type; another layer.
    assert!(parse_sps(&layered("1110", "", &[[4, 2, 0]], "0")).is_err());
    for header in [[0x44, 1], [0x42, 9]] {
        let mut other = hex(SMALL).to_vec();
        other[..2].copy_from_slice(&header);
        assert!(parse_sps(&other).is_err() && sps_id(&other).is_err());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_sane_set_or_refused(bytes: Vec<u8>) {
        if let Ok(sps) = parse_sps(&[&[0x42, 1][..], &bytes].concat()) {
            prop_assert!(sps.width > 0 && sps.height > 0 && sps.temporal_layers <= 7);
            prop_assert!((8..=16).contains(&sps.bit_depth_luma) && sps.reorder_pics <= 15);
        }
    }
}
