//! What keeps the server from starting or from ending well.

use std::{io, net::SocketAddr};

/// The server cannot do what it was started for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is not one.
    #[error("configuration: {0}")]
    Config(String),
    /// An address cannot be listened on.
    #[error(
        "`{key}` = {address} cannot be listened on: {source}; is another server running, or is the port taken?"
    )]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// The address it holds.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error(
        "`store.path` = {path}: {source}; give a file this server may write, or one that this version or an older one made"
    )]
    Store {
        /// The file.
        path: String,
        /// What the database says.
        source: sqlx::Error,
    },
    /// A stream key or a token cannot be made or changed.
    #[error("{0}")]
    Key(String),
    /// The operating system refuses something every server needs.
    #[error("{what}: {source}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an address could not be listened on.
    pub(crate) fn listen(key: &'static str, address: SocketAddr) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Listen {
            key,
            address,
            source,
        }
    }

    /// For `map_err`: the operating system refused `what`.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
