//! The only crate that does I/O: sockets, timers, HTTP, child processes, configuration, telemetry.
//!
//! ```text
//!   RTMP (tokio task each) --.                 .--> UDP send
//!   UDP receive -------------+--> [shard       +--> RTMP writers (bounded queues)
//!   HTTP (axum, tokio) ------'     thread] ----+--> transcoding children (a task each)
//!        ^                                     '--> LL-HLS origins, side channels --.
//!        '--------------------- read without touching the shard -------------------'
//! ```
//!
//! One thread per engine shard owns the [`engine::Shard`] and its UDP socket; everything else reaches it by a bounded
//! command queue and is answered by a one-shot channel. What the engine decides is carried out without ever making its
//! thread wait: a full queue has a defined answer, and it is counted.
//!
//! It decides nothing about media, cues or protocols; those are the crates below it.

pub mod cli;
pub mod config;
mod crowd;
mod encoder_cues;
mod error;
mod gate;
mod http;
mod io;
mod keys;
mod listeners;
pub mod log;
mod proxies;
mod publishing;
mod server;
mod store;
pub mod telemetry;
mod tls;

pub use error::Error;
pub use server::Server;
