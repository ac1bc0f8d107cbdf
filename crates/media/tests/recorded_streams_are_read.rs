//! What libvpx, libaom and x265 write is read, frame by frame.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

use bytes::Bytes;
use media::{
    VideoConfig,
    av1::{self, OBU_FRAME, OBU_SEQUENCE_HEADER, OBU_TEMPORAL_DELIMITER},
    h265, vp8,
    vp9::{self, Header},
};
use recordings::ivf;

/// Which frames are key frames, and what each of those says.
fn read(
    file: &'static [u8],
    key: impl Fn(&[u8]) -> Option<VideoConfig>,
) -> (Vec<usize>, Vec<VideoConfig>) {
    let found = ivf(file).into_iter().map(key).enumerate();
    found.filter_map(|(n, config)| Some((n, config?))).unzip()
}

#[test]
fn vp8() {
    let (at, configs) = read(include_bytes!("data/vp8.ivf"), |frame| {
        vp8::is_keyframe(frame)
            .unwrap()
            .then(|| vp8::parse_key_frame(frame).unwrap().into())
    });
    assert_eq!(at, [0, 3]);
    assert_eq!(configs[0], configs[1]);
    assert_eq!(
        (configs[0].size(), configs[0].codecs().as_str()),
        ((160, 90), "vp8")
    );
}

fn vp9_key(frame: &[u8]) -> Option<VideoConfig> {
    match vp9::parse_header(frame).unwrap() {
        Header::Key(config) => Some(config.into()),
        Header::Other => None,
    }
}

#[test]
fn vp9() {
    let (at, configs) = read(include_bytes!("data/vp9.ivf"), vp9_key);
    assert_eq!(at, [0, 3]);
    assert_eq!(configs[0], configs[1]);
    assert_eq!(configs[0].size(), (160, 90));
    assert_eq!(configs[0].codecs(), "vp09.00.11.08");
    let (at, configs) = read(include_bytes!("data/vp9-10bit.ivf"), vp9_key);
    assert_eq!(at, [0]);
    assert_eq!(configs[0].codecs(), "vp09.02.11.10");
    assert_eq!(configs[0].profile(), "Profile 2");
}

/// FFmpeg's IVF has whole temporal units.
fn av1_key(unit: &[u8]) -> Option<VideoConfig> {
    let obus: Vec<_> = av1::obus(unit).collect::<Result<_, _>>().ok()?;
    assert_eq!(obus[0].kind, OBU_TEMPORAL_DELIMITER);
    let frame = obus.iter().find(|obu| obu.kind == OBU_FRAME)?;
    let is_key = av1::starts_keyframe(frame.payload) == Ok(true);
    let sequence = obus.iter().find(|obu| obu.kind == OBU_SEQUENCE_HEADER);
    assert_eq!(sequence.is_some(), is_key);
    let config = av1::parse_sequence_header(sequence?.payload).ok()?;
    Some(config.into())
}

#[test]
fn av1() {
    let (at, configs) = read(include_bytes!("data/av1.ivf"), av1_key);
    assert_eq!(at, [0, 3]);
    assert_eq!(configs[0], configs[1]);
    assert_eq!(configs[0].size(), (160, 90));
    assert_eq!(configs[0].codecs(), "av01.0.00M.08");
    let (at, configs) = read(include_bytes!("data/av1-10bit.ivf"), av1_key);
    assert_eq!(at, [0]);
    assert_eq!(configs[0].codecs(), "av01.0.00M.10");
    assert_eq!(configs[0].profile(), "Main");
}

/// FFmpeg's record and x265's access units, each behind four bytes of length.
#[test]
fn h265() {
    let file = Bytes::from_static(include_bytes!("data/h265.hvc"));
    let mut pieces = h265::nals(&file);
    let config = h265::parse_hvcc(&pieces.next().unwrap()).unwrap().config;
    assert_eq!((config.width, config.height), (160, 90));
    assert_eq!(h265::codecs(&config), "hvc1.1.6.L30.90");
    let units: Vec<_> = pieces.collect();
    let is_key = |unit: &Bytes| h265::picture(unit).unwrap().irap;
    let keys: Vec<_> = units.iter().map(is_key).collect();
    assert_eq!(keys, [true, false, false, true, false, false]);
    for unit in &units {
        // Its key frames repeat the sets, which go without saying.
        assert_eq!(h265::sets_of(unit).is_empty(), !is_key(unit));
        assert!(h265::sets_of(unit).are_in(&config));
        let left = h265::without(unit, &config);
        assert!(h265::sets_of(&left).is_empty());
        assert_eq!(left.len() < unit.len(), is_key(unit));
    }
}
