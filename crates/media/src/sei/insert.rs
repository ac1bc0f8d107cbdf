//! NAL units put into an access unit where messages belong.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Syntax;

/// The access unit (4-byte NAL lengths) with `nals` (the same form) before its first NAL unit of coded picture, so after
/// delimiter, parameter sets and other messages. One copy, in memory of just its size; none without `nals`.
///
/// ITU-T H.264 section 7.4.1.2.3: SEI NAL units "shall not follow" the primary coded picture's first VCL NAL unit, and the
/// delimiter is the first of all.
pub fn insert(syntax: Syntax, access_unit: Bytes, nals: &[u8]) -> Bytes {
    if nals.is_empty() {
        return access_unit;
    }
    let at = first_vcl(syntax, &access_unit);
    let (before, after) = access_unit.split_at(at);
    let mut whole = BytesMut::with_capacity(access_unit.len() + nals.len());
    for piece in [before, nals, after] {
        whole.extend_from_slice(piece);
    }
    if syntax == Syntax::H265 {
        follow_layer(&mut whole, at..at + nals.len());
    }
    whole.freeze()
}

/// ITU-T H.265 section 7.4.2.2: the TemporalId of such a unit "shall be greater than or equal to the TemporalId of the access
/// unit", which is that of its pictures. All else of the two bytes of header stays.
fn follow_layer(whole: &mut BytesMut, inserted: Range<usize>) {
    let picture = nal_at(whole, inserted.end).and_then(|nal| nal.get(1));
    let Some(layer) = picture.map(|second| second & TEMPORAL_ID_PLUS1) else {
        return;
    };
    let mut at = inserted.start;
    while at < inserted.end {
        let Some(nal) = nal_at(whole, at).filter(|nal| nal.len() > 1) else {
            return;
        };
        let next = at + LENGTH + nal.len();
        let second = &mut whole[at + LENGTH + 1];
        *second = *second & !TEMPORAL_ID_PLUS1 | layer;
        at = next;
    }
}

/// Where the first NAL unit of coded picture stands, its length included; the start of what is no NAL unit otherwise.
fn first_vcl(syntax: Syntax, access_unit: &[u8]) -> usize {
    let mut at = 0;
    while let Some(nal) = nal_at(access_unit, at).filter(|nal| !syntax.is_vcl(nal)) {
        at += LENGTH + nal.len();
    }
    at
}

/// The NAL unit whose length stands at `at`.
pub(super) fn nal_at(access_unit: &[u8], at: usize) -> Option<&[u8]> {
    let (length, rest) = access_unit.get(at..)?.split_first_chunk::<LENGTH>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// `nuh_temporal_id_plus1`.
const TEMPORAL_ID_PLUS1: u8 = 0x07;
/// Bytes of a NAL unit's length.
pub(super) const LENGTH: usize = 4;
