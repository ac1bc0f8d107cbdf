//! What is written to standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::{Error, config};

/// Sends every event that `config.filter` lets through to standard error.
///
/// # Errors
/// The filter is not one.
pub fn init(config: &config::Log) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| {
        Error::Config(format!(
            "`log.filter` = `{}`: {error}; for example `info,hls=debug`",
            config.filter
        ))
    })?;
    // A second call in one process (tests) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
    Ok(())
}
