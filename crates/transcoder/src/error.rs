//! Why the process ends other than by being asked.

use std::io;

/// What went wrong; also decides the exit status.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// GStreamer itself does not come up.
    #[error("GStreamer does not start: {0}")]
    Init(#[from] gstreamer::glib::Error),
    /// A plugin is not installed.
    #[error("GStreamer has no element `{element}`; install the Debian package {package}")]
    Missing {
        element: &'static str,
        package: &'static str,
    },
    /// A pipeline cannot be put together or set in motion.
    #[error("pipeline: {0}")]
    Pipeline(#[from] gstreamer::glib::BoolError),
    /// The source's configuration is not one that can be decoded.
    #[error("AudioSpecificConfig: {0}")]
    Configuration(#[from] media::Error),
    /// Channels whose places the decoder does not know, such as FFmpeg's 4.1: nothing to mix them by.
    #[error(
        "this channel layout cannot be mixed to stereo; set the encoder to mono, stereo, 5.1 or 7.1"
    )]
    Layout,
    /// The encoder makes another stream than the server has announced.
    #[error(
        "avenc_aac announces the configuration {announced:02x?}, not AAC-LC of 48 kHz in stereo (11 90); \
         install gstreamer1.0-libav as Debian 12 has it"
    )]
    Promise { announced: Vec<u8> },
    /// An element gave up.
    #[error("{element}: {message} ({details})")]
    Element {
        element: String,
        message: String,
        details: String,
    },
    /// What an element says of its output is not what its documentation promises.
    #[error("{0}")]
    Unexpected(&'static str),
    /// The server's bytes are no message.
    #[error("input: {0}")]
    Input(#[from] transcode::Error),
    /// The server's messages come in an order the protocol does not have.
    #[error("input: {0}")]
    Order(&'static str),
    /// The fence does not stand, so nothing of a stranger's is looked at.
    #[error("the fence cannot be put up: {0}")]
    Fence(String),
    /// Standard input fails otherwise than by ending.
    #[error("standard input: {0}")]
    Read(io::Error),
    /// Standard output is closed.
    #[error("standard output: {0}")]
    Write(io::Error),
}

impl Error {
    /// The status of `docs/spec/transcoder-protocol.md`.
    pub(crate) fn exit_status(&self) -> i32 {
        match self {
            Self::Init(_)
            | Self::Missing { .. }
            | Self::Pipeline(_)
            | Self::Configuration(_)
            | Self::Layout
            | Self::Promise { .. }
            | Self::Element { .. }
            | Self::Unexpected(_) => PIPELINE_FAILED,
            Self::Input(_) | Self::Order(_) | Self::Read(_) => INPUT_BROKEN,
            Self::Write(_) => NOBODY_THERE,
            Self::Fence(_) => NOT_FENCED,
        }
    }
}

const PIPELINE_FAILED: i32 = 1;
pub(crate) const INPUT_BROKEN: i32 = 2;
const NOBODY_THERE: i32 = 3;
const NOT_FENCED: i32 = 4;
/// What Rust itself uses for a panic.
pub(crate) const BUG: i32 = 101;
