//! What of a stream is to outlive the process, as it is told, and as a shard is given it back.

use cues::{Change, Saved};
use media::{Pts, UtcAnchor};

use crate::api::StreamName;

/// Something to be written down. What one value holds belongs together: all of it is kept, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Where the stream stands, in place of what was told before; about once a second. The next one makes up for one
    /// that is lost.
    Show(Show),
    /// What became of its cues by one request or frame.
    Cues(Vec<Change>),
    /// The stream is over: nothing of it is wanted any more.
    Ended,
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show {
    /// The random offsets of the RTP timestamps: video, sound.
    pub rtp_offsets: [u32; 2],
    /// Publish session, 0 before the first.
    pub epoch: u32,
    /// Ties that session to UTC; of no meaning before the first.
    pub anchor: UtcAnchor,
    /// The highest pts given out.
    pub highest: Pts,
    /// What its playlists have come to.
    pub hls: hls::Continuity,
}

/// A stream as it was kept.
#[derive(Debug, Clone)]
pub struct SavedStream {
    /// Its name.
    pub name: StreamName,
    /// Where it stood when that was last written.
    pub show: Show,
    /// Its cues; their `highest` is left to the engine.
    pub cues: Saved,
    /// The highest number that may mean a cue: after a crash some may that were told to viewers and not kept.
    pub numbers_used: u64,
}
