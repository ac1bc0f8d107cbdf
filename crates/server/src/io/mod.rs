//! Everything that touches the operating system: sockets, threads, child processes, clocks.

pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod delivery;
pub(crate) mod doorman;
pub(crate) mod hls;
pub(crate) mod ice;
pub(crate) mod outlets;
pub(crate) mod rtmp;
pub(crate) mod shard;
pub(crate) mod shows;
pub(crate) mod side;
pub(crate) mod tcp;
pub(crate) mod thumbnails;
pub(crate) mod udp;
pub(crate) mod webhooks;
