//! Cues in CMAF: version 1 event message boxes with an ID3 tag.
//!
//! Layout: ISO/IEC 23009-1 section 5.10.3.3.3. Rules: AOM "Carriage of ID3 Timed Metadata in CMAF"
//! section 2.2. A box stands at the top level before the `moof` of the chunk whose interval holds
//! its `presentation_time`, in the video track, because hls.js reads no other.
//!
//! ```text
//! size(4) "emsg" 01 000000  timescale(4) presentation_time(8) event_duration(4) id(4)
//! scheme_id_uri 00  value 00  message_data
//! ```

use bytes::Bytes;
use media::{Pts, Timescale};

use crate::{codec::EncodedCue, error::Error, id3, snapshot::InBandSnapshot};

/// The scheme under which players look for ID3 tags.
pub const SCHEME_ID3: &str = "https://aomedia.org/emsg/ID3";

/// `event_duration` of what has no end of its own, in ticks: 1 s. An event stands for the arrival
/// of a cue, not for the stay of its card; hls.js keeps unknown durations open until the next event.
pub const DURATION_DEFAULT: u32 = 90_000;

/// Shortest `event_duration`, ticks: hls.js takes 1 ms (90) and less for unknown.
const DURATION_MIN: u32 = 180;

/// The longest finite `event_duration`; one more means unknown (section 5.10.3.3.4).
const DURATION_MAX: u32 = u32::MAX - 1;

const FIXED_LEN: usize = 32;
/// Longest scheme or value that is read.
const TEXT_LEN_MAX: usize = 256;

/// An event message box of version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emsg {
    /// Ticks per second of the two times; ours are 90 kHz, the stream's timeline.
    pub timescale: u32,
    /// When the event starts, on the same timeline as `tfdt` plus composition offset.
    pub presentation_time: u64,
    /// How long it lasts, ticks; `u32::MAX`: unknown.
    pub event_duration: u32,
    /// Equal scheme, value and id mean the same event.
    pub id: u32,
    /// Which kind of message.
    pub scheme_id_uri: String,
    /// Within the scheme, who defines the id.
    pub value: String,
    /// The message.
    pub message_data: Bytes,
}

/// The box of a cue: its id is the low 32 bits of the cue's number, so that every copy of it is the
/// same event.
pub fn cue(cue: &EncodedCue) -> Bytes {
    let ticks = cue.cue.duration.and_then(|ticks| u32::try_from(ticks).ok());
    let long = cue.cue.duration.map(|_| DURATION_MAX);
    let emsg = Emsg {
        timescale: Timescale::VIDEO.hz(),
        presentation_time: time(cue.cue.pts).expect("the codec admits no negative pts"),
        event_duration: ticks
            .or(long)
            .unwrap_or(DURATION_DEFAULT)
            .clamp(DURATION_MIN, DURATION_MAX),
        id: low_bits(cue.cue.seq),
        scheme_id_uri: SCHEME_ID3.to_owned(),
        value: id3::CUE.to_owned(),
        message_data: id3::tag(id3::CUE, cue.as_str())
            .expect("an encoded cue is far shorter than a tag may be")
            .into(),
    };
    emsg.to_bytes()
}

/// The box of a snapshot, for the start of a segment. Its ids are a space of their own (another
/// `value`): the low 32 bits of its pts.
///
/// # Errors
/// [`Error::Carrier`] for a negative pts, and for more cues than
/// [`Timeline::active_cues`](crate::Timeline::active_cues) ever gives.
pub fn snapshot(snapshot: &InBandSnapshot) -> Result<Bytes, Error> {
    let presentation_time = time(snapshot.pts)?;
    let emsg = Emsg {
        timescale: Timescale::VIDEO.hz(),
        presentation_time,
        event_duration: DURATION_DEFAULT,
        id: low_bits(presentation_time),
        scheme_id_uri: SCHEME_ID3.to_owned(),
        value: id3::SNAPSHOT.to_owned(),
        message_data: id3::tag(id3::SNAPSHOT, &snapshot.to_json())?.into(),
    };
    Ok(emsg.to_bytes())
}

