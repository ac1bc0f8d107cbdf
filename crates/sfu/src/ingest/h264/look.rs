//! What one payload says of its frame, for whoever passes it on before the frame is whole.

use media::h264::{self, NAL_IDR, NAL_SLICE, NAL_SPS};

use super::payload::{Payload, read};

/// What a payload holds, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    /// A sequence parameter set, whole or its beginning: in practice a key frame's first packet.
    pub(super) sps: bool,
    /// An IDR slice or any piece of one: the frame is a key frame.
    pub(super) idr: bool,
    /// The beginning of a slice.
    pub(super) starts_slice: bool,
    /// The beginning of a picture's first slice.
    pub(super) starts_picture: bool,
}

/// Looks at an RTP payload. One that cannot be read holds nothing.
pub(super) fn look(payload: &[u8]) -> Look {
    let mut look = Look::default();
    match read(payload) {
        Ok(Payload::Single(nal)) => look.add(nal),
        Ok(Payload::Aggregate(units)) => units.map_while(Result::ok).for_each(|nal| look.add(nal)),
        Ok(Payload::Fragment(fragment)) if fragment.starts => {
            // The header in front of the first bytes, as they were before they were cut.
            let mut beginning = [0; BEGINNING];
            let bytes = std::iter::once(fragment.header).chain(fragment.body.iter().copied());
            let mut length = 0;
            for (to, byte) in beginning.iter_mut().zip(bytes) {
                *to = byte;
                length += 1;
            }
            look.add(beginning.get(..length).unwrap_or_default());
        }
        Ok(Payload::Fragment(fragment)) => look.idr = fragment.header & 0x1f == NAL_IDR,
        Err(_) => {}
    }
    look
}

impl Look {
    fn add(&mut self, nal: &[u8]) {
        let kind = h264::nal_type(nal);
        self.sps |= kind == NAL_SPS;
        self.idr |= kind == NAL_IDR;
        self.starts_slice |= matches!(kind, NAL_SLICE..=NAL_IDR);
        self.starts_picture |= h264::first_mb_in_slice(nal) == Some(0);
    }
}

/// The header and all of `first_mb_in_slice` that is of interest: one bit.
const BEGINNING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Look = Look {
        sps: false,
        idr: false,
        starts_slice: false,
        starts_picture: false,
    };
    const IDR: Look = Look {
        idr: true,
        starts_slice: true,
        starts_picture: true,
        ..NOTHING
    };

    #[test]
    fn single_units() {
        assert_eq!(look(&[0x65, 0x88, 0x84]), IDR);
        let sps = Look {
            sps: true,
            ..NOTHING
        };
        assert_eq!(look(&[0x67, 0x42, 0xc0]), sps);
        let first = Look { idr: false, ..IDR };
        assert_eq!(look(&[0x41, 0x9a, 0x24]), first);
        let later = Look {
            starts_picture: false,
            ..first
        };
        assert_eq!(look(&[0x41, 0x00, 0x25]), later);
        for other in [&[0x06, 0x80][..], &[0x68, 0xce], &[0x09, 0xf0], &[]] {
            assert_eq!(look(other), NOTHING, "{other:?}");
        }
    }

    #[test]
    fn fragments() {
        assert_eq!(look(&[0x7c, 0x85, 0x88, 0x84, 0, 1, 2, 3, 4, 5, 6]), IDR);
        let piece = Look {
            idr: true,
            ..NOTHING
        };
        assert_eq!(look(&[0x7c, 0x05, 0x88, 0x84]), piece);
        assert_eq!(look(&[0x7c, 0x45, 0x88]), piece);
        assert_eq!(look(&[0x5c, 0x01, 0x88]), NOTHING);
        assert_eq!(look(&[0x5c, 0x81, 0x9a]), Look { idr: false, ..IDR });
    }

    #[test]
    fn aggregates() {
        let sets = [0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce];
        let sps = Look {
            sps: true,
            ..NOTHING
        };
        assert_eq!(look(&sets), sps);
        let with_idr = [&sets[..], &[0, 2, 0x65, 0x88]].concat();
        assert_eq!(look(&with_idr), Look { sps: true, ..IDR });
        // What stands before a length that reaches past the end was still there.
        assert_eq!(look(&[&sets[..], &[0, 9, 0x65]].concat()), sps);
    }
}
