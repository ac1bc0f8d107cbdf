//! Which conversion a `Start` asks for: sound goes through two pipelines, video through one, a still
//! picture through one of its own.

use transcode::{AacToOpus, OpusToAac, Start, VideoToH264, VideoToJpeg};

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Conversion<'a> {
    Sound(Sound<'a>),
    Video(&'a VideoToH264),
    Still(&'a VideoToJpeg),
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
            Start::VideoToJpeg(still) => Self::Still(still),
        }
    }
}
