//! The encoder's bytes: configurations of every codec, NAL units, OBUs, Opus packets, time stamps.

use bytes::{Bytes, BytesMut};
use hls::{Config, Epoch, Packager};
use media::{
    AacConfig, FrameGrid, FrameRate, H264Config, Timescale, UtcAnchor, VideoConfig,
    aac::{self, parse_asc},
    av1::{self, OBU_SEQUENCE_HEADER},
    h264::{self, nals, parse_avcc, parse_sps, slice_type, to_four_byte_lengths},
    opus::{self, packet_samples},
    sei::{self, Syntax},
    vp8,
    vp9::{self, Header},
};
use sfu::Rendition;
use transcode::{AacToOpus, Message as _, Start, ToChild};

use crate::take::Take;

/// An access unit with messages in it. What is taken out of it once is out; what is put in stands before the picture.
pub fn h264_sei(data: &[u8]) {
    sei(Syntax::H264, data);
}

pub(crate) fn sei(syntax: Syntax, data: &[u8]) {
    let Ok(unit) = to_four_byte_lengths(Bytes::copy_from_slice(data), 4) else {
        return;
    };
    let left = match sei::strip_own(syntax, &unit) {
        Some((left, count)) => {
            assert!(count > 0 && left.len() < unit.len());
            left
        }
        None => unit.clone(),
    };
    for nal in nals(&left) {
        assert!(syntax.is_vcl(&nal) || !sei::mentions_own(&nal));
    }
    let pictures = |unit: &Bytes| nals(unit).filter(|nal| syntax.is_vcl(nal)).count();
    assert_eq!(pictures(&unit), pictures(&left));
    for syntax in [Syntax::H264, Syntax::H265] {
        for nal in nals(&unit) {
            if let Ok(messages) = sei::messages(syntax, &nal) {
                assert!(messages.iter().all(|it| it.payload.len() < nal.len()));
            }
        }
    }
    let message: &[u8] = match syntax {
        Syntax::H264 => &[6, 0x80],
        Syntax::H265 => &[0x4e, 1, 0x80],
    };
    let length = u8::try_from(message.len()).expect("two or three");
    let whole = sei::insert(
        syntax,
        left.clone(),
        &[&[0, 0, 0, length], message].concat(),
    );
    assert_eq!(whole.len(), left.len() + 4 + message.len());
    let before = nals(&whole).take_while(|nal| !syntax.is_vcl(nal)).last();
    let before = before.expect("it stands there");
    assert!(syntax.is_sei(&before) && before.ends_with(&[0x80]));
}

/// A sequence parameter set. What is said of the picture is within what decoders can be asked for.
pub fn h264_sps(data: &[u8]) {
    let Ok(sps) = parse_sps(data) else { return };
    assert!(sps.width > 0 && sps.height > 0, "{sps:?}");
    assert!(
        u32::from(sps.width) * u32::from(sps.height) <= 8192 * 8192,
        "{sps:?}"
    );
    assert!(
        (8..=14).contains(&sps.bit_depth_luma) && (8..=14).contains(&sps.bit_depth_chroma),
        "{sps:?}"
    );
    assert!(sps.chroma_format_idc <= 3, "{sps:?}");
    assert!(
        sps.reorder_frames.is_none_or(|frames| frames <= 16),
        "{sps:?}"
    );
    if let Some(rate) = sps.frame_rate {
        assert!((1.0..=240.0).contains(&rate.fps()), "{sps:?}");
    }
}

/// A configuration record. What it is rewritten to says the same, and goes on to every consumer.
pub fn h264_avcc(data: &[u8]) {
    let Ok(avcc) = parse_avcc(data) else { return };
    assert!(matches!(avcc.length_size, 1 | 2 | 4));
    assert!(
        avcc.config.avcc.len() <= data.len() + 4,
        "only the four bytes of the extension can be added"
    );
    configuration(avcc.config);
}

