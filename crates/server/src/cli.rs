//! The command line, and the signals that end what it started.

mod keys;
mod tokens;

use std::{io, path::PathBuf};

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
    /// Makes, lists, replaces and revokes stream keys, also while the server runs.
    Key(keys::Arguments),
    /// Signs a token for a viewer, a publisher or a host; or makes the pair of keys for that.
    Token(tokens::Arguments),
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// Run a server with this.
    Serve(Box<Config>),
    /// Something that is over at once; see [`Errand::run`].
    Errand(Errand),
}

/// Something that is over at once.
#[derive(Debug)]
pub struct Errand(Command);

/// Reads the command line and the configuration it points at. `--help` and mistakes end the process.
///
/// # Errors
/// As [`Config::load`].
pub fn parse() -> Result<Asked, Error> {
    Ok(match Arguments::parse().command {
        Command::Serve { config } => Asked::Serve(Box::new(Config::load(config.as_deref())?)),
        other @ (Command::Key(_) | Command::Token(_)) => Asked::Errand(Errand(other)),
    })
}

impl Errand {
    /// Does it, and writes what it has to say to `out`.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, out: &mut impl io::Write) -> Result<(), Error> {
        let said = match self.0 {
            // A server is run by `main`.
            Command::Serve { .. } => String::new(),
            Command::Key(arguments) => arguments.run().await?,
            Command::Token(arguments) => arguments.run()?,
        };
        out.write_all(said.as_bytes())
            .map_err(Error::system("standard output"))
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
