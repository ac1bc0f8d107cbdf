//! What the packager and the origin refuse, and what to do about it.

use media::TrackKind;

/// A refused input. The machine that returned it is unchanged and goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A frame of a track the epoch did not announce.
    #[error(
        "{0:?} frame, but the epoch has no such track; start an epoch with its configuration first"
    )]
    UnknownTrack(TrackKind),
    /// A frame on another scale than its track's.
    #[error(
        "{track:?} frame at {found} Hz on a track of {expected} Hz; rescale it or start a new epoch"
    )]
    Timescale {
        /// The frame's track.
        track: TrackKind,
        /// The scale of the track, in Hz.
        expected: u32,
        /// The scale of the frame, in Hz.
        found: u32,
    },
    /// A frame at or before the one ahead of it.
    #[error(
        "{track:?} frame with decode time {dts} after {previous}; decode times must increase \
         within an epoch"
    )]
    DecodeOrder {
        /// The frame's track.
        track: TrackKind,
        /// Its decode time, ticks of the track.
        dts: i64,
        /// The decode time of the frame ahead of it.
        previous: i64,
    },
    /// A frame before zero, or too far from its own decode time for a 32-bit composition offset.
    #[error(
        "{track:?} frame with decode time {dts}, presentation time {pts}; times must not be \
         negative and must lie within 2^31 ticks of each other"
    )]
    TimeRange {
        /// The frame's track.
        track: TrackKind,
        /// Its decode time, ticks of the track.
        dts: i64,
        /// Its presentation time, ticks of the track.
        pts: i64,
    },
    /// An empty frame, or one too large for a part.
    #[error("{track:?} frame of {bytes} bytes; frames of 1 to {FRAME_BYTES_MAX} are packaged")]
    FrameSize {
        /// The frame's track.
        track: TrackKind,
        /// Its size.
        bytes: usize,
    },
    /// The stream has ended.
    #[error("the stream has ended; make a new packager and origin for a new one")]
    Ended,
    /// An epoch without any track.
    #[error("an epoch needs a video or an audio configuration")]
    NoTrack,
    /// Video that no LL-HLS player takes; see [`carries`](crate::carries).
    #[error("{0} video is not carried by LL-HLS; publish H.264, H.265, VP9 or AV1")]
    NotCarried(&'static str),
    /// A decoder configuration record that cannot go into an initialisation segment.
    #[error("{what} cannot be written into an initialisation segment: {reason}")]
    DecoderConfig {
        /// `avcC`, `hvcC`, `vpcC`, `av1C` or `esds`.
        what: &'static str,
        /// What the box writer said.
        reason: String,
    },
    /// A query string past its limit.
    #[error("a query of {bytes} bytes; at most {QUERY_BYTES_MAX} are read")]
    QueryTooLong {
        /// Its length as received.
        bytes: usize,
    },
}

/// The largest frame packaged: the ingest's own limit on a video message.
pub const FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest query string read; what is kept of it is repeated behind every URI of a playlist.
pub const QUERY_BYTES_MAX: usize = 2048;
