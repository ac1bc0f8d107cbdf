//! The messages of both directions, parser and writer together (`docs/spec/transcoder-protocol.md`).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use media::{MediaTime, Timescale};

use crate::{
    Error, Jpeg, Picture, SourcePicture, Start,
    codec::{Message, check_length},
};

/// From the server to the child's standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToChild {
    /// First and once: what comes and what is wanted. Answered by [`FromChild::Ready`].
    Start(Start),
    /// One access unit.
    Frame {
        /// Where its first decoded sample plays, on the source's line; zero or later.
        pts: MediaTime,
        /// One raw_data_block or one Opus packet, 1 byte to [`FRAME_BYTES_MAX`].
        payload: Bytes,
    },
    /// One access unit of video.
    Picture(SourcePicture),
    /// The next picture that comes back is to be an IDR.
    Keyframe,
    /// Nothing more comes: encode what is there, then exit with status 0.
    Stop,
}

/// From the child's standard output to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromChild {
    /// The pipeline stands; frames are welcome.
    Ready,
    /// One Opus packet of 20 ms, or one AAC packet of 1024 samples.
    Packet {
        /// Where its first decoded sample plays, on the source's line at 48 kHz.
        pts: MediaTime,
        /// The packet, 1 byte to [`PACKET_BYTES_MAX`].
        payload: Bytes,
    },
    /// What the pictures after it are decoded with: an AVCDecoderConfigurationRecord, 7 bytes to
    /// [`CONFIGURATION_BYTES_MAX`].
    Configuration(Bytes),
    /// One encoded picture.
    Picture(Picture),
    /// What a key frame shows.
    Jpeg(Jpeg),
    /// The last message before the child exits by itself with a status that is not 0.
    Failed {
        /// For the log; at most [`REASON_BYTES_MAX`] bytes are sent.
        message: String,
    },
}

/// ISO/IEC 14496-3 section 4.5.1.1: a channel's input buffer holds 6144 bits, so 8 channels make 6 KiB
/// at most; ten times that for encoders that do not keep to it.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// ISO/IEC 14496-3 section 4.5.1.1: 6144 bits for each of two channels. Opus takes less: a byte and one frame
/// of at most 1275 (RFC 6716 sections 3.1 and 3.2.1).
pub const PACKET_BYTES_MAX: usize = 1536;

/// One sequence parameter set and one picture parameter set are a hundred bytes.
pub const CONFIGURATION_BYTES_MAX: usize = 4096;

/// Bytes of a failure's text; enough for GStreamer's message and where in its source it arose.
pub const REASON_BYTES_MAX: usize = 1024;

impl Message for ToChild {
    fn encode_body(&self, out: &mut BytesMut) -> Result<(), Error> {
        match self {
            Self::Start(start) => {
                out.put_u8(START);
                start.encode_fields(out)
            }
            Self::Frame { pts, payload } => {
                check_pts(pts.ticks())?;
                check_length("frame", payload.len(), 1, FRAME_BYTES_MAX)?;
                out.put_u8(FRAME);
                out.put_u32(pts.scale().hz());
                out.put_i64(pts.ticks());
                out.put_slice(payload);
                Ok(())
            }
            Self::Picture(picture) => {
                out.put_u8(SOURCE_PICTURE);
                picture.encode(out)
            }
            Self::Keyframe => {
                out.put_u8(KEYFRAME);
                Ok(())
            }
            Self::Stop => {
                out.put_u8(STOP);
                Ok(())
            }
        }
    }

    fn decode(kind: u8, mut body: Bytes) -> Result<Self, Error> {
        match kind {
            START => Ok(Self::Start(Start::decode_fields(body)?)),
            FRAME => {
                body.require(12, "Frame")?;
                let scale = Timescale::new(body.get_u32()).ok_or(Error::Value {
                    element: "timescale",
                    value: 0,
                    allowed: "at least 1 Hz",
                })?;
                let ticks = body.get_i64();
                check_pts(ticks)?;
                check_length("frame", body.len(), 1, FRAME_BYTES_MAX)?;
                Ok(Self::Frame {
                    pts: MediaTime::new(ticks, scale),
                    payload: body,
                })
            }
            SOURCE_PICTURE => SourcePicture::decode(body).map(Self::Picture),
            KEYFRAME => body.finished("Keyframe").map(|()| Self::Keyframe),
            STOP => body.finished("Stop").map(|()| Self::Stop),
            kind => Err(Error::UnknownType(kind)),
        }
    }
}

