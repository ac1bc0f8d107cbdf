//! Audio and video of a publisher: tags to frames.

mod source;

use bytes::Bytes;
use media::{AudioConfig, TrackKind, VideoConfig, aac, opus};

use self::source::{NO_HEADER, Source};
use crate::{
    Error, Event,
    clock::Clock,
    flv::{Refusal, Tag, audio, video},
};

/// What is known of the tracks of one publish.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    clock: Clock,
    video: Option<Source>,
    /// What was told last.
    video_config: Option<VideoConfig>,
    audio: Option<AudioConfig>,
    /// Messages left out since the last one that was not.
    dropped: u32,
    /// That there are more tracks of a kind is told once.
    others: [bool; 2],
}

/// What a message says: a configuration, then a frame.
type Told = [Option<Event>; 2];

const NOTHING: Told = [None, None];

impl Tracks {
    /// Reads a video message.
    pub(crate) fn video(&mut self, stamp: u32, payload: Bytes) -> Result<Told, Error> {
        let outcome = match video::parse(payload) {
            Ok(Tag::Config(codec, record)) => self.video_header(codec, record),
            Ok(Tag::Frame(codec, frame)) => self.video_frame(stamp, codec, frame),
            Ok(Tag::Nothing) => return Ok(NOTHING),
            Err(refusal) => Err(refusal),
        };
        self.settle(TrackKind::Video, outcome)
    }

    /// Reads an audio message.
    pub(crate) fn audio(&mut self, stamp: u32, payload: Bytes) -> Result<Told, Error> {
        let outcome = match audio::parse(payload) {
            Ok(Tag::Config(codec, record)) => self.audio_header(codec, &record),
            Ok(Tag::Frame(codec, payload)) => self.audio_frame(stamp, codec, payload),
            Ok(Tag::Nothing) => return Ok(NOTHING),
            Err(refusal) => Err(refusal),
        };
        self.settle(TrackKind::Audio, outcome)
    }

    /// Where a stamp of something else lies on the line of both, which goes by their own stamps alone.
    pub(crate) fn stamp(&self, stamp: u32) -> i64 {
        let mut line = self.clock;
        line.unwrap(stamp)
    }

    fn video_header(&mut self, codec: video::Codec, record: Bytes) -> Result<Told, Refusal> {
        if self.video.as_ref().is_some_and(|it| it.has(codec, &record)) {
            return Ok(NOTHING);
        }
        // Frames that follow a configuration we cannot read are not decodable with the last one; but they may bring their
        // own.
        self.video = Source::without_header(codec);
        let source = Source::with_header(codec, record)?;
        let config = source.config();
        self.video = Some(source);
        Ok([config.and_then(|config| self.tell(config)), None])
    }

    /// Repetitions are left out.
    fn tell(&mut self, config: VideoConfig) -> Option<Event> {
        let is_new = self.video_config.as_ref() != Some(&config);
        is_new.then(|| {
            self.video_config = Some(config.clone());
            Event::VideoConfig(config)
        })
    }

    fn video_frame(
        &mut self,
        stamp: u32,
        codec: video::Codec,
        frame: video::VideoFrame,
    ) -> Result<Told, Refusal> {
        if self.video.is_none() {
            self.video = Source::without_header(codec);
        }
        let source = self.video.as_mut().ok_or(Refusal::Drop(NO_HEADER))?;
        if source.codec() != codec {
            return Err(Refusal::Drop("video of another codec than announced"));
        }
        let read = source.frame(frame.payload)?;
        let config = read.config.and_then(|config| self.tell(config));
        let event = Event::Video {
            dts_ms: self.clock.unwrap(stamp),
            composition_ms: frame.composition_ms,
            keyframe: read.keyframe,
            payload: read.payload,
        };
        Ok([config, Some(event)])
    }

    fn audio_header(&mut self, codec: audio::Codec, record: &[u8]) -> Result<Told, Refusal> {
        let before = self.audio.take();
        let config = match codec {
            audio::Codec::Aac => AudioConfig::Aac(
                aac::parse_asc(record)
                    .map_err(|error| refusal(&error, "unreadable AAC sequence header"))?,
            ),
            audio::Codec::Opus => {
                opus::parse_head(record)
                    .map_err(|error| refusal(&error, "unreadable Opus header"))?;
                AudioConfig::Opus
            }
        };
        self.audio = Some(config.clone());
        let is_new = before.as_ref() != Some(&config);
        Ok([is_new.then_some(Event::AudioConfig(config)), None])
    }

    fn audio_frame(
        &mut self,
        stamp: u32,
        codec: audio::Codec,
        payload: Bytes,
    ) -> Result<Told, Refusal> {
        let mut config = None;
        match (&self.audio, codec) {
            (Some(AudioConfig::Aac(_)), audio::Codec::Aac) => {}
            (None, audio::Codec::Aac) => {
                return Err(Refusal::Drop("audio before its sequence header"));
            }
            (Some(AudioConfig::Opus) | None, audio::Codec::Opus) => {
                opus::packet_samples(&payload)
                    .map_err(|error| refusal(&error, "unreadable Opus packet"))?;
                // A packet says all that is to be known.
                if self.audio.replace(AudioConfig::Opus).is_none() {
                    config = Some(Event::AudioConfig(AudioConfig::Opus));
                }
            }
            (Some(AudioConfig::Aac(_)), audio::Codec::Opus)
            | (Some(AudioConfig::Opus), audio::Codec::Aac) => {
                return Err(Refusal::Drop("audio of another codec than announced"));
            }
        }
        let event = Event::Audio {
            pts_ms: self.clock.unwrap(stamp),
            payload,
        };
        Ok([config, Some(event)])
    }

    /// One bad message is left out; many in a row are a publisher that should be told.
    fn settle(&mut self, kind: TrackKind, outcome: Result<Told, Refusal>) -> Result<Told, Error> {
        match outcome {
            Ok(told) => {
                self.dropped = 0;
                Ok(told)
            }
            Err(Refusal::Drop(what)) => {
                self.dropped += 1;
                if self.dropped > DROPPED_MAX {
                    let (value, limit) = (self.dropped.into(), DROPPED_MAX.into());
                    return Err(Error::Limit { what, value, limit });
                }
                Ok([Some(Event::Dropped { what }), None])
            }
            // As many as there are frames, and no fault of the publisher's.
            Err(Refusal::OtherTrack) => {
                let told = match kind {
                    TrackKind::Video => &mut self.others[0],
                    TrackKind::Audio => &mut self.others[1],
                };
                let first = !std::mem::replace(told, true);
                let what = "other track of several";
                Ok([
                    first.then_some(Event::OtherTracks(kind)),
                    Some(Event::Dropped { what }),
                ])
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
