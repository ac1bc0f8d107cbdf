//! Answers to requests, free of any HTTP type.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::BadDirective;

/// `Content-Type` of every playlist (section 4).
pub const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";

/// The answer to a playlist request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaylistAnswer {
    /// 200.
    Ready(Playlist),
    /// Nothing yet: hold the request, ask again after the next publication, 503 with `no-store`
    /// after [`block_timeout`](super::Origin::block_timeout).
    Wait,
    /// The stream is starting and its target duration is not known. Hold it like `Wait`, or answer
    /// 503 with `Retry-After: 1` and `no-store`.
    NotYet,
    /// 400 with `no-store`, at once.
    BadRequest(BadDirective),
    /// 404 with `no-store`: the stream has no such rendition.
    NotFound,
    /// 422 with `no-store`: the stream has video of this codec alone, which LL-HLS cannot carry.
    NotCarried(&'static str),
}

/// A playlist to send as [`PLAYLIST_TYPE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// UTF-8 text; compress it when the client accepts that (section 6.2.1).
    pub body: Bytes,
    /// How long caches may keep it.
    pub cache_control: CacheControl,
}

/// The answer to a request for a part, a segment or an initialisation segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectAnswer {
    /// 200, or 206 for a range.
    Ready(Object),
    /// The hinted part: hold the request, ask again after the next publication, 404 with `no-store`
    /// after [`block_timeout`](super::Origin::block_timeout).
    Wait,
    /// 404 with `no-store`: never existed, gone, or a hint that was abandoned.
    NotFound,
}

/// An object to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `video/mp4` or `audio/mp4`.
    pub content_type: &'static str,
    /// How long caches may keep it.
    pub cache_control: CacheControl,
    /// Its bytes.
    pub body: Body,
}

/// The bytes of an object, in chunks that are shared and never copied: a segment's chunks are its
/// parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    chunks: Arc<[Bytes]>,
    len: u64,
}

impl Body {
    pub(crate) fn new(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        let chunks: Arc<[Bytes]> = chunks.into_iter().collect();
        let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self { chunks, len }
    }

    /// The chunks in order.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// `Content-Length`.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it; never so for an object of an origin.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes in one piece: shared when there is one chunk, copied otherwise.
    pub fn to_bytes(&self) -> Bytes {
        if let [chunk] = &*self.chunks {
            return chunk.clone();
        }
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.iter().copied())
            .collect::<BytesMut>()
            .freeze()
    }
}

/// A `Cache-Control` header; its `Display` is the header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheControl {
    /// An object: its name is never used for other bytes.
    Immutable,
    /// Seconds.
    MaxAge(u32),
    /// Errors, 404 of parts above all.
    NoStore,
}

impl fmt::Display for CacheControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immutable => f.write_str("public, max-age=31536000, immutable"),
            Self::MaxAge(seconds) => write!(f, "public, max-age={seconds}"),
            Self::NoStore => f.write_str("no-store"),
        }
    }
}

/// What an origin holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Bytes of media in memory, listed or still fetchable.
    pub stored_bytes: u64,
    /// Segments in the longest playlist.
    pub listed_segments: usize,
    /// Segments dropped before their time because of the byte limit.
    pub evicted_segments: u64,
    /// Date ranges left out because the window was full.
    pub refused_date_ranges: u64,
}
