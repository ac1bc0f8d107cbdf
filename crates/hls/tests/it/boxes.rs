//! What is in the boxes: the checklist of CMAF, field by field.

use hls::{Publication, Rendition};
use mp4_atom::{Atom, Codec, Decode, Ftyp, Moov, Prft, ReferenceTime, Styp};

use crate::support::{
    Stream, boxes,
    source::{Source, audio_config, video_config},
};

fn inits(stream: &Stream) -> Vec<&hls::Init> {
    stream
        .log
        .iter()
        .filter_map(|publication| {
            if let Publication::Init(init) = publication {
                Some(init)
            } else {
                None
            }
        })
        .collect()
}

fn brands(compatible: &[mp4_atom::FourCC]) -> Vec<String> {
    compatible.iter().map(ToString::to_string).collect()
}

#[test]
fn an_initialisation_segment_describes_one_track() {
    let stream = Stream::of(&Source::default());
    for init in inits(&stream) {
        assert_eq!(boxes::kinds(&init.body), ["ftyp", "moov"]);
        let ftyp: Ftyp = boxes::decode(&init.body);
        assert_eq!(ftyp.major_brand.to_string(), "iso6");
        assert_eq!(
            brands(&ftyp.compatible_brands),
            ["iso6", "cmfc", "cmf2", "dash", "aid3"]
        );
        let moov: Moov = boxes::decode(&init.body);
        let ([trak], Some(mvex)) = (&moov.trak[..], &moov.mvex) else {
            panic!("one trak and an mvex")
        };
        assert_eq!((trak.tkhd.track_id, mvex.trex[0].track_id), (1, 1));
        assert_eq!(trak.edts, None, "no edit list");
        let stbl = &trak.mdia.minf.stbl;
        assert!(stbl.stts.entries.is_empty() && stbl.stsc.entries.is_empty());
        match (&stbl.stsd.codecs[..], init.rendition) {
            ([Codec::Avc1(avc1)], Rendition::Video) => {
                assert_eq!((avc1.visual.width, avc1.visual.height), (128, 72));
                assert_eq!(trak.mdia.mdhd.timescale, 90_000);
                let mut avcc = Vec::new();
                avc1.avcc.encode_body(&mut avcc).unwrap();
                assert_eq!(avcc, video_config().avcc, "the record as it came");
                assert_eq!(init.codecs, "avc1.64000a");
            }
            ([Codec::Mp4a(mp4a)], Rendition::Audio) => {
                assert_eq!(
                    (mp4a.audio.channel_count, mp4a.audio.sample_rate.integer()),
                    (2, 48_000)
                );
                assert_eq!(trak.mdia.mdhd.timescale, 48_000);
                let config = mp4a.esds.es_desc.dec_config.dec_specific.as_ref().unwrap();
                assert_eq!(config.raw, audio_config(48_000).asc);
                assert_eq!(init.codecs, "mp4a.40.2");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_segment_starts_with_its_type_and_its_time() {
    let stream = Stream::of(&Source::default());
    for rendition in Rendition::ALL {
        for part in stream.parts(rendition) {
            let kinds: Vec<String> = boxes::kinds(&part.body)
                .into_iter()
                .filter(|kind| kind != "emsg")
                .collect();
            let expected: &[&str] = if part.index == 0 {
                &["styp", "prft", "moof", "mdat"]
            } else {
                &["moof", "mdat"]
            };
            assert_eq!(kinds, expected, "{}", part.name);
        }
    }
    let first = &stream.parts(Rendition::Video)[6].body;
    let styp: Styp = boxes::decode(first);
    assert_eq!(
        brands(&styp.compatible_brands),
        ["msdh", "cmfs", "cmfl", "aid3"]
    );
    let prft: Prft = boxes::decode(first);
    assert_eq!(prft.utc_time_semantics, ReferenceTime::Consistent);
    assert_eq!(prft.media_time, 900_000 + 180_000);
    // 2026-11-21T22:00:02Z in seconds since 1900.
    assert_eq!(prft.ntp_timestamp, (1_795_298_402 + 2_208_988_800) << 32);
}

#[test]
fn versions_and_flags_are_the_ones_players_need() {
    let stream = Stream::of(&Source {
        b_frames: 3,
        ..Source::default()
    });
    for (rendition, scale) in [(Rendition::Video, 90_000), (Rendition::Audio, 48_000)] {
        for (count, part) in stream.parts(rendition).into_iter().enumerate() {
            assert_eq!(part.duration.timescale, scale);
            let moof = boxes::moof(&part.body);
            assert_eq!(moof.mfhd.sequence_number as usize, count + 1);
            for (kind, version) in [(&b"tfdt"[..], 1), (b"trun", 1)] {
                let at = part
                    .body
                    .windows(4)
                    .position(|bytes| bytes == kind)
                    .unwrap();
                assert_eq!(part.body[at + 4], version);
            }
        }
    }
}

#[test]
fn times_past_32_bits_are_exact() {
    for start in [(1 << 32) - 90_000, 1 << 33, 26 * 3600 * 90_000] {
        let source = Source {
            b_frames: 2,
            start,
            ..Source::default()
        };
        let stream = Stream::of(&source);
        let first = stream.parts(Rendition::Video)[0];
        let samples = boxes::samples(&first.body);
        let frames = source.video();
        for (sample, frame) in samples.iter().zip(&frames) {
            assert_eq!(
                (i64::try_from(sample.dts).unwrap(), sample.pts),
                (frame.dts.ticks(), frame.pts.ticks())
            );
        }
    }
}

#[test]
fn everything_decodes_again() {
    let stream = Stream::of(&Source::default());
    let bytes = stream.bytes(&stream.segments(Rendition::Video)[0].name);
    let mut rest = &bytes[..];
    let mut boxes = 0;
    while !rest.is_empty() {
        mp4_atom::Any::decode(&mut rest).unwrap();
        boxes += 1;
    }
    assert_eq!(
        boxes,
        2 + 1 + 6 * 2,
        "styp, prft, a snapshot, and six chunks"
    );
}
