//! A publisher's video: what makes frames of its payloads depends on the codec.
//!
//! The bitstream decides. A sequence header in the tags is a hint, which encoders leave out, send empty or send wrong: H.264
//! alone is not begun without one.

use bytes::Bytes;
use media::{
    Av1Config, H265Config, VideoConfig, Vp9Config, av1, h264, h265,
    vp9::{self, Header},
};

use super::refusal;
use crate::flv::{Refusal, video::Codec};

/// What is known of the video track.
#[derive(Debug)]
pub(super) struct Source {
    kind: Kind,
    /// The sequence header last sent: encoders repeat it.
    record: Bytes,
}

#[derive(Debug)]
enum Kind {
    H264(h264::Avcc),
    H265 {
        config: Option<H265Config>,
        length_size: u8,
    },
    Vp9(Option<Vp9Config>),
    Av1(Option<Av1Config>),
}

/// A payload as it goes on.
#[derive(Debug)]
pub(super) struct Frame {
    /// Valid from this frame on, if it is another than before.
    pub(super) config: Option<VideoConfig>,
    pub(super) keyframe: bool,
    pub(super) payload: Bytes,
}

impl Source {
    /// A track whose sequence header has not come. H.264 needs it.
    pub(super) fn without_header(codec: Codec) -> Option<Self> {
        let kind = match codec {
            Codec::H264 => return None,
            Codec::H265 => Kind::H265 {
                config: None,
                length_size: 4,
            },
            Codec::Vp9 => Kind::Vp9(None),
            Codec::Av1 => Kind::Av1(None),
        };
        let record = Bytes::new();
        Some(Self { kind, record })
    }

    /// A track by its sequence header.
    pub(super) fn with_header(codec: Codec, record: Bytes) -> Result<Self, Refusal> {
        let kind = match codec {
            Codec::H264 => Kind::H264(
                h264::parse_avcc(&record)
                    .map_err(|error| refusal(&error, "unreadable AVC sequence header"))?,
            ),
            Codec::H265 if !record.is_empty() => {
                let hvcc = h265::parse_hvcc(&record)
                    .map_err(|error| refusal(&error, "unreadable HEVC sequence header"))?;
                Kind::H265 {
                    config: Some(hvcc.config),
                    length_size: hvcc.length_size,
                }
            }
            Codec::H265 => Kind::H265 {
                config: None,
                length_size: 4,
            },
            // It says nothing that the key frames do not say better.
            Codec::Vp9 => Kind::Vp9(None),
            Codec::Av1 => Kind::Av1(
                av1::parse_av1c(&record)
                    .map_err(|error| refusal(&error, "unreadable AV1 sequence header"))?,
            ),
        };
        Ok(Self { kind, record })
    }

    pub(super) const fn codec(&self) -> Codec {
        match self.kind {
            Kind::H264(_) => Codec::H264,
            Kind::H265 { .. } => Codec::H265,
            Kind::Vp9(_) => Codec::Vp9,
            Kind::Av1(_) => Codec::Av1,
        }
    }

    /// This sequence header has been taken already; or it is empty, and says nothing against what is known.
    pub(super) fn has(&self, codec: Codec, record: &Bytes) -> bool {
        let says_nothing = record.is_empty() || codec == Codec::Vp9;
        self.codec() == codec && (self.record == record || says_nothing)
    }

    /// What is known before a frame is.
    pub(super) fn config(&self) -> Option<VideoConfig> {
        match &self.kind {
            Kind::H264(avcc) => Some(avcc.config.clone().into()),
            Kind::H265 { config, .. } => config.clone().map(VideoConfig::from),
            Kind::Vp9(config) => config.map(VideoConfig::from),
            Kind::Av1(config) => config.clone().map(VideoConfig::from),
        }
    }

    pub(super) fn frame(&mut self, payload: Bytes) -> Result<Frame, Refusal> {
        match &mut self.kind {
            Kind::H264(avcc) => h264_frame(avcc, payload),
            Kind::H265 {
                config,
                length_size,
            } => h265_frame(config, *length_size, payload),
            Kind::Vp9(config) => vp9_frame(config, payload),
            Kind::Av1(config) => av1_frame(config, &payload),
        }
    }
}

fn h264_frame(avcc: &h264::Avcc, payload: Bytes) -> Result<Frame, Refusal> {
    let payload = h264::to_four_byte_lengths(payload, avcc.length_size)
        .map_err(|error| refusal(&error, "unreadable NAL units"))?;
    Ok(Frame {
        config: None,
        // The tag's own frame type also marks recovery points, where decoding cannot start.
        keyframe: h264::nals(&payload).any(|nal| h264::nal_type(&nal) == h264::NAL_IDR),
        payload,
    })
}

fn h265_frame(
    config: &mut Option<H265Config>,
    length_size: u8,
    payload: Bytes,
) -> Result<Frame, Refusal> {
    let payload = h265::to_four_byte_lengths(payload, length_size)
        .map_err(|error| refusal(&error, "unreadable NAL units"))?;
    let picture =
        h265::picture(&payload).ok_or(Refusal::Drop("HEVC access unit without a picture"))?;
    let mut changed = None;
    // Sets are activated by the pictures that decoding can start at; others may stand only where they change nothing.
    let sets = h265::sets_of(&payload);
    if picture.irap && !config.as_ref().is_some_and(|config| sets.are_in(config)) {
        if sets.is_empty() {
            return Err(Refusal::Drop(NO_HEADER));
        }
        let read = sets
            .onto(config.as_ref())
            .map_err(|error| refusal(&error, "unreadable HEVC parameter sets"))?;
        changed = Some(read.clone().into());
        *config = Some(read);
    }
    let config = config.as_ref().ok_or(Refusal::Drop(NO_HEADER))?;
    Ok(Frame {
        config: changed,
        keyframe: picture.irap,
        payload: h265::without(&payload, config),
    })
}

fn vp9_frame(config: &mut Option<Vp9Config>, payload: Bytes) -> Result<Frame, Refusal> {
    let header =
        vp9::parse_header(&payload).map_err(|error| refusal(&error, "unreadable VP9 frame"))?;
    let mut changed = None;
    let keyframe = match header {
        Header::Key(read) => {
            if config.replace(read) != Some(read) {
                changed = Some(read.into());
            }
            true
        }
        Header::Other if config.is_none() => return Err(Refusal::Drop(NO_HEADER)),
        Header::Other => false,
    };
    Ok(Frame {
        config: changed,
        keyframe,
        payload,
    })
}

fn av1_frame(config: &mut Option<Av1Config>, payload: &[u8]) -> Result<Frame, Refusal> {
    const WHAT: &str = "unreadable AV1 temporal unit";
    let sample = av1::sample(payload).map_err(|error| refusal(&error, WHAT))?;
    let (mut changed, mut payload) = (None, sample.payload);
    match &sample.sequence {
        Some(sequence) if sample.keyframe => {
            let read =
                av1::parse_sequence_header(sequence).map_err(|error| refusal(&error, WHAT))?;
            if config.as_ref() != Some(&read) {
                changed = Some(read.clone().into());
                *config = Some(read);
            }
        }
        _ => {}
    }
    let config = config.as_ref().ok_or(Refusal::Drop(NO_HEADER))?;
    if sample.keyframe && sample.sequence.is_none() {
        // AV1 Codec ISO Media File Format Binding section 2.5: a sync sample has its sequence header.
        payload = [&config.sequence_header[..], &payload].concat().into();
    }
    Ok(Frame {
        config: changed,
        keyframe: sample.keyframe,
        payload,
    })
}

pub(super) const NO_HEADER: &str = "video before its sequence header";