impl Message for FromChild {
    fn encode_body(&self, out: &mut BytesMut) -> Result<(), Error> {
        match self {
            Self::Ready => out.put_u8(READY),
            Self::Packet { pts, payload } => {
                check_scale(pts.scale())?;
                check_length("packet", payload.len(), 1, PACKET_BYTES_MAX)?;
                out.put_u8(PACKET);
                out.put_i64(pts.ticks());
                out.put_slice(payload);
            }
            Self::Configuration(configuration) => {
                let length = configuration.len();
                check_length("video configuration", length, 7, CONFIGURATION_BYTES_MAX)?;
                out.put_u8(CONFIGURATION);
                out.put_slice(configuration);
            }
            Self::Picture(picture) => {
                out.put_u8(PICTURE);
                picture.encode(out)?;
            }
            Self::Jpeg(jpeg) => {
                out.put_u8(JPEG);
                jpeg.encode(out)?;
            }
            Self::Failed { message } => {
                out.put_u8(FAILED);
                let end = message.floor_char_boundary(REASON_BYTES_MAX);
                out.put_slice(&message.as_bytes()[..end]);
            }
        }
        Ok(())
    }

    fn decode(kind: u8, mut body: Bytes) -> Result<Self, Error> {
        match kind {
            READY => body.finished("Ready").map(|()| Self::Ready),
            PACKET => {
                body.require(8, "Packet")?;
                let pts = MediaTime::new(body.get_i64(), Timescale::OPUS);
                check_length("packet", body.len(), 1, PACKET_BYTES_MAX)?;
                Ok(Self::Packet { pts, payload: body })
            }
            CONFIGURATION => {
                let length = body.len();
                check_length("video configuration", length, 7, CONFIGURATION_BYTES_MAX)?;
                Ok(Self::Configuration(body))
            }
            PICTURE => Picture::decode(body).map(Self::Picture),
            JPEG => Jpeg::decode(body).map(Self::Jpeg),
            FAILED => {
                check_length("failure text", body.len(), 0, REASON_BYTES_MAX)?;
                let text = std::str::from_utf8(&body).map_err(|_| Error::NotUtf8 {
                    element: "failure text",
                })?;
                Ok(Self::Failed {
                    message: text.to_owned(),
                })
            }
            kind => Err(Error::UnknownType(kind)),
        }
    }
}

/// What a body's reader asks before it takes a field.
pub(crate) trait Fields: Buf {
    /// At least `bytes` are left.
    fn require(&self, bytes: usize, element: &'static str) -> Result<(), Error> {
        if self.remaining() < bytes {
            return Err(Error::CutOff { element });
        }
        Ok(())
    }

    /// Nothing is left.
    fn finished(&self, message: &'static str) -> Result<(), Error> {
        match self.remaining() {
            0 => Ok(()),
            bytes => Err(Error::Trailing { message, bytes }),
        }
    }
}

impl Fields for Bytes {}

/// GStreamer's clock has no time before zero, and the stream timeline starts after it.
fn check_pts(ticks: i64) -> Result<(), Error> {
    if ticks < 0 {
        return Err(Error::Value {
            element: "pts",
            value: ticks,
            allowed: "zero or later",
        });
    }
    Ok(())
}

/// Opus's one clock rate (RFC 7587 section 4.1), and that of the AAC that is made here.
fn check_scale(scale: Timescale) -> Result<(), Error> {
    if scale != Timescale::OPUS {
        return Err(Error::Value {
            element: "timescale of a packet",
            value: scale.hz().into(),
            allowed: "48000 always",
        });
    }
    Ok(())
}

const START: u8 = 0x01;
const FRAME: u8 = 0x02;
const STOP: u8 = 0x03;
const SOURCE_PICTURE: u8 = 0x04;
const KEYFRAME: u8 = 0x05;
const READY: u8 = 0x81;
const PACKET: u8 = 0x82;
const FAILED: u8 = 0x83;
const CONFIGURATION: u8 = 0x84;
const PICTURE: u8 = 0x85;
const JPEG: u8 = 0x86;
