//! VP8 (RFC 7741): a picture is one frame, in payloads behind their descriptors.

use bytes::Bytes;
use media::{VideoConfig, Vp8Config, vp8};

use super::{
    Fault, Look,
    assemble::{Assemble, KEPT_MAX, Picture, extend},
};

/// A frame.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    frame: Vec<u8>,
    in_force: Option<Vp8Config>,
}

/// What is behind a payload's descriptor.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    /// The frame begins here.
    starts: bool,
    body: &'a [u8],
}

/// Reads the payload descriptor (section 4.2):
///
/// ```text
///          0 1 2 3 4 5 6 7
///         +-+-+-+-+-+-+-+-+
///         |X|R|N|S|R| PID | (REQUIRED)
///         +-+-+-+-+-+-+-+-+
///    X:   |I|L|T|K| RSV   | (OPTIONAL)
///         +-+-+-+-+-+-+-+-+
///    I:   |M| PictureID   | (OPTIONAL), 16 bits with M
///         +-+-+-+-+-+-+-+-+
///    L:   |   TL0PICIDX   | (OPTIONAL)
///         +-+-+-+-+-+-+-+-+
///    T/K: |TID|Y| KEYIDX  | (OPTIONAL)
///         +-+-+-+-+-+-+-+-+
/// ```
fn read(payload: &[u8]) -> Result<Piece<'_>, Fault> {
    let (&first, mut body) = payload.split_first().ok_or(Fault::Truncated)?;
    if first & 0x80 != 0 {
        let extension = take(&mut body)?;
        if extension & 0x80 != 0 && take(&mut body)? & 0x80 != 0 {
            take(&mut body)?;
        }
        if extension & 0x40 != 0 {
            take(&mut body)?;
        }
        if extension & 0x30 != 0 {
            take(&mut body)?;
        }
    }
    // "The first packet of each encoded frame ... S bit SHOULD be set to 1 ... PID MUST be 0".
    Ok(Piece {
        starts: first & 0x17 == 0x10,
        body,
    })
}

/// The next byte of `bytes`, which is then behind.
pub(super) fn take(bytes: &mut &[u8]) -> Result<u8, Fault> {
    let (&first, rest) = bytes.split_first().ok_or(Fault::Truncated)?;
    *bytes = rest;
    Ok(first)
}

impl Assemble for Assembler {
    fn look(&self, payload: &[u8]) -> Look {
        match read(payload) {
            Ok(Piece { starts: true, body }) => Look {
                picture: true,
                keyframe: vp8::is_keyframe(body) == Some(true),
            },
            Ok(_) | Err(_) => Look::default(),
        }
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let piece = read(payload)?;
        match (piece.starts, self.frame.is_empty()) {
            (true, false) => return Err(Fault::TwoPictures),
            (false, true) => return Err(Fault::NoStart),
            (true, true) | (false, false) => {}
        }
        if piece.body.is_empty() {
            return Err(Fault::Truncated);
        }
        extend(&mut self.frame, piece.body)
    }

    /// The payloads do not say where a frame ends; the marker bit does.
    fn is_open(&self) -> bool {
        false
    }

    fn picture(&self) -> Option<Picture> {
        vp8::is_keyframe(&self.frame).map(|keyframe| Picture {
            keyframe,
            begins: true,
        })
    }

    fn activate(&mut self) -> Result<Option<VideoConfig>, Fault> {
        let config = vp8::parse_key_frame(&self.frame).map_err(Fault::Frame)?;
        let changed = self.in_force.replace(config) != Some(config);
        Ok(changed.then(|| config.into()))
    }

    fn payload(&self) -> Result<Bytes, Fault> {
        Ok(Bytes::copy_from_slice(&self.frame))
    }

    fn clear(&mut self) {
        self.frame.clear();
        self.frame.shrink_to(KEPT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_every_length_are_passed_over() {
        for (payload, starts) in [
            (&[0x10, 7][..], true),
            (&[0x00, 7], false),
            // The second partition begins, not the frame.
            (&[0x11, 7], false),
            (&[0x90, 0x80, 0x12, 7], true),
            (&[0x90, 0x80, 0x92, 0x34, 7], true),
            (&[0x90, 0xe0, 0x92, 0x34, 5, 0x20, 7], true),
            (&[0x80, 0x10, 0x20, 7], false),
        ] {
            let piece = read(payload).unwrap();
            assert_eq!(
                (piece.starts, piece.body),
                (starts, &[7][..]),
                "{payload:?}"
            );
        }
        for broken in [
            &[][..],
            &[0x90],
            &[0x90, 0x80],
            &[0x90, 0x80, 0x80],
            &[0x90, 0x40],
        ] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }
}
