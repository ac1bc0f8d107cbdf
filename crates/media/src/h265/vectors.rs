//! Parameter sets that encoders have written, and what other readers say of them.

use bytes::Bytes;

/// x265 2.6, 1920x1080, in mp4-atom's `hevc.mp4`.
pub(super) const X265: &str =
    "420101216000000300900000030000030078a003c08010e596566924caf01010000003001000000301e080";
pub(super) const X265_VPS: &str = "40010c01ffff216000000300900000030000030078959809";
pub(super) const X265_PPS: &str = "4401c172b46240";
/// A camera, 1280x960, 15 frames/s, full range.
pub(super) const CAMERA: &str = "420101014000000300900000030000030078a00280803c16599d29084646fd43016e0202020800000300080\
                                 00003007b002ef2880005b8d80001e84808";
/// MPEG's conformance file C001.heif: 1280x720, no VUI.
pub(super) const HEIF: &str = "42010101600000030000030000030000030078a00280802d1fe5f9246d9ed9";
/// x265 4, 160x90 in 160x96, as FFmpeg 9 makes it.
pub(super) const SMALL: &str =
    "42010101600000030090000003000003001ea0142061f26595924932bc05a02000000300200000030321";
/// The same, Main 10, 854x480 in 856x480, BT.2020's matrix.
pub(super) const TEN_BIT: &str =
    "42010102200000030090000003000003005aa006b201e1d6d964a924caf016a040412080000003008000000c84";
/// The same, 4:2:2 with the standard's scaling lists, 320x180 in 320x184.
pub(super) const YUV422: &str =
    "4201010408000003009d0800000300003cb00a080b9f2e592a49395e02d0100000030010000003019080";
/// Kvazaar, 176x144, two temporal layers, eight pictures reordered by up to seven.
pub(super) const LAYERS: &str =
    "4201020160000003008000000300000300ba0000a01620245a0811924cab01010000030001000003001908";

pub(super) fn hex(text: &str) -> Bytes {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Lengths of four bytes before each.
pub(super) fn access_unit(units: &[&[u8]]) -> Bytes {
    let mut out = Vec::new();
    for unit in units {
        out.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
        out.extend_from_slice(unit);
    }
    out.into()
}