/// The low 32 bits of the numbers of the cues whose boxes stand before the `moof` of a chunk. Cheap
/// where there are none; ends at the first box that it cannot follow.
pub fn cue_ids(chunk: &[u8]) -> Vec<u32> {
    let (mut ids, mut rest) = (Vec::new(), chunk);
    while let Some(head) = rest.first_chunk::<8>() {
        let size = usize::try_from(be32(head, 0)).unwrap_or(usize::MAX);
        let (Some((one, after)), false) = (rest.split_at_checked(size), head[4..] == *b"moof")
        else {
            break;
        };
        if size < head.len() {
            break;
        }
        let emsg = (head[4..] == *b"emsg").then(|| parse(one).ok()).flatten();
        ids.extend(
            emsg.filter(|emsg| emsg.value == id3::CUE)
                .map(|emsg| emsg.id),
        );
        rest = after;
    }
    ids
}

/// Reads one whole box.
///
/// # Errors
/// [`Error::Carrier`] naming the field of the box that does not fit.
pub fn parse(bytes: &[u8]) -> Result<Emsg, Error> {
    if bytes.len() > FIXED_LEN + 2 * TEXT_LEN_MAX + id3::TAG_LEN_MAX {
        return Err(wrong("size", 0, "is past the limit"));
    }
    let Some(fixed) = bytes.first_chunk::<FIXED_LEN>() else {
        return Err(wrong("box", bytes.len(), "is cut off"));
    };
    if usize::try_from(be32(fixed, 0)) != Ok(bytes.len()) {
        return Err(wrong("size", 0, "is not the number of bytes given"));
    }
    if fixed[4..8] != *b"emsg" || fixed[8..12] != [1, 0, 0, 0] {
        return Err(wrong(
            "type and version",
            4,
            "are not emsg version 1 without flags",
        ));
    }
    let (scheme_id_uri, at) = text(bytes, FIXED_LEN, "scheme_id_uri")?;
    let (value, at) = text(bytes, at, "value")?;
    Ok(Emsg {
        timescale: be32(fixed, 12),
        presentation_time: u64::from(be32(fixed, 16)) << 32 | u64::from(be32(fixed, 20)),
        event_duration: be32(fixed, 24),
        id: be32(fixed, 28),
        scheme_id_uri,
        value,
        message_data: Bytes::copy_from_slice(&bytes[at..]),
    })
}

impl Emsg {
    fn to_bytes(&self) -> Bytes {
        let texts = self.scheme_id_uri.len() + self.value.len() + 2;
        let len = FIXED_LEN + texts + self.message_data.len();
        let size = u32::try_from(len).expect("an ID3 tag is at most TAG_LEN_MAX bytes");
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(&size.to_be_bytes());
        bytes.extend_from_slice(b"emsg\x01\x00\x00\x00");
        bytes.extend_from_slice(&self.timescale.to_be_bytes());
        bytes.extend_from_slice(&self.presentation_time.to_be_bytes());
        bytes.extend_from_slice(&self.event_duration.to_be_bytes());
        bytes.extend_from_slice(&self.id.to_be_bytes());
        for text in [&self.scheme_id_uri, &self.value] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        bytes.extend_from_slice(&self.message_data);
        bytes.into()
    }
}

fn time(pts: Pts) -> Result<u64, Error> {
    u64::try_from(pts.0).map_err(|_| wrong("presentation_time", 16, "is negative"))
}

fn low_bits(wide: u64) -> u32 {
    u32::try_from(wide & u64::from(u32::MAX)).expect("32 bits fit")
}

fn be32(fixed: &[u8], at: usize) -> u32 {
    fixed[at..at + 4]
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// A zero-terminated text at `at`, and where it ends.
fn text(bytes: &[u8], at: usize, element: &'static str) -> Result<(String, usize), Error> {
    let field = &bytes[at..bytes.len().min(at + TEXT_LEN_MAX)];
    let Some(len) = field.iter().position(|byte| *byte == 0) else {
        return Err(wrong(
            element,
            at,
            "has no terminating zero within 256 bytes",
        ));
    };
    let text = str::from_utf8(&field[..len]).map_err(|_| wrong(element, at, "is not UTF-8"))?;
    Ok((text.to_owned(), at + len + 1))
}

const fn wrong(element: &'static str, offset: usize, problem: &'static str) -> Error {
    Error::Carrier {
        element,
        offset,
        problem,
    }
}
