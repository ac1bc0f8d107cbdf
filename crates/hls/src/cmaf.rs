//! CMAF track files: initialisation segments and chunks (ISO/IEC 23000-19 section 7.3).

mod chunk;
mod entry;
mod init;

pub(crate) use chunk::{Chunk, Sample, SegmentStart, write};
pub use entry::carries;
pub(crate) use init::{audio, video};

use mp4_atom::FourCC;

/// The one track of a CMAF track file (ISO/IEC 23000-19 section 7.3.2.1).
const TRACK_ID: u32 = 1;

/// `cmf2`: signed composition offsets and no edit list (ISO/IEC 23000-19 section 7.7.2); `aid3`:
/// ID3 in `emsg` (AOM ID3 in CMAF section 4).
const BRANDS: [FourCC; 5] = [
    FourCC::new(b"iso6"),
    FourCC::new(b"cmfc"),
    FourCC::new(b"cmf2"),
    FourCC::new(b"dash"),
    FourCC::new(b"aid3"),
];

/// sample_depends_on = 2: an independent sample (ISO/IEC 14496-12 section 8.8.3.1).
const SYNC_SAMPLE: u32 = 0x0200_0000;
/// sample_depends_on = 1 and sample_is_non_sync_sample.
const NON_SYNC_SAMPLE: u32 = 0x0101_0000;
