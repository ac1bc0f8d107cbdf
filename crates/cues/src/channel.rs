//! The side channel: cues on their way ahead of the video. Normative text:
//! `docs/spec/side-channel.md`.
//!
//! The same JSON texts go over a WebRTC data channel and over server-sent events.

use std::{sync::Arc, time::Duration};

use media::{Pts, UnixMillis, UtcAnchor};
use serde::{Deserialize, Serialize};

use crate::{codec::EncodedCue, error::Error};

/// Longest message, bytes: within what a data channel takes from anyone, 64 KiB (RFC 8841 section
/// 6.1, the value without `a=max-message-size`).
pub const MESSAGE_LEN_MAX: usize = 60_000;

/// How far behind live a snapshot begins for whoever can seek: a viewer who is further behind asks for the state there.
pub const SNAPSHOT_BACK: Duration = Duration::from_mins(1);

/// Where the stream is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A publisher is connected, its first key frame has not come.
    Starting,
    /// Media flows.
    Live,
    /// The publisher left and may return.
    Interrupted,
    /// The stream is over: nothing follows.
    Ended,
}

/// What a snapshot says besides its cues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream's name.
    pub stream: String,
    /// Where the stream is in its life.
    pub state: State,
    /// The publish session now, from 1.
    pub epoch: u32,
    /// WebRTC video: `rtp = (pts + k) mod 2^32`.
    pub k: u32,
    /// `utc = anchor + pts / 90` ms, for this epoch.
    pub anchor: UtcAnchor,
    /// What is live now.
    pub live_pts: Pts,
    /// The server's wall clock now.
    pub server_utc: UnixMillis,
    /// The newest cue's number, 0 before the first.
    pub last_seq: u64,
    /// The pts from which the cues fold to the true state.
    pub from: Pts,
}

/// What tells a viewer that it missed nothing, and what has become of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where the stream is in its life.
    pub state: State,
    /// The publish session now; another one than before asks for a new snapshot.
    pub epoch: u32,
    /// The newest cue's number; higher than what was received means a gap.
    pub last_seq: u64,
    /// What is live now.
    pub live_pts: Pts,
    /// The server's wall clock now.
    pub server_utc: UnixMillis,
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Starts anew: what was known before is void.
    Snapshot(Snapshot, Vec<Arc<EncodedCue>>),
    /// More cues.
    Cues(Vec<Arc<EncodedCue>>),
    /// Once a second, and at once when the state changes.
    Heartbeat(Heartbeat),
}

/// A message to send, and which cues are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its JSON text.
    pub text: Arc<str>,
    /// The numbers of its cues; none for a heartbeat.
    pub seqs: Arc<[u64]>,
}

/// The keys in their order.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum MessageJson {
    Snapshot {
        stream: String,
        state: State,
        epoch: u32,
        k: u32,
        anchor_utc_ms: i64,
        live_pts: i64,
        server_utc_ms: i64,
        last_seq: u64,
        from_pts: i64,
        cues: Vec<String>,
    },
    Cues {
        cues: Vec<String>,
    },
    Heartbeat {
        state: State,
        epoch: u32,
        last_seq: u64,
        live_pts: i64,
        server_utc_ms: i64,
    },
}

/// A snapshot and, where its cues do not fit into one message, `cues` messages that follow it at
/// once. `cues` is what [`Timeline::snapshot_cues`](crate::Timeline::snapshot_cues) gives for
/// [`Snapshot::from`].
pub fn snapshot(head: &Snapshot, cues: &[Arc<EncodedCue>]) -> Vec<Told> {
    let with = |cues| {
        text(&MessageJson::Snapshot {
            stream: head.stream.clone(),
            state: head.state,
            epoch: head.epoch,
            k: head.k,
            anchor_utc_ms: head.anchor.0.0,
            live_pts: head.live_pts.0,
            server_utc_ms: head.server_utc.0,
            last_seq: head.last_seq,
            from_pts: head.from.0,
            cues,
        })
    };
    let taken = with(Vec::new()).len() + SESSION_LEN_MAX;
    let mut chunks = chunks(taken, cues).into_iter();
    let first = chunks.next().unwrap_or_default().told(with);
    std::iter::once(first)
        .chain(chunks.map(|chunk| chunk.told(|cues| text(&MessageJson::Cues { cues }))))
        .collect()
}

