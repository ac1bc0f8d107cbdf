//! H.265, VP9 and AV1 have sample entries of their own; VP8 is refused.

use bytes::Bytes;
use hls::{
    Config, Directives, Epoch, Error, Origin, Packager, PlaylistAnswer, Publication, Rendition,
};
use media::{
    Frame, FrameRate, MediaTime, Timescale, TrackKind, VideoCodec, VideoConfig,
    av1::{self, OBU_SEQUENCE_HEADER},
    h265, vp8,
    vp9::{self, Header},
};
use mp4_atom::{Codec, Ftyp, Moov};

use crate::support::{ANCHOR, Stream, boxes, source::START};

/// The frames of an IVF file: 32 bytes of header, and 12 before each frame that begin with its size.
fn frames(ivf: &'static [u8]) -> Vec<&'static [u8]> {
    let mut rest = &ivf[32..];
    let mut frames = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let size = u32::from_le_bytes(*head.first_chunk().unwrap());
        let (frame, after) = after.split_at(size as usize);
        frames.push(frame);
        rest = after;
    }
    frames
}

fn vp9_config(frame: &[u8]) -> VideoConfig {
    match vp9::parse_header(frame).unwrap() {
        Header::Key(config) => config.into(),
        Header::Other => panic!("a key frame"),
    }
}

fn av1_config(unit: &[u8]) -> VideoConfig {
    let is_header = |obu: &av1::Obu<'_>| obu.kind == OBU_SEQUENCE_HEADER;
    let header = av1::obus(unit).map(Result::unwrap).find(is_header).unwrap();
    av1::parse_sequence_header(header.payload).unwrap().into()
}

fn epoch(video: VideoConfig) -> Epoch {
    Epoch {
        number: 1,
        video: Some(video),
        video_rate: Some(FrameRate { num: 30, den: 1 }),
        audio: None,
        anchor: ANCHOR,
    }
}

/// A stream of recorded samples, every third a key frame.
fn packaged(config: VideoConfig, samples: &[impl AsRef<[u8]>]) -> Stream {
    let mut stream = Stream::new(Config::default());
    stream.start(epoch(config));
    let mut all = Vec::new();
    for (n, sample) in samples.iter().enumerate() {
        let time = MediaTime::new(START + n as i64 * 3_000, Timescale::VIDEO);
        all.push(Frame {
            track: TrackKind::Video,
            dts: time,
            pts: time,
            keyframe: n % 3 == 0,
            payload: Bytes::copy_from_slice(sample.as_ref()),
        });
    }
    stream.feed(&all);
    stream.end();
    let parts = stream.parts(Rendition::Video);
    let out: Vec<_> = parts
        .iter()
        .flat_map(|part| boxes::samples(&part.body))
        .collect();
    assert_eq!(out.len(), samples.len());
    for (n, (sample, payload)) in out.iter().zip(samples).enumerate() {
        assert_eq!(
            (sample.sync, &sample.payload[..]),
            (n % 3 == 0, payload.as_ref())
        );
    }
    stream
}

/// The one sample entry of the one initialisation segment, with its `ftyp`.
fn entry(stream: &Stream) -> (Codec, Ftyp) {
    let body = stream.log.iter().find_map(|publication| match publication {
        Publication::Init(init) => Some(&init.body),
        _ => None,
    });
    let body = body.unwrap();
    let moov: Moov = boxes::decode(body);
    let mut codecs = moov.trak[0].mdia.minf.stbl.stsd.codecs.clone();
    assert_eq!(codecs.len(), 1);
    (codecs.remove(0), boxes::decode(body))
}

#[test]
fn vp9() {
    let recorded = frames(include_bytes!("../../../media/tests/data/vp9.ivf"));
    let stream = packaged(vp9_config(recorded[0]), &recorded);
    let (Codec::Vp09(vp09), _) = entry(&stream) else {
        panic!("a vp09 entry");
    };
    assert_eq!((vp09.visual.width, vp09.visual.height), (160, 90));
    let vpcc = &vp09.vpcc;
    assert_eq!((vpcc.profile, vpcc.level, vpcc.bit_depth), (0, 11, 8));
    assert_eq!((vpcc.chroma_subsampling, vpcc.matrix_coefficients), (1, 1));
    assert!(vpcc.codec_initialization_data.is_empty());
    let multivariant = stream.multivariant("");
    assert!(
        multivariant.contains("CODECS=\"vp09.00.11.08\""),
        "{multivariant}"
    );
}

