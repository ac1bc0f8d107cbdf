//! Initialisation segments: `ftyp` and a `moov` without samples (ISO/IEC 23000-19 section 7.3.1).

use bytes::Bytes;
use media::{AacConfig, Timescale, VideoConfig};
use mp4_atom::{
    Audio, Codec, Dinf, Dref, Encode, Esds, FixedPoint, FourCC, Ftyp, Hdlr, Mdhd, Mdia, Minf, Moov,
    Mp4a, Mvex, Mvhd, Smhd, Stbl, Stsd, Tkhd, Trak, Trex, Url, Vmhd,
    esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig},
};

use super::{BRANDS, NON_SYNC_SAMPLE, SYNC_SAMPLE, TRACK_ID, entry};
use crate::Error;

/// The initialisation segment of a video track.
pub(crate) fn video(config: &VideoConfig) -> Result<Bytes, Error> {
    let entry = entry::of(config)?;
    let (width, height) = config.size();
    let tkhd = Tkhd {
        width: width.into(),
        height: height.into(),
        ..tkhd()
    };
    let minf = Minf {
        vmhd: Some(Vmhd::default()),
        ..minf(entry.codec)
    };
    let moov = moov(tkhd, Timescale::VIDEO, b"vide", minf, NON_SYNC_SAMPLE);
    write(&moov, entry.brand).map_err(|error| refused(entry.record, &error))
}

/// The initialisation segment of an AAC track.
pub(crate) fn audio(config: &AacConfig) -> Result<Bytes, Error> {
    // A 16.16 number. A rate past its range is written as 0; decoders go by the
    // AudioSpecificConfig.
    let sample_rate = u16::try_from(config.sample_rate.hz()).unwrap_or(0);
    let audio = Audio {
        data_reference_index: 1,
        channel_count: config.channels.into(),
        sample_size: 16,
        sample_rate: sample_rate.into(),
    };
    let entry = Mp4a {
        audio,
        esds: esds(config),
        btrt: None,
        taic: None,
    };
    let tkhd = Tkhd {
        volume: 1.into(),
        alternate_group: 1,
        ..tkhd()
    };
    let minf = Minf {
        smhd: Some(Smhd::default()),
        ..minf(entry.into())
    };
    let moov = moov(tkhd, config.sample_rate, b"soun", minf, SYNC_SAMPLE);
    write(&moov, None).map_err(|error| refused("esds", &error))
}

fn esds(config: &AacConfig) -> Esds {
    let dec_config = DecoderConfig {
        object_type_indication: MPEG4_AUDIO,
        stream_type: AUDIO_STREAM,
        // The object type in the bytes themselves is the truth; the other fields are a view of them
        // that the writer ignores.
        dec_specific: Some(DecoderSpecific {
            raw: config.asc.to_vec(),
            ..DecoderSpecific::default()
        }),
        ..DecoderConfig::default()
    };
    // ISO/IEC 14496-14 section 3.1.2: the ES_ID of a stream in a file is 0 here and taken from the
    // track.
    Esds {
        es_desc: EsDescriptor {
            dec_config,
            sl_config: SLConfig::default(),
            ..EsDescriptor::default()
        },
    }
}

fn moov(tkhd: Tkhd, scale: Timescale, handler: &[u8; 4], minf: Minf, sample_flags: u32) -> Moov {
    let mdhd = Mdhd {
        timescale: scale.hz(),
        language: "und".to_owned(),
        ..Mdhd::default()
    };
    let hdlr = Hdlr {
        handler: FourCC::new(handler),
        name: String::new(),
    };
    // No edit list: `cmf2` forbids it for video, and players apply it differently for audio.
    let trak = Trak {
        tkhd,
        mdia: Mdia { mdhd, hdlr, minf },
        ..Trak::default()
    };
    let trex = Trex {
        track_id: TRACK_ID,
        default_sample_description_index: 1,
        default_sample_flags: sample_flags,
        ..Trex::default()
    };
    Moov {
        mvhd: Mvhd {
            timescale: scale.hz(),
            rate: FixedPoint::from(1),
            volume: FixedPoint::from(1),
            next_track_id: TRACK_ID + 1,
            ..Mvhd::default()
        },
        mvex: Some(Mvex {
            mehd: None,
            trex: vec![trex],
        }),
        trak: vec![trak],
        ..Moov::default()
    }
}

fn tkhd() -> Tkhd {
    Tkhd {
        track_id: TRACK_ID,
        enabled: true,
        in_movie: true,
        ..Tkhd::default()
    }
}

fn minf(entry: Codec) -> Minf {
    let dinf = Dinf {
        dref: Dref {
            entries: vec![Url::default().into()],
        },
    };
    Minf {
        dinf,
        stbl: Stbl {
            stsd: Stsd {
                codecs: vec![entry],
            },
            stco: Some(Default::default()),
            ..Stbl::default()
        },
        ..Minf::default()
    }
}

fn write(moov: &Moov, brand: Option<FourCC>) -> Result<Bytes, mp4_atom::Error> {
    let ftyp = Ftyp {
        major_brand: FourCC::new(b"iso6"),
        minor_version: 0,
        compatible_brands: BRANDS.into_iter().chain(brand).collect(),
    };
    let mut out = Vec::with_capacity(1024);
    ftyp.encode(&mut out)?;
    moov.encode(&mut out)?;
    Ok(out.into())
}

pub(super) fn refused(what: &'static str, error: &mp4_atom::Error) -> Error {
    Error::DecoderConfig {
        what,
        reason: error.to_string(),
    }
}

/// objectTypeIndication of MPEG-4 audio (ISO/IEC 14496-1 table 5).
const MPEG4_AUDIO: u8 = 0x40;
/// streamType of audio (ISO/IEC 14496-1 table 6).
const AUDIO_STREAM: u8 = 5;
