//! Pictures, on their way in and on their way back.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use media::Pts;

use crate::{Error, codec::check_length, message::Fields};

/// One access unit of a video source, in decode order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePicture {
    /// When it is shown; zero or later.
    pub pts: Pts,
    /// Whether it is to come back. One that is not is decoded for the sake of those after it.
    pub wanted: bool,
    /// Its NAL units, each behind its length in four bytes; 1 byte to [`PICTURE_BYTES_MAX`].
    pub payload: Bytes,
}

/// One access unit as it was encoded: decode order is the order in which it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// When it is shown: exactly the source picture's.
    pub pts: Pts,
    /// It is an IDR picture.
    pub keyframe: bool,
    /// Its NAL units, each behind its length in four bytes; 1 byte to [`PICTURE_BYTES_MAX`].
    pub payload: Bytes,
}

/// What a key frame shows, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jpeg {
    /// When it is shown: exactly the source picture's.
    pub pts: Pts,
    /// A JPEG file, 4 bytes to [`JPEG_BYTES_MAX`].
    pub file: Bytes,
}

impl SourcePicture {
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        check_pts(self.pts)?;
        encode(out, self.pts, self.wanted, &self.payload)
    }

    pub(crate) fn decode(body: Bytes) -> Result<Self, Error> {
        let (pts, wanted, payload) = decode(body)?;
        check_pts(pts)?;
        Ok(Self {
            pts,
            wanted,
            payload,
        })
    }
}

impl Picture {
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        encode(out, self.pts, self.keyframe, &self.payload)
    }

    pub(crate) fn decode(body: Bytes) -> Result<Self, Error> {
        let (pts, keyframe, payload) = decode(body)?;
        Ok(Self {
            pts,
            keyframe,
            payload,
        })
    }
}

impl Jpeg {
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), Error> {
        check_file(&self.file)?;
        out.put_i64(self.pts.0);
        out.put_slice(&self.file);
        Ok(())
    }

    pub(crate) fn decode(mut body: Bytes) -> Result<Self, Error> {
        body.require(8, "Jpeg")?;
        let pts = Pts(body.get_i64());
        check_file(&body)?;
        Ok(Self { pts, file: body })
    }
}

/// That it is what browsers are told it is: it begins and ends with the markers SOI and EOI (ITU-T T.81 section B.1.1.3).
fn check_file(file: &Bytes) -> Result<(), Error> {
    check_length("JPEG", file.len(), 4, JPEG_BYTES_MAX)?;
    if file.starts_with(&[0xff, 0xd8]) && file.ends_with(&[0xff, 0xd9]) {
        return Ok(());
    }
    Err(Error::NotJpeg)
}

fn encode(out: &mut BytesMut, pts: Pts, flag: bool, payload: &Bytes) -> Result<(), Error> {
    check_length("picture", payload.len(), 1, PICTURE_BYTES_MAX)?;
    out.put_u8(flag.into());
    out.put_i64(pts.0);
    out.put_slice(payload);
    Ok(())
}

fn decode(mut body: Bytes) -> Result<(Pts, bool, Bytes), Error> {
    body.require(9, "Picture")?;
    let flag = match body.get_u8() {
        0 => false,
        1 => true,
        other => {
            return Err(Error::Value {
                element: "flag of a picture",
                value: other.into(),
                allowed: "0 and 1 are allowed",
            });
        }
    };
    let pts = Pts(body.get_i64());
    check_length("picture", body.len(), 1, PICTURE_BYTES_MAX)?;
    Ok((pts, flag, body))
}

/// GStreamer's clock has no time before zero.
fn check_pts(pts: Pts) -> Result<(), Error> {
    if pts.0 < 0 {
        return Err(Error::Value {
            element: "pts",
            value: pts.0,
            allowed: "zero or later",
        });
    }
    Ok(())
}

/// A picture of 4K at 100 Mbit/s is a tenth of this.
pub const PICTURE_BYTES_MAX: usize = 4 << 20;

/// More than 1280 by 1280 samples take in 4:2:0, each as it is.
pub const JPEG_BYTES_MAX: usize = 4 << 20;