/// A snapshot's text with the name of the session it is for as its last key, for whoever cannot tell
/// by the way it comes. `session` is at most 40 characters of base64url.
pub fn with_session(snapshot: &str, session: &str) -> String {
    let head = snapshot.strip_suffix('}').unwrap_or(snapshot);
    format!("{head},\"session\":\"{session}\"}}")
}

/// New cues: one message, or as few as they fit into; none for none.
pub fn cues(cues: &[Arc<EncodedCue>]) -> Vec<Told> {
    let empty = text(&MessageJson::Cues { cues: Vec::new() }).len();
    chunks(empty, cues)
        .into_iter()
        .map(|chunk| chunk.told(|cues| text(&MessageJson::Cues { cues })))
        .collect()
}

/// The heartbeat.
pub fn heartbeat(heartbeat: &Heartbeat) -> String {
    text(&MessageJson::Heartbeat {
        state: heartbeat.state,
        epoch: heartbeat.epoch,
        last_seq: heartbeat.last_seq,
        live_pts: heartbeat.live_pts.0,
        server_utc_ms: heartbeat.server_utc.0,
    })
}

/// Reads a message; keys it does not know are left aside.
///
/// # Errors
/// [`Error::Carrier`] for another form or type, and those of the cues.
pub fn parse(message: &str) -> Result<Message, Error> {
    let wrong = |offset, problem| Error::Carrier {
        element: "side-channel message",
        offset,
        problem,
    };
    if message.len() > MESSAGE_LEN_MAX {
        return Err(wrong(MESSAGE_LEN_MAX, "is longer than 60000 bytes"));
    }
    let json = serde_json::from_str(message)
        .map_err(|error| wrong(error.column(), "is not a snapshot, cues or heartbeat"))?;
    Ok(match json {
        MessageJson::Snapshot {
            stream,
            state,
            epoch,
            k,
            anchor_utc_ms,
            live_pts,
            server_utc_ms,
            last_seq,
            from_pts,
            cues,
        } => {
            let head = Snapshot {
                stream,
                state,
                epoch,
                k,
                anchor: UtcAnchor(UnixMillis(anchor_utc_ms)),
                live_pts: Pts(live_pts),
                server_utc: UnixMillis(server_utc_ms),
                last_seq,
                from: Pts(from_pts),
            };
            Message::Snapshot(head, decoded(&cues)?)
        }
        MessageJson::Cues { cues } => Message::Cues(decoded(&cues)?),
        MessageJson::Heartbeat {
            state,
            epoch,
            last_seq,
            live_pts,
            server_utc_ms,
        } => Message::Heartbeat(Heartbeat {
            state,
            epoch,
            last_seq,
            live_pts: Pts(live_pts),
            server_utc: UnixMillis(server_utc_ms),
        }),
    })
}

fn decoded(cues: &[String]) -> Result<Vec<Arc<EncodedCue>>, Error> {
    cues.iter()
        .map(|cue| EncodedCue::from_base64url(cue).map(Arc::new))
        .collect()
}

/// Cues that travel in one message.
#[derive(Default)]
struct Chunk {
    texts: Vec<String>,
    seqs: Vec<u64>,
}

impl Chunk {
    fn push(&mut self, text: String, seq: u64) {
        self.texts.push(text);
        self.seqs.push(seq);
    }

    fn told(self, text: impl FnOnce(Vec<String>) -> String) -> Told {
        Told {
            text: text(self.texts).into(),
            seqs: self.seqs.into(),
        }
    }
}

/// The cues in base64url, in runs that fit into messages of which `empty` bytes are taken. Each
/// fits: a cue is at most 1366 characters.
fn chunks(empty: usize, cues: &[Arc<EncodedCue>]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut len = usize::MAX;
    for cue in cues {
        let (text, seq) = (cue.to_base64url(), cue.cue.seq);
        // Two quotes and a comma.
        let more = text.len() + 3;
        match chunks.last_mut() {
            Some(chunk) if len + more <= MESSAGE_LEN_MAX => {
                chunk.push(text, seq);
                len += more;
            }
            Some(_) | None => {
                let mut chunk = Chunk::default();
                chunk.push(text, seq);
                chunks.push(chunk);
                len = empty + more;
            }
        }
    }
    chunks
}

/// What [`with_session`] adds at most.
const SESSION_LEN_MAX: usize = 64;

fn text(message: &MessageJson) -> String {
    serde_json::to_string(message).expect("strings and integers always serialise")
}
