//! Key frames in, a JPEG of each out: for those who choose what to watch.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Error, message::Fields, start::VideoSource};

/// The video source and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoToJpeg {
    /// What comes.
    pub source: VideoSource,
    /// Neither width nor height is more, 16 to 1280. What is smaller stays so.
    pub side_max: u16,
}

impl VideoToJpeg {
    /// A third of 1080p's width: a tile of a list of streams, sharp on a phone.
    pub const SIDE_MAX_DEFAULT: u16 = 640;

    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        self.check()?;
        out.put_u8(self.source.codec());
        out.put_u16(self.side_max);
        out.put_slice(self.source.configuration());
        Ok(())
    }

    pub(super) fn decode(mut body: Bytes) -> Result<Self, Error> {
        body.require(3, "Start")?;
        let (codec, side_max) = (body.get_u8(), body.get_u16());
        let source = VideoSource::read(codec, body)?;
        let start = Self { source, side_max };
        start.check()?;
        Ok(start)
    }

    fn check(&self) -> Result<(), Error> {
        if !SIDES.contains(&self.side_max) {
            return Err(Error::Value {
                element: "longest side of a JPEG",
                value: self.side_max.into(),
                allowed: "16 to 1280 are allowed",
            });
        }
        self.source.check()
    }
}

/// From one block of 4:2:0 to what fits into [`JPEG_BYTES_MAX`](crate::JPEG_BYTES_MAX) whatever it shows.
const SIDES: std::ops::RangeInclusive<u16> = 16..=1_280;
