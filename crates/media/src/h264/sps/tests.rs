//! Parameter sets made by x264 and OpenH264, read also by FFmpeg's `trace_headers`, and forged
//! ones.

use proptest::prelude::*;

use super::*;

struct Vector {
    name: &'static str,
    hex: &'static str,
    size: (u16, u16),
    fps: Option<(u32, u32)>,
    reorder: Option<u8>,
    /// `chroma_format_idc`, luma bits, `frame_mbs_only_flag`.
    samples: (u8, u8, bool),
}

const VECTORS: [Vector; 9] = [
    Vector {
        name: "x264 high, B-frames; FFmpeg leaves the rate unfixed",
        hex: "6764000dacd941419f9f0110000003001000000303c0f1429960",
        size: (320, 180),
        fps: None,
        reorder: Some(2),
        samples: (1, 8, true),
    },
    Vector {
        name: "x264 main, 1080 lines cropped from 1088",
        hex: "674d4028eca03c0113f2e022000007d20001d4c01e30632c",
        size: (1920, 1080),
        fps: None,
        reorder: Some(2),
        samples: (1, 8, true),
    },
    Vector {
        name: "x264 baseline, zerolatency",
        hex: "6742c01eda0360f79bc044000003000400000300ca3c58ba80",
        size: (854, 480),
        fps: Some((25, 1)),
        reorder: Some(0),
        samples: (1, 8, true),
    },
    Vector {
        name: "x264 interlaced",
        hex: "6764001eacd940b424d8088000000300800000190f8a14cb",
        size: (720, 576),
        fps: None,
        reorder: Some(2),
        samples: (1, 8, false),
    },
    Vector {
        name: "x264 4:2:2, 10 bits",
        hex: "677a001fb6cd940a02ff9f0110000003001000000640f1831960",
        size: (640, 362),
        fps: None,
        reorder: Some(2),
        samples: (2, 10, true),
    },
    Vector {
        name: "x264 4:4:4",
        hex: "67f40016919b282a10f1f1f80880000003008000003c078b16cb",
        size: (322, 242),
        fps: None,
        reorder: Some(2),
        samples: (3, 8, true),
    },
    Vector {
        name: "x264 monochrome",
        hex: "6764000bf365093f8f8fc05b20000003002000000601e28532c0",
        size: (130, 98),
        fps: None,
        reorder: Some(2),
        samples: (0, 8, true),
    },
    Vector {
        name: "x264 with HRD parameters and a fixed rate",
        hex: "6764001facd940a02ff9701100000300010000030078e04000f424001e84e4d38078c18cb0",
        size: (640, 360),
        fps: Some((60, 1)),
        reorder: Some(2),
        samples: (1, 8, true),
    },
    Vector {
        name: "OpenH264: no timing",
        hex: "6742c01e8c8d405017fcb00f08846a",
        size: (640, 360),
        fps: None,
        reorder: Some(0),
        samples: (1, 8, true),
    },
];

#[test]
fn encoders_parameter_sets_read_as_ffmpeg_reads_them() {
    for vector in VECTORS {
        let sps = parse_sps(&unhex(vector.hex)).unwrap();
        let fps = sps.frame_rate.map(|rate| (rate.num, rate.den));
        let samples = (
            sps.chroma_format_idc,
            sps.bit_depth_luma,
            sps.frame_mbs_only,
        );
        assert_eq!((sps.width, sps.height), vector.size, "{}", vector.name);
        assert_eq!(fps, vector.fps, "{}", vector.name);
        assert_eq!(sps.reorder_frames, vector.reorder, "{}", vector.name);
        assert_eq!(samples, vector.samples, "{}", vector.name);
    }
}

#[test]
fn order_type_two_rules_out_reordering_without_a_vui_saying_so() {
    // x264 with keyint 1 writes no bitstream_restriction.
    let sps = parse_sps(&unhex("676e100da6cb8283f6022000000300200000078080")).unwrap();
    assert_eq!(sps.reorder_frames, Some(0));
    assert_eq!(sps.bit_depth_luma, 10);
}

/// Baseline parameter sets, written bit by bit.
struct Forge {
    width_mbs: u32,
    height_mbs: u32,
    crop: Option<[u32; 4]>,
    poc: Vec<u32>,
    tail: String,
}

impl Default for Forge {
    fn default() -> Self {
        let tail = "0".to_owned();
        Self {
            width_mbs: 40,
            height_mbs: 23,
            crop: None,
            poc: vec![0, 0],
            tail,
        }
    }
}

