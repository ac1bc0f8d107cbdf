//! What the supervisor tells its driver.

use std::{fmt, time::Duration};

use bytes::Bytes;
use media::MediaTime;

use crate::{Jpeg, Picture, ToChild};

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Start the process, then report `Spawned` or `Exited`.
    Spawn,
    /// Write this to the child's standard input. At most a few hundred wait at a time.
    Send(ToChild),
    /// End the process by force, also one that is only being started, then report `Exited`.
    Kill(Cause),
    /// One packet for the viewers: Opus of 20 ms, or AAC of 1024 samples.
    Packet {
        /// Where its first decoded sample plays, at 48 kHz.
        pts: MediaTime,
        /// The packet.
        payload: Bytes,
    },
    /// What the pictures after it are decoded with: an AVCDecoderConfigurationRecord.
    Configuration(Bytes),
    /// One picture for the viewers.
    Picture(Picture),
    /// What a key frame shows.
    Jpeg(Jpeg),
    /// Something an operator wants to read.
    Event(Event),
}

/// A notable change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The child is ready.
    Up {
        /// Since the process was asked for.
        after: Duration,
    },
    /// The child is gone.
    Down {
        /// Why.
        cause: Cause,
        /// When the next one is started; `None` when at once or not at all.
        retry_in: Option<Duration>,
    },
}

/// Why a child ends, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It was no longer wanted, or not with this configuration.
    Asked,
    /// It went by itself, or could not be started.
    Exited,
    /// No `Ready` in time.
    NotReady,
    /// Frames went in and no packet came out.
    Hung,
    /// It said so, with this text.
    Failed(String),
    /// What it wrote is no message.
    Garbled,
}

impl Cause {
    /// One word, as metrics have it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Exited => "exited",
            Self::NotReady => "not_ready",
            Self::Hung => "hung",
            Self::Failed(_) => "failed",
            Self::Garbled => "garbled",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("no longer wanted"),
            Self::Exited => f.write_str("exited"),
            Self::NotReady => f.write_str("not ready in time"),
            Self::Hung => f.write_str("frames went in and no packet came out"),
            Self::Failed(message) => write!(f, "failed: {message}"),
            Self::Garbled => f.write_str("wrote something that is no message"),
        }
    }
}

/// What a deadline waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The child's `Ready`.
    StartUp,
    /// A packet for the frames sent.
    Hang,
    /// The exit of a child that was asked to finish.
    StopGrace,
    /// The next attempt.
    BackOff,
}

/// Where the child is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// None is wanted.
    Idle,
    /// Asked for, not yet ready.
    Starting,
    /// Ready.
    Running,
    /// Asked to go, or killed, and not yet gone.
    Stopping,
    /// It died; the next one comes after a wait.
    BackingOff,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::BackingOff => "backing off",
        })
    }
}

/// Totals since the supervisor was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Processes asked for.
    pub spawns: u64,
    /// Children that ended without being asked.
    pub deaths: u64,
    /// Packets and pictures handed on.
    pub packets: u64,
    /// Frames that never reached a child because it was not there or did not answer.
    pub frames_dropped: u64,
    /// Inputs that did not fit the state.
    pub inputs_unexpected: u64,
}
