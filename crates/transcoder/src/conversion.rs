//! Which conversion a `Start` asks for: sound goes through two pipelines, video through one.

use transcode::{AacToOpus, OpusToAac, Start, VideoToH264};

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Conversion<'a> {
    Sound(Sound<'a>),
    Video(&'a VideoToH264),
}

/// Which sound comes, and which goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sound<'a> {
    AacToOpus(&'a AacToOpus),
    OpusToAac(&'a OpusToAac),
}

impl<'a> Conversion<'a> {
    pub(crate) const fn of(start: &'a Start) -> Self {
        match start {
            Start::AacToOpus(aac) => Self::Sound(Sound::AacToOpus(aac)),
            Start::OpusToAac(opus) => Self::Sound(Sound::OpusToAac(opus)),
            Start::VideoToH264(video) => Self::Video(video),
        }
    }
}