/// Parameter sets, each behind a byte that says how long it is; a zero between the two kinds. What they make is a
/// record that says the same, and goes on to every consumer.
pub fn h264_sets(data: &[u8]) {
    let mut take = Take(data);
    let mut kinds = [Vec::new(), Vec::new()];
    for kind in &mut kinds {
        while !take.is_empty() {
            let length = usize::from(take.u8());
            if length == 0 {
                break;
            }
            kind.push(Bytes::copy_from_slice(take.up_to(length)));
        }
    }
    let [sps, pps] = kinds;
    if let Ok(config) = h264::configure(sps.clone(), pps.clone()) {
        assert!(sps.iter().all(|set| h264::sps_id(set).is_ok()));
        assert!(pps.iter().all(|set| h264::parse_pps(set).is_ok()));
        assert_eq!((&config.sps, &config.pps), (&sps, &pps));
        configuration(config);
    }
}

/// Its record is read as what it is, and every consumer takes it.
fn configuration(config: H264Config) {
    let again = parse_avcc(&config.avcc).expect("what is written is read");
    assert_eq!(again.length_size, 4);
    assert_eq!(again.config, config);
    assert_eq!(h264::codecs(&config).len(), "avc1.64001f".len());
    let config = VideoConfig::from(config);
    Rendition::video(1).set_video_config(&config);
    start_epoch(Some(config), None);
}

/// An access unit behind one byte for the size of its lengths. What is accepted is walked to its end.
pub fn h264_nals(data: &[u8]) {
    let Some((size, payload)) = data.split_first() else {
        return;
    };
    let payload = Bytes::copy_from_slice(payload);
    let walked: usize = nals(&payload).map(|nal| 4 + nal.len()).sum();
    assert!(walked <= payload.len());
    let length_size = size % 8;
    let Ok(canonical) = to_four_byte_lengths(payload.clone(), length_size) else {
        return;
    };
    assert!(matches!(length_size, 1 | 2 | 4));
    assert!(canonical.len() <= payload.len() + 4096 * 3);
    let mut walked = 0;
    for nal in nals(&canonical) {
        assert!(!nal.is_empty());
        let _ = (slice_type(&nal), parse_sps(&nal));
        let _ = (h264::first_mb_in_slice(&nal), h264::slice_pps_id(&nal));
        walked += 4 + nal.len();
    }
    assert_eq!(
        walked,
        canonical.len(),
        "a canonical access unit has no rest"
    );
    let again = to_four_byte_lengths(canonical.clone(), 4);
    assert_eq!(again.as_ref(), Ok(&canonical));
}

/// A VP8 key frame's beginning. LL-HLS refuses it by a value.
pub fn vp8_key_frame(data: &[u8]) {
    if let Ok(config) = vp8::parse_key_frame(data) {
        assert_eq!(vp8::is_keyframe(data), Some(true));
        assert!(config.version <= 3);
        whole(&config.into());
    }
}

/// A VP9 frame's beginning. A key frame goes on to the packager.
pub fn vp9_header(data: &[u8]) {
    if let Ok(Header::Key(config)) = vp9::parse_header(data) {
        assert!((10..=62).contains(&config.level()));
        whole(&config.into());
    }
}

/// A temporal unit of AV1, or a record. What is read is written the same again, and a sequence header goes on to the packager.
pub fn av1_obus(data: &[u8]) {
    if let Ok(Some(config)) = av1::parse_av1c(data) {
        whole(&config.into());
    }
    for obu in av1::obus(data).map_while(Result::ok) {
        let mut again = Vec::new();
        av1::put_obu(&mut again, &obu);
        assert_eq!(av1::read_obu(&again), Ok((obu, &[][..])));
        let _ = av1::starts_keyframe(obu.payload);
        if obu.kind == OBU_SEQUENCE_HEADER
            && let Ok(config) = av1::parse_sequence_header(obu.payload)
        {
            assert!(config.sequence_header.ends_with(obu.payload));
            whole(&config.into());
        }
    }
}

/// A temporal unit. A sample of it has nothing that a sample should not have, and is its own sample.
pub fn av1_sample(data: &[u8]) {
    let Ok(sample) = av1::sample(data) else {
        return;
    };
    assert!(!sample.payload.is_empty());
    for obu in av1::obus(&sample.payload) {
        let obu = obu.expect("what is put is read");
        assert!(!matches!(
            obu.kind,
            av1::OBU_TEMPORAL_DELIMITER
                | av1::OBU_PADDING
                | av1::OBU_REDUNDANT_FRAME_HEADER
                | av1::OBU_TILE_LIST
        ));
    }
    assert_eq!(av1::sample(&sample.payload), Ok(sample));
}

