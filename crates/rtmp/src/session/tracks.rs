//! Audio and video of a publisher: tags to frames.

use bytes::Bytes;
use media::{AacConfig, aac, h264};

use crate::{
    Error, Event,
    clock::Clock,
    flv::{Refusal, Tag, audio, video},
};

/// What is known of the tracks of one publish.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    clock: Clock,
    video: Option<h264::Avcc>,
    audio: Option<AacConfig>,
    /// Messages left out since the last one that was not.
    dropped: u32,
}

impl Tracks {
    /// Reads a video message.
    pub(super) fn video(&mut self, stamp: u32, payload: Bytes) -> Result<Option<Event>, Error> {
        let outcome = match video::parse(payload) {
            Ok(Tag::Config(record)) => self.video_config(&record),
            Ok(Tag::Frame(frame)) => self.video_frame(stamp, frame).map(Some),
            Ok(Tag::Nothing) => return Ok(None),
            Err(refusal) => Err(refusal),
        };
        self.settle(outcome)
    }

    /// Reads an audio message.
    pub(super) fn audio(&mut self, stamp: u32, payload: Bytes) -> Result<Option<Event>, Error> {
        let outcome = match audio::parse(payload) {
            Ok(Tag::Config(record)) => self.audio_config(&record),
            Ok(Tag::Frame(_)) if self.audio.is_none() => {
                Err(Refusal::Drop("audio before its sequence header"))
            }
            Ok(Tag::Frame(payload)) => Ok(Some(Event::Audio {
                pts_ms: self.clock.unwrap(stamp),
                payload,
            })),
            Ok(Tag::Nothing) => return Ok(None),
            Err(refusal) => Err(refusal),
        };
        self.settle(outcome)
    }

    /// Where a stamp of something else lies on the line of both, which goes by their own stamps alone.
    pub(super) fn stamp(&self, stamp: u32) -> i64 {
        let mut line = self.clock;
        line.unwrap(stamp)
    }

    fn video_config(&mut self, record: &[u8]) -> Result<Option<Event>, Refusal> {
        // Frames that follow a configuration we cannot read are not decodable with the last one.
        let before = self.video.take();
        let avcc = h264::parse_avcc(record)
            .map_err(|error| refusal(&error, "unreadable AVC sequence header"))?;
        let config = avcc.config.clone();
        self.video = Some(avcc);
        let same = |before: &h264::Avcc| before.config == config;
        Ok((!before.as_ref().is_some_and(same)).then_some(Event::VideoConfig(config)))
    }

    fn video_frame(&mut self, stamp: u32, frame: video::VideoFrame) -> Result<Event, Refusal> {
        let Some(avcc) = &self.video else {
            return Err(Refusal::Drop("video before its sequence header"));
        };
        let payload = h264::to_four_byte_lengths(frame.units, avcc.length_size)
            .map_err(|error| refusal(&error, "unreadable NAL units"))?;
        Ok(Event::Video {
            dts_ms: self.clock.unwrap(stamp),
            composition_ms: frame.composition_ms,
            // The tag's own frame type also marks recovery points, where decoding cannot start.
            keyframe: h264::nals(&payload).any(|nal| h264::nal_type(&nal) == h264::NAL_IDR),
            payload,
        })
    }

    fn audio_config(&mut self, record: &[u8]) -> Result<Option<Event>, Refusal> {
        let before = self.audio.take();
        let config = aac::parse_asc(record)
            .map_err(|error| refusal(&error, "unreadable AAC sequence header"))?;
        self.audio = Some(config.clone());
        Ok((before.as_ref() != Some(&config)).then_some(Event::AudioConfig(config)))
    }

    /// One bad message is left out; many in a row are a publisher that should be told.
    fn settle(&mut self, outcome: Result<Option<Event>, Refusal>) -> Result<Option<Event>, Error> {
        match outcome {
            Ok(event) => {
                self.dropped = 0;
                Ok(event)
            }
            Err(Refusal::Drop(what)) => {
                self.dropped += 1;
                if self.dropped > DROPPED_MAX {
                    let (value, limit) = (self.dropped.into(), DROPPED_MAX.into());
                    return Err(Error::Limit { what, value, limit });
                }
                Ok(Some(Event::Dropped { what }))
            }
            Err(Refusal::Codec { codec, remedy }) => Err(Error::Codec { codec, remedy }),
        }
    }
}

fn refusal(error: &media::Error, what: &'static str) -> Refusal {
    if let media::Error::Unsupported {
        element,
        value,
        remedy,
    } = error
    {
        return Refusal::Codec {
            codec: format!("{element} {value}"),
            remedy,
        };
    }
    Refusal::Drop(what)
}

/// A second of video at 30 frames/s.
const DROPPED_MAX: u32 = 32;
