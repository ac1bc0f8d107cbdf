//! The command line, and the signals that end what it started.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Error, config::Config};

/// Low-latency live video with product cards on the same frame for every viewer.
#[derive(Debug, Parser)]
#[command(name = "shopcast", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Takes publishers and serves viewers until it is told to stop.
    Serve {
        /// Configuration file; config/shopcast.toml is the commented reference. Without it the defaults hold.
        /// Environment variables SHOPCAST_SECTION__KEY win over both.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Reads the command line and the configuration it points at. `--help` and mistakes end the process.
///
/// # Errors
/// As [`Config::load`].
pub fn parse() -> Result<Config, Error> {
    match Arguments::parse().command {
        Command::Serve { config } => Config::load(config.as_deref()),
    }
}

/// Resolves when the process is asked to end: SIGINT (Ctrl-C) or SIGTERM.
///
/// # Errors
/// The operating system does not let us listen for them.
pub fn shutdown_signal() -> Result<impl Future<Output = ()>, Error> {
    let on = |kind| signal(kind).map_err(Error::system("signal handler"));
    let (mut interrupt, mut terminate) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
