//! Chunks: `[styp prft] [emsg]* moof mdat`, which are the parts of a playlist.

use bytes::{BufMut, Bytes, BytesMut};
use media::UnixMillis;
use mp4_atom::{Encode, FourCC, Mfhd, Moof, Styp, Tfdt, Tfhd, Traf, Trun, TrunEntry};

use super::{NON_SYNC_SAMPLE, SYNC_SAMPLE, TRACK_ID};

/// One sample with its times in ticks of the track.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// How long until the next sample's decode time.
    pub(crate) duration: u32,
    /// Presentation time minus decode time.
    pub(crate) composition: i32,
    /// A sync sample.
    pub(crate) sync: bool,
    /// The access unit.
    pub(crate) payload: Bytes,
}

/// What a segment's first chunk says on top.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentStart {
    /// The UTC of `media_time`.
    pub(crate) utc: UnixMillis,
    /// The first presentation time, in ticks.
    pub(crate) media_time: u64,
}

/// A chunk to be written.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    /// Set on the first chunk of a segment.
    pub(crate) start: Option<SegmentStart>,
    /// Complete `emsg` boxes.
    pub(crate) events: &'a [Bytes],
    /// `mfhd.sequence_number`.
    pub(crate) sequence: u32,
    /// `tfdt.baseMediaDecodeTime`.
    pub(crate) decode_time: u64,
    /// In decode order; not empty.
    pub(crate) samples: &'a [Sample],
}

/// Writes a chunk into one allocation, which is the only copy ever made of a frame's bytes.
pub(crate) fn write(chunk: &Chunk<'_>) -> Bytes {
    let media: usize = chunk
        .samples
        .iter()
        .map(|sample| sample.payload.len())
        .sum();
    let events: usize = chunk.events.iter().map(Bytes::len).sum();
    let boxes = BOXES_LEN + chunk.samples.len() * TRUN_ENTRY_LEN;
    let mut out = BytesMut::with_capacity(boxes + events + media);
    if let Some(start) = chunk.start {
        put_segment_start(&mut out, start);
    }
    for event in chunk.events {
        out.put_slice(event);
    }
    put_moof(&mut out, chunk);
    out.put_u32(
        u32::try_from(media + BOX_HEADER_LEN).expect("the packager bounds a part below 4 GiB"),
    );
    out.put_slice(b"mdat");
    for sample in chunk.samples {
        out.put_slice(&sample.payload);
    }
    out.freeze()
}

fn put_moof(out: &mut BytesMut, chunk: &Chunk<'_>) {
    let start = out.len();
    let moof = Moof {
        mfhd: Mfhd {
            sequence_number: chunk.sequence,
        },
        traf: vec![traf(chunk)],
    };
    moof.encode(out)
        .expect("a moof of bounded samples always fits its boxes");
    // trun.data_offset counts from the moof (default-base-is-moof), whose size is known only now.
    // It stands before the entries, which end the moof.
    let at = out.len() - chunk.samples.len() * TRUN_ENTRY_LEN - 4;
    let offset =
        u32::try_from(out.len() - start + BOX_HEADER_LEN).expect("a moof is far below 4 GiB");
    out[at..at + 4].copy_from_slice(&offset.to_be_bytes());
}

fn traf(chunk: &Chunk<'_>) -> Traf {
    let entries = chunk.samples.iter().map(|sample| TrunEntry {
        duration: Some(sample.duration),
        size: Some(
            u32::try_from(sample.payload.len()).expect("the packager bounds a frame to 8 MiB"),
        ),
        flags: Some(if sample.sync {
            SYNC_SAMPLE
        } else {
            NON_SYNC_SAMPLE
        }),
        cts: Some(sample.composition.into()),
    });
    Traf {
        tfhd: Tfhd {
            track_id: TRACK_ID,
            default_base_is_moof: true,
            ..Tfhd::default()
        },
        tfdt: Some(Tfdt {
            base_media_decode_time: chunk.decode_time,
        }),
        trun: vec![Trun {
            data_offset: Some(0),
            samples: entries.collect::<Vec<_>>().into(),
        }],
        ..Traf::default()
    }
}

fn put_segment_start(out: &mut BytesMut, start: SegmentStart) {
    // Only here, so that a segment is its parts and nothing else (ISO/IEC 23000-19 section
    // 7.3.3.1).
    let styp = Styp {
        major_brand: FourCC::new(b"msdh"),
        minor_version: 0,
        compatible_brands: SEGMENT_BRANDS.to_vec(),
    };
    styp.encode(out).expect("a styp is a few bytes");
    put_prft(out, start);
}

/// ISO/IEC 14496-12 section 8.16.5. Always version 1, which mp4-atom writes only past 2^32 ticks.
fn put_prft(out: &mut BytesMut, start: SegmentStart) {
    out.put_u32(32);
    out.put_slice(b"prft");
    out.put_u32(1 << 24 | PRFT_CONSISTENT);
    out.put_u32(TRACK_ID);
    out.put_u64(ntp(start.utc));
    out.put_u64(start.media_time);
}

/// 64-bit NTP format (RFC 5905 section 6): seconds since 1900 and a binary fraction; wraps in 2036.
fn ntp(utc: UnixMillis) -> u64 {
    let ms = i128::from(utc.0) + i128::from(NTP_UNIX_OFFSET_MS);
    let fixed = (ms << 32).div_euclid(1000);
    u64::try_from(fixed.rem_euclid(1 << 64)).expect("a remainder of 2^64 fits 64 bits")
}

/// A media segment (`msdh`) that is a CMAF segment of CMAF chunks (ISO/IEC 23000-19 section 7.2)
/// and may carry ID3.
const SEGMENT_BRANDS: [FourCC; 4] = [
    FourCC::new(b"msdh"),
    FourCC::new(b"cmfs"),
    FourCC::new(b"cmfl"),
    FourCC::new(b"aid3"),
];
const BOX_HEADER_LEN: usize = 8;
/// Duration, size, flags and composition offset of one sample in `trun`.
const TRUN_ENTRY_LEN: usize = 16;
/// Everything but events, samples and their entries: 48 styp, 32 prft, 104 moof, 8 mdat; with room
/// to spare.
const BOXES_LEN: usize = 224;
/// The time follows from the epoch's anchor: arbitrary, but consistent (flag 8).
const PRFT_CONSISTENT: u32 = 8;
/// From 1900-01-01 to 1970-01-01.
const NTP_UNIX_OFFSET_MS: i64 = 2_208_988_800_000;
