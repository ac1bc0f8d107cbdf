//! What the packager tells the origin (and, later, the recorder): facts that never change again.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use media::{Pts, UnixMillis};

/// One of the two demuxed renditions of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rendition {
    /// `video.m3u8` and what it lists.
    Video,
    /// `audio.m3u8` and what it lists.
    Audio,
}

impl Rendition {
    /// Both, video first.
    pub const ALL: [Self; 2] = [Self::Video, Self::Audio];

    /// The media playlist's name beside `index.m3u8`.
    pub const fn playlist_name(self) -> &'static str {
        match self {
            Self::Video => "video.m3u8",
            Self::Audio => "audio.m3u8",
        }
    }
}

/// A media sequence number: counts the segments of a stream from 0, over all epochs, the same in
/// both renditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Msn(pub u64);

impl Msn {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Msn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One fact. Apply everything one drain of the packager gave before answering a request, so that no
/// playlist ever hints at a part that the next fact abandons.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Publication {
    /// The stream's constants. No playlist is served before it. Comes again when a later epoch adds
    /// a rendition; values once given never change.
    Targets(Targets),
    /// What the tracks are from here on. The segments after it belong to it.
    Init(Init),
    /// A segment began: what its playlist tags need before its first part.
    Opened(SegmentHead),
    /// A part is complete.
    Part(Part),
    /// The segment whose parts were the last published of its rendition is complete.
    Segment(Segment),
    /// A cue's `EXT-X-DATERANGE`.
    DateRange(DateRange),
    /// The cue of the range of this `ID`, which lies past all media so far, was taken back.
    DateRangeTakenBack(String),
    /// Something in the source forced a deviation; for counters, logs and the stream's state page.
    Verdict(Verdict),
    /// All the publisher has is video of this codec, which LL-HLS cannot carry: no media comes before
    /// another [`Init`](Self::Init).
    NotCarried(&'static str),
    /// The stream is over; nothing follows.
    Ended,
}

/// Values that hold for the whole life of the playlists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// `EXT-X-TARGETDURATION`, seconds.
    pub target_duration_s: u32,
    /// `EXT-X-PART-INF:PART-TARGET` of the video playlist, milliseconds; `None` without video.
    pub video_part_ms: Option<u32>,
    /// The same of the audio playlist.
    pub audio_part_ms: Option<u32>,
}

/// An initialisation segment and what the multivariant playlist says of its track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The rendition.
    pub rendition: Rendition,
    /// The object's name, unique for ever; the same bytes keep it over epochs.
    pub name: Arc<str>,
    /// `ftyp` and `moov`.
    pub body: Bytes,
    /// RFC 6381 codec string.
    pub codecs: String,
    /// The picture, for video.
    pub picture: Option<Picture>,
    /// Channels, for audio.
    pub channels: Option<u8>,
}

/// What the multivariant playlist says of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Pixels after cropping.
    pub width: u16,
    /// Pixels after cropping.
    pub height: u16,
    /// Frames per 1000 seconds, declared or measured.
    pub frame_rate_milli: Option<u32>,
}

/// What is known of a segment when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHead {
    /// The rendition.
    pub rendition: Rendition,
    /// The segment's number.
    pub msn: Msn,
    /// The publish session it belongs to.
    pub epoch: u32,
    /// What makes object names unique, in a form fit for a URI.
    pub tag: Arc<str>,
    /// Name of the initialisation segment it needs.
    pub init: Arc<str>,
    /// The first presentation time in it, on the stream's timeline.
    pub first_pts: Pts,
    /// `EXT-X-PROGRAM-DATE-TIME`: the UTC of `first_pts` by the epoch's anchor.
    pub utc: UnixMillis,
    /// The timestamps, the tracks or their configuration changed just before it.
    pub discontinuity: bool,
    /// Its Discontinuity Sequence Number (section 6.2.1): discontinuities from the stream's start
    /// up to and with this segment, the same in both renditions.
    pub discontinuity_sequence: u64,
    /// It starts with an IDR (video) or any frame (audio).
    pub independent: bool,
}

/// A complete part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The rendition.
    pub rendition: Rendition,
    /// The segment it belongs to.
    pub msn: Msn,
    /// Its place in the segment, from 0.
    pub index: u32,
    /// The object's name, unique for ever.
    pub name: String,
    /// The sum of its samples' durations.
    pub duration: MediaSpan,
    /// It starts with an IDR (video) or any frame (audio).
    pub independent: bool,
    /// `[styp prft] [emsg]* moof mdat`.
    pub body: Bytes,
}

/// A complete segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The rendition.
    pub rendition: Rendition,
    /// Its number.
    pub msn: Msn,
    /// The object's name, unique for ever; its bytes are those of its parts in order.
    pub name: String,
    /// The sum of its parts' durations; for a gap how long this rendition's media is missing.
    pub duration: MediaSpan,
    /// How many parts it has; 0 for a gap.
    pub parts: u32,
    /// The rendition has no media here while the other one does: `EXT-X-GAP`.
    pub gap: bool,
}

/// A span of media in ticks of its track, so that playlists can say exactly what the media says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaSpan {
    /// Ticks.
    pub ticks: u64,
    /// Ticks per second; not zero.
    pub timescale: u32,
}

/// A cue's line for the media playlists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRange {
    /// The `ID` attribute.
    pub id: String,
    /// The card the cue names; empty for a clear, which names all.
    pub card_id: String,
    /// When it begins on the stream's timeline.
    pub start: Pts,
    /// When it ends; `None` for a card that stays until another cue of its name.
    pub end: Option<Pts>,
    /// The whole `#EXT-X-DATERANGE:` line, without its line end.
    pub line: String,
}

/// A deviation the source forced on the packager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// A GOP outgrew the target duration: the segment was cut before a frame that is no IDR, and
    /// players cannot join there. Shorten the encoder's key frame interval.
    GopCut {
        /// The segment that begins without an IDR.
        msn: Msn,
        /// Its first presentation time.
        pts: Pts,
        /// The target duration that stands, seconds.
        target_duration_s: u32,
    },
    /// The source left out frames for longer than a part target: that part is longer than
    /// PART-TARGET.
    FrameGap {
        /// The rendition.
        rendition: Rendition,
        /// The frame before the hole.
        pts: Pts,
        /// The hole.
        gap: MediaSpan,
    },
    /// Uneven frame times left a part below 85 % of its target that nothing excuses.
    ShortPart {
        /// The rendition.
        rendition: Rendition,
        /// The part's first presentation time.
        pts: Pts,
        /// Its duration.
        duration: MediaSpan,
    },
    /// Timestamps jumped by more than a segment can hold: a discontinuity follows at the next IDR.
    TimestampJump {
        /// The rendition.
        rendition: Rendition,
        /// The last frame before the jump.
        pts: Pts,
    },
    /// One rendition had no media for a segment: its playlist lists a gap there.
    Gap {
        /// The rendition.
        rendition: Rendition,
        /// The segment.
        msn: Msn,
    },
}