impl Forge {
    fn bytes(&self) -> Vec<u8> {
        let mut bits = ue(0) + &ue(0);
        for code in &self.poc {
            bits += &ue(*code);
        }
        bits += &(ue(1) + "0" + &ue(self.width_mbs - 1) + &ue(self.height_mbs - 1) + "11");
        match self.crop {
            None => bits += "0",
            Some(sides) => {
                bits += "1";
                sides.iter().for_each(|side| bits += &ue(*side));
            }
        }
        bits += &self.tail;
        bits += "1";
        let mut out = vec![0x67, 66, 0xc0, 30];
        for byte in bits.as_bytes().chunks(8) {
            let value = byte
                .iter()
                .fold(0_u8, |value, bit| value << 1 | (bit - b'0'));
            let value = value << (8 - byte.len());
            if out.ends_with(&[0, 0]) && value <= 3 {
                out.push(3);
            }
            out.push(value);
        }
        out
    }
}

fn ue(value: u32) -> String {
    let code = u64::from(value) + 1;
    let bits = 64 - code.leading_zeros() as usize;
    format!("{}{code:b}", "0".repeat(bits - 1))
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn pictures_larger_than_anyone_films_are_refused() {
    let huge = Forge {
        width_mbs: 4095,
        height_mbs: 4095,
        ..Forge::default()
    };
    assert!(matches!(
        parse_sps(&huge.bytes()),
        Err(Error::OutOfRange {
            value: 4_292_870_400,
            ..
        })
    ));
    let wrapping = Forge {
        width_mbs: u32::MAX,
        ..Forge::default()
    };
    assert!(parse_sps(&wrapping.bytes()).is_err());
    let largest = Forge {
        width_mbs: 512,
        height_mbs: 512,
        ..Forge::default()
    };
    let sps = parse_sps(&largest.bytes()).unwrap();
    assert_eq!((sps.width, sps.height), (8192, 8192));
}

#[test]
fn cropping_must_leave_a_picture() {
    let sides = |crop| {
        parse_sps(
            &Forge {
                crop: Some(crop),
                ..Forge::default()
            }
            .bytes(),
        )
    };
    let sps = sides([0, 0, 0, 4]).unwrap();
    assert_eq!((sps.width, sps.height), (640, 360));
    assert!(sides([160, 160, 0, 0]).is_err());
    assert!(sides([0, 0, 65_535, 65_535]).is_err());
    assert!(sides([u32::MAX - 1, u32::MAX - 1, 0, 0]).is_err());
}

#[test]
fn order_type_one_is_read_past() {
    // Type 1; the flag and the three counts written as codes: "1" is both ue 0 and a set flag.
    let forge = Forge {
        poc: vec![1, 0, 3, 4, 2, 7, 8],
        ..Forge::default()
    };
    assert_eq!(parse_sps(&forge.bytes()).unwrap().width, 640);
}

#[test]
fn a_rate_that_is_none_is_left_out() {
    for (units, scale, expected) in [
        (
            1001_u32,
            60_000_u32,
            Some(FrameRate {
                num: 30_000,
                den: 1001,
            }),
        ),
        (0, 60_000, None),
        (1, 0, None),
        (1, u32::MAX, None),
        (u32::MAX, 1, None),
        (1, 482, None),
        (1, 480, Some(FrameRate { num: 240, den: 1 })),
    ] {
        let tail = format!("1{}1{units:032b}{scale:032b}1{}", "0000", "0000");
        let sps = parse_sps(
            &Forge {
                tail,
                ..Forge::default()
            }
            .bytes(),
        )
        .unwrap();
        assert_eq!(sps.frame_rate, expected, "{scale} / 2 x {units}");
    }
}

#[test]
fn a_vui_that_cannot_be_read_counts_as_absent() {
    let tail = format!("1{}1{:032b}", "0000", 1);
    let sps = parse_sps(
        &Forge {
            tail,
            ..Forge::default()
        }
        .bytes(),
    )
    .unwrap();
    assert_eq!(
        (sps.width, sps.frame_rate, sps.reorder_frames),
        (640, None, None)
    );
}

#[test]
fn other_units_are_refused() {
    for bytes in [
        &[][..],
        &[0x67],
        &[0x68, 0xce, 0x0f, 0xc8],
        &[0x67, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert!(parse_sps(bytes).is_err());
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_bounded_picture_or_an_error(
        tail in proptest::collection::vec(any::<u8>(), 0..300),
        which in 0..VECTORS.len(),
        flip in 8_usize..200,
    ) {
        let mut forged = unhex(VECTORS[which].hex);
        let flip = flip % (forged.len() * 8);
        forged[flip / 8] ^= 1 << (flip % 8);
        let random = [&[0x67, 100, 0, 40][..], &tail].concat();
        for bytes in [forged, random] {
            if let Ok(sps) = parse_sps(&bytes) {
                let pixels = u64::from(sps.width) * u64::from(sps.height);
                prop_assert!((1..=PIXELS_MAX).contains(&pixels));
            }
        }
    }
}
