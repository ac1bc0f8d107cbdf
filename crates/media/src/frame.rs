//! One access unit on its way from ingest to every output.

use bytes::Bytes;

use crate::time::{MediaTime, Pts};

/// Which of a stream's two tracks a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackKind {
    /// The one video track.
    Video,
    /// The one audio track.
    Audio,
}

/// One access unit, with its times already on the stream's timeline. Cloning shares the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The track it belongs to.
    pub track: TrackKind,
    /// Decode time: video at 90 kHz, audio at its sample rate. Strictly increases along a track.
    pub dts: MediaTime,
    /// Presentation time on the same scale as `dts`.
    pub pts: MediaTime,
    /// Decoding can start here: an IDR picture (H.264), any IRAP picture (H.265), a key frame, and every audio frame.
    pub keyframe: bool,
    /// H.264: NAL units, each behind a 4-byte big-endian length, without parameter sets'
    /// out-of-band copy. H.265: the same, and without the parameter sets of its configuration. VP8: one frame. VP9: one frame, or a superframe of a picture's layers.
    /// AV1: a temporal unit's OBUs with their sizes, without the delimiter. AAC: one
    /// raw_data_block. Opus: one packet.
    pub payload: Bytes,
}

impl Frame {
    /// The presentation time on the stream's timeline.
    pub fn stream_pts(&self) -> Pts {
        self.pts.to_pts()
    }
}
