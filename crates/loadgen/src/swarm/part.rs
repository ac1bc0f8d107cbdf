//! As much of a CMAF part as tells which frames and which cues came with it.
//!
//! Boxes: ISO/IEC 14496-12 sections 4.2 and 8.8; `emsg`: ISO/IEC 23009-1 section 5.10.3.3; the tag in it: ID3v2.4.0.

use super::message::Cue;

/// What a part holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// The highest pts among its samples, in the track's ticks; `None` without a sample.
    pub(crate) newest: Option<i64>,
    pub(crate) cues: Vec<Cue>,
}

/// Which optional fields a `trun` has (section 8.8.8.2).
const DATA_OFFSET: u32 = 0x1;
const FIRST_FLAGS: u32 = 0x4;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;
const FLAGS: u32 = 0x400;
const OFFSET: u32 = 0x800;
/// What a `TXXX` frame of one cue begins with, behind the tag's header: its encoding and description.
const CUE_TEXT: &[u8] = b"\x03dev.shopcast.cue\0";
/// The headers of tag and frame.
const ID3_HEADERS: usize = 20;

impl Part {
    /// Reads what it can; boxes that are not understood are passed over.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut part = Self::default();
        for (kind, body) in boxes(bytes) {
            match kind {
                b"emsg" => part.cues.extend(cue(body)),
                b"moof" => {
                    for (_, traf) in boxes(body).filter(|(kind, _)| *kind == b"traf") {
                        part.newest = part.newest.max(newest(traf));
                    }
                }
                _ => {}
            }
        }
        part
    }
}

fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let size = usize::try_from(be32(bytes, 0)?).ok()?;
        let kind = bytes.get(4..8)?.first_chunk()?;
        let body = bytes.get(8..size)?;
        bytes = &bytes[size..];
        Some((kind, body))
    })
}

/// The highest pts of a track fragment. Each sample of ours tells its own duration and offset.
fn newest(traf: &[u8]) -> Option<i64> {
    let (mut time, mut newest) = (0, None);
    for (kind, body) in boxes(traf) {
        match kind {
            b"tfdt" if body.first() == Some(&1) => {
                time = i64::from_be_bytes(*body.get(4..)?.first_chunk()?);
            }
            b"tfdt" => time = be32(body, 4)?.into(),
            b"trun" => newest = newest.max(run(body, &mut time)),
            _ => {}
        }
    }
    newest
}

fn run(body: &[u8], time: &mut i64) -> Option<i64> {
    let flags = be32(body, 0)? & 0x00ff_ffff;
    let count = be32(body, 4)?;
    let mut at = 8;
    let mut field = |flag| -> Option<u32> {
        if flags & flag == 0 {
            return Some(0);
        }
        at += 4;
        be32(body, at - 4)
    };
    field(DATA_OFFSET)?;
    field(FIRST_FLAGS)?;
    let mut newest = None;
    for _ in 0..count {
        let duration = field(DURATION)?;
        field(SIZE)?;
        field(FLAGS)?;
        // Signed in version 1; version 0 has none so large that it would differ.
        let offset = field(OFFSET)?.cast_signed();
        newest = newest.max(Some(*time + i64::from(offset)));
        *time += i64::from(duration);
    }
    newest
}

/// The cue of an event message of version 1; `None` for anything else, a snapshot among it.
fn cue(body: &[u8]) -> Option<Cue> {
    // Version and flags, timescale, presentation time, duration, id; then two texts that end in a zero.
    let mut texts = body.get(24..)?.splitn(3, |byte| *byte == 0);
    let (_scheme, _value, tag) = (texts.next()?, texts.next()?, texts.next()?);
    let text = tag.get(ID3_HEADERS..)?.strip_prefix(CUE_TEXT)?;
    (body[0] == 1).then(|| Cue::from_json(text))?
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A chunk from `time`, with the (duration, offset) of its samples.
    fn chunk(time: u32, samples: &[(u32, u32)]) -> Vec<u8> {
        let tfdt = boxed(b"tfdt", &words(&[0x0100_0000, 0, time]));
        let mut run = words(&[0x0100_0f01, u32::try_from(samples.len()).unwrap(), 0]);
        for (duration, offset) in samples {
            run.extend(words(&[*duration, 10, 0, *offset]));
        }
        let traf = boxed(b"traf", &[tfdt, boxed(b"trun", &run)].concat());
        [boxed(b"moof", &traf), boxed(b"mdat", &[0; 10])].concat()
    }

    #[test]
    fn the_newest_frame_is_the_one_shown_last() {
        let b_frames = chunk(9000, &[(3000, 6000), (3000, 9000), (3000, 0)]);
        let part = [chunk(6000, &[(3000, 0)]), b_frames.clone()].concat();
        assert_eq!(Part::parse(&part).newest, Some(21_000));
        assert_eq!(Part::parse(&chunk(6000, &[])).newest, None);
        for cut in 0..b_frames.len() {
            Part::parse(&b_frames[..cut]);
        }
    }

    #[test]
    fn negative_offsets_are_read() {
        let below = u32::MAX - 2999;
        assert_eq!(
            Part::parse(&chunk(9000, &[(3000, below)])).newest,
            Some(6000)
        );
    }

    #[test]
    fn cues_are_read_as_the_vectors_have_them_and_snapshots_are_not() {
        let text = include_str!("../../../../docs/spec/vectors/emsg.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let read = |vector: &serde_json::Value| {
            Part::parse(&hex(vector["emsg_hex"].as_str().unwrap())).cues
        };
        for vector in vectors["cues"].as_array().unwrap() {
            let cues = read(vector);
            assert_eq!(cues.len(), 1, "{vector}");
            assert_eq!(cues[0].pts, vector["presentation_time"]);
        }
        for vector in vectors["snapshots"].as_array().unwrap() {
            assert_eq!(read(vector), [], "{vector}");
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }
}