#[test]
fn av1() {
    let recorded = frames(include_bytes!("../../../media/tests/data/av1.ivf"));
    // Samples have no temporal delimiters; these are the first two bytes.
    let samples: Vec<_> = recorded.iter().map(|unit| &unit[2..]).collect();
    let config = av1_config(recorded[0]);
    let VideoConfig::Av1(av1) = &config else {
        panic!("it is AV1's");
    };
    let sequence_header = av1.sequence_header.clone();
    let stream = packaged(config, &samples);
    let (Codec::Av01(av01), ftyp) = entry(&stream) else {
        panic!("an av01 entry");
    };
    assert!(
        ftyp.compatible_brands
            .iter()
            .any(|brand| brand.to_string() == "av01")
    );
    let av1c = &av01.av1c;
    assert_eq!(
        (av1c.seq_profile, av1c.seq_level_idx_0, av1c.high_bitdepth),
        (0, 0, false)
    );
    assert!(av1c.chroma_subsampling_x && av1c.chroma_subsampling_y && !av1c.monochrome);
    assert_eq!(av1c.config_obus, sequence_header);
    let multivariant = stream.multivariant("");
    assert!(
        multivariant.contains("CODECS=\"av01.0.00M.08\""),
        "{multivariant}"
    );
}

#[test]
fn h265() {
    let file = Bytes::from_static(include_bytes!("../../../media/tests/data/h265.hvc"));
    let mut pieces = h265::nals(&file);
    let config = h265::parse_hvcc(&pieces.next().unwrap()).unwrap().config;
    let samples: Vec<_> = pieces.map(|unit| h265::without(&unit, &config)).collect();
    let record = config.hvcc.clone();
    let stream = packaged(config.into(), &samples);
    let (Codec::Hvc1(hvc1), _) = entry(&stream) else {
        panic!("an hvc1 entry");
    };
    assert_eq!((hvc1.visual.width, hvc1.visual.height), (160, 90));
    // The sample entry's name promises that the sets are all here, and nothing else is.
    let arrays = hvc1.hvcc.arrays.iter();
    let arrays: Vec<_> = arrays
        .map(|array| (array.completeness, array.nal_unit_type))
        .collect();
    assert_eq!(arrays, [(true, 32), (true, 33), (true, 34)]);
    let init = stream.log.iter().find_map(|publication| match publication {
        Publication::Init(init) => Some(init.body.clone()),
        _ => None,
    });
    let init = init.unwrap();
    assert!(init.windows(record.len()).any(|bytes| bytes == record));
    let multivariant = stream.multivariant("");
    assert!(
        multivariant.contains("CODECS=\"hvc1.1.6.L30.90\",RESOLUTION=160x90"),
        "{multivariant}"
    );
}

#[test]
fn vp8_is_refused_and_nothing_changes() {
    let recorded = frames(include_bytes!("../../../media/tests/data/vp8.ivf"));
    let config = VideoConfig::from(vp8::parse_key_frame(recorded[0]).unwrap());
    assert!(!hls::carries(&config));
    let mut packager = Packager::new(Config::default(), "demo");
    let refused = packager.start_epoch(epoch(config));
    assert_eq!(refused, Err(Error::NotCarried("VP8")));
    assert_eq!(packager.poll_output(), None);
    packager.start_nothing(VideoCodec::Vp8);
    let mut origin = Origin::new(Config::default());
    while let Some(publication) = packager.poll_output() {
        origin.apply(publication);
    }
    let directives = Directives::default();
    let answer = PlaylistAnswer::NotCarried("VP8");
    assert_eq!(origin.multivariant(&directives), answer);
    assert_eq!(origin.playlist(Rendition::Video, &directives), answer);
}
