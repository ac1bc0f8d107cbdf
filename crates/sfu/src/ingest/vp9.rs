//! VP9 (RFC 9628): a picture is one frame, or one for each of its spatial layers.

mod descriptor;

use bytes::Bytes;
use media::{
    VideoConfig, Vp9Config,
    vp9::{self, Header},
};

use self::descriptor::{Descriptor, read};
use super::{
    Fault, Look,
    assemble::{Assemble, KEPT_MAX, Picture, extend},
};

/// A picture's frames, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    bytes: Vec<u8>,
    /// Where each frame begins in `bytes`.
    starts: Vec<usize>,
    /// The last of them has not ended.
    is_open: bool,
    /// Of the first frame, once it is whole.
    header: Option<Header>,
    /// It is that of the lowest layer.
    begins: bool,
    /// Of the highest layer, where a scalability structure says.
    size: Option<(u16, u16)>,
    in_force: Option<Vp9Config>,
}

impl Assemble for Assembler {
    fn look(&self, payload: &[u8]) -> Look {
        match read(payload) {
            Ok(piece) if piece.starts && piece.spatial == 0 => Look {
                picture: true,
                keyframe: matches!(vp9::parse_header(piece.body), Ok(Header::Key(_))),
            },
            Ok(_) | Err(_) => Look::default(),
        }
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let piece = read(payload)?;
        match (piece.starts, self.is_open) {
            (true, true) => return Err(Fault::NoEnd),
            (false, false) => return Err(Fault::NoStart),
            (true, false) => self.begin(&piece)?,
            (false, true) => {}
        }
        if piece.body.is_empty() {
            return Err(Fault::Truncated);
        }
        extend(&mut self.bytes, piece.body)?;
        if piece.ends {
            self.is_open = false;
            if self.header.is_none() {
                self.header = Some(vp9::parse_header(&self.bytes).map_err(Fault::Frame)?);
            }
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    fn picture(&self) -> Option<Picture> {
        let header = self.header.as_ref()?;
        Some(Picture {
            keyframe: matches!(header, Header::Key(_)),
            begins: self.begins,
        })
    }

    fn activate(&mut self) -> Result<Option<VideoConfig>, Fault> {
        let Some(Header::Key(mut config)) = self.header else {
            return Ok(None);
        };
        if let Some((width, height)) = self.size {
            (config.width, config.height) = (width, height);
        }
        let changed = self.in_force.replace(config) != Some(config);
        Ok(changed.then(|| config.into()))
    }

    fn payload(&self) -> Result<Bytes, Fault> {
        let ends = self.starts.iter().skip(1).copied();
        let ends = ends.chain([self.bytes.len()]);
        let frames: Vec<_> = self
            .starts
            .iter()
            .zip(ends)
            .filter_map(|(start, end)| self.bytes.get(*start..end))
            .collect();
        vp9::superframe(&frames).ok_or(TOO_MANY)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_MAX);
        self.starts.clear();
        self.is_open = false;
        self.header = None;
        self.begins = false;
        self.size = None;
    }
}

impl Assembler {
    fn begin(&mut self, piece: &Descriptor<'_>) -> Result<(), Fault> {
        if self.starts.len() == FRAMES_MAX {
            return Err(TOO_MANY);
        }
        if self.starts.is_empty() {
            self.begins = piece.spatial == 0;
            self.size = piece.layers_size;
        }
        self.starts.push(self.bytes.len());
        self.is_open = true;
        Ok(())
    }
}

/// Spatial layers that a descriptor can name, and frames that a superframe can hold.
const FRAMES_MAX: usize = 8;
const TOO_MANY: Fault = Fault::TooLarge {
    what: "frames in a picture",
    limit: FRAMES_MAX,
};
