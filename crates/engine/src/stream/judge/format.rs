//! What the configurations say: facts of an epoch, known before its first frame.

use media::{VideoConfig, h264};

use crate::{
    ingest::AudioSource,
    stream::judge::{recent::Finding, texts},
};

/// Apple's HLS authoring specification allows H.264 up to High, which is 4:2:0 with 8 bits (ITU-T H.264 annex A.2.4);
/// RFC 7742 section 6.2 asks WebRTC for Constrained Baseline only.
pub(super) fn profile(video: Option<&VideoConfig>) -> Finding {
    let Some((config, sps)) = sps(video) else {
        return Finding::Open;
    };
    let depth = sps.bit_depth_luma.max(sps.bit_depth_chroma);
    if sps.chroma_format_idc != 1 || depth > 8 {
        Finding::Wrong(texts::profile(
            config.profile(),
            sps.chroma_format_idc,
            depth,
        ))
    } else {
        Finding::Open
    }
}

pub(super) fn interlaced(video: Option<&VideoConfig>) -> Finding {
    match sps(video) {
        Some((_, sps)) if !sps.frame_mbs_only => Finding::Wrong(texts::interlaced()),
        _ => Finding::Open,
    }
}

fn sps(video: Option<&VideoConfig>) -> Option<(&VideoConfig, h264::Sps)> {
    let config = video?;
    let VideoConfig::H264(h264) = config else {
        return None;
    };
    Some((config, h264::parse_sps(h264.sps.first()?).ok()?))
}

pub(super) fn sample_rate(audio: Option<&AudioSource>) -> Finding {
    let Some(AudioSource::Aac(config)) = audio else {
        return Finding::Open;
    };
    // SBR and PS code half the samples (ISO/IEC 14496-3 section 4.6.18).
    let twice = matches!(config.object_type, 5 | 29);
    let hz = config.sample_rate.hz() * if twice { 2 } else { 1 };
    if matches!(hz, 44_100 | 48_000) {
        Finding::Open
    } else {
        Finding::Wrong(texts::sample_rate(hz))
    }
}

pub(super) fn audio_channels(audio: Option<&AudioSource>) -> Finding {
    match audio {
        Some(AudioSource::Aac(config)) if config.channels > 2 => {
            Finding::Wrong(texts::audio_channels(config.channels))
        }
        _ => Finding::Open,
    }
}