/// The header before Opus packets.
pub fn opus_head(data: &[u8]) {
    if let Ok(Some(head)) = opus::parse_head(data) {
        assert!(data.starts_with(b"OpusHead") && data.len() >= 19);
        assert!(matches!(head.channels, 1 | 2));
    }
}

/// What is said of a picture is within what decoders can be asked for, and every consumer takes it.
pub(crate) fn whole(config: &VideoConfig) {
    let (width, height) = config.size();
    assert!(width > 0 && height > 0, "{config:?}");
    assert!(
        u32::from(width) * u32::from(height) <= 8192 * 8192,
        "{config:?}"
    );
    assert!(!config.codecs().is_empty() && !config.profile().is_empty());
    start_epoch(Some(config.clone()), None);
}

/// An AudioSpecificConfig. What is accepted goes on to the packager and to the transcoding child.
pub fn aac_asc(data: &[u8]) {
    let Ok(config) = parse_asc(data) else { return };
    assert_eq!(config.asc, data);
    assert!((1..=8).contains(&config.channels), "{config:?}");
    assert!(
        (7_350..=96_000).contains(&config.sample_rate.hz()),
        "{config:?}"
    );
    assert!(aac::codecs(&config).starts_with("mp4a.40."));
    let message = ToChild::Start(Start::AacToOpus(AacToOpus::new(&config)));
    message
        .encode(&mut BytesMut::new())
        .expect("what is accepted can be transcoded");
    start_epoch(None, Some(config));
}

/// An Opus packet. It lasts as long when its frames are said to be padded, by nothing.
pub fn opus_packet(data: &[u8]) {
    let Ok(samples) = packet_samples(data) else {
        return;
    };
    assert!((120..=5760).contains(&samples), "{samples}");
    assert!(samples.is_multiple_of(120), "{samples}");
    if let [toc, count, frames @ ..] = data
        && toc & 0b11 == 0b11
        && count & 0x40 == 0
    {
        let padded = [&[*toc, count | 0x40, 0][..], frames].concat();
        assert_eq!(packet_samples(&padded), Ok(samples));
    }
}

/// A frame rate, then the milliseconds of frames. Times strictly increase, whatever the stamps do.
pub fn frame_grid(data: &[u8]) {
    let mut take = Take(data);
    let declared = f64::from_bits(u64::from_be_bytes(take.bytes()));
    let read = FrameRate::reduced(take.u32().into(), take.u32().into());
    let unknown = FrameRate { num: 0, den: 0 };
    let rate = FrameRate::from_decimal(declared).or(read);
    let scale = if take.u8().is_multiple_of(2) {
        Timescale::VIDEO
    } else {
        Timescale::OPUS
    };
    let mut grid = FrameGrid::new(rate.unwrap_or(unknown), scale);
    let (mut ms, mut last, mut placed) = (take.i64(), i64::MIN, 0);
    while !take.is_empty() {
        let time = grid.place(ms);
        assert_eq!(time.scale(), scale);
        assert!(time.ticks() > last, "{ms} ms gave {time:?} after {last}");
        last = time.ticks();
        placed += 1;
        assert!(grid.phase_changes() <= placed);
        let composition = i32::from_be_bytes(take.bytes());
        assert_eq!(grid.present(composition).scale(), scale);
        // Mostly small steps, as stamps are; now and then any stamp at all.
        ms = match take.u8() {
            255 => take.i64(),
            step => ms.wrapping_add(i64::from(step) - 8),
        };
    }
}

/// The packager may refuse a configuration by a value, never by a panic.
fn start_epoch(video: Option<VideoConfig>, audio: Option<AacConfig>) {
    let mut packager = Packager::new(Config::default(), "fuzz");
    let epoch = Epoch {
        number: 1,
        video,
        video_rate: None,
        audio,
        anchor: UtcAnchor::default(),
    };
    let _ = packager.start_epoch(epoch);
    while packager.poll_output().is_some() {}
}
