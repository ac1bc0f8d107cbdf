//! TLS for HTTP and RTMP: one certificate, renewed in place.
//!
//! A connection takes the configuration that is current when it begins and keeps it to its end, so that a renewal
//! disturbs nobody.

mod pair;
mod renew;

use std::{fmt, io, sync::Arc, time::Duration};

use rustls::{ServerConfig, crypto::aws_lc_rs::Ticketer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use pair::Pair;
pub(crate) use pair::{Files, PairError};
pub(crate) use renew::Renewal;

/// What a handshake needs, always with the newest certificate.
#[derive(Debug, Clone)]
pub(crate) struct Tls(watch::Receiver<Current>);

/// What a connection speaks inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Http,
    Rtmp,
}

/// A connection that did not come to speak TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTls {
    /// Its first byte is not a handshake's.
    #[error("the client does not speak TLS")]
    Plain(TcpStream),
    /// The handshake failed or took too long.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

#[derive(Clone)]
struct Current {
    http: Arc<ServerConfig>,
    rtmp: Arc<ServerConfig>,
}

impl Tls {
    /// Greets a client; a slow or silent one is given up.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        wanted: Use,
    ) -> Result<TlsStream<TcpStream>, NotTls> {
        self.accept_around(stream, wanted, |stream| stream).await
    }

    /// The same, with what `around` puts between the socket and TLS.
    pub(crate) async fn accept_around<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: TcpStream,
        wanted: Use,
        around: impl FnOnce(TcpStream) -> S,
    ) -> Result<TlsStream<S>, NotTls> {
        let handshake = async {
            let mut first = [0];
            let peeked = stream.peek(&mut first).await?;
            // RFC 8446 section 5.1: 22 is a record of the handshake.
            if peeked == 1 && first != [22] {
                return Err(NotTls::Plain(stream));
            }
            let config = self.0.borrow().of(wanted);
            Ok(TlsAcceptor::from(config).accept(around(stream)).await?)
        };
        timeout(HANDSHAKE_TIME_MAX, handshake)
            .await
            .unwrap_or_else(|_| Err(NotTls::Failed(io::ErrorKind::TimedOut.into())))
    }
}

/// Nothing of a key's surroundings belongs in a log.
impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").finish_non_exhaustive()
    }
}

impl Current {
    /// # Errors
    /// The key is not the certificate's.
    fn new(pair: &Pair) -> Result<Self, rustls::Error> {
        Ok(Self {
            http: config(pair, &[b"h2", b"http/1.1"])?,
            rtmp: config(pair, &[])?,
        })
    }

    fn of(&self, wanted: Use) -> Arc<ServerConfig> {
        match wanted {
            Use::Http => Arc::clone(&self.http),
            Use::Rtmp => Arc::clone(&self.rtmp),
        }
    }
}

/// TLS 1.3 and 1.2. Early data stays off: a request in it can be replayed (RFC 8446 section 8).
fn config(pair: &Pair, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(pair.chain.clone(), pair.key.clone_key())?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // A player has up to six HTTP/1.1 connections: the others resume. Its keys change by themselves every six hours.
    config.ticketer = Ticketer::new()?;
    Ok(Arc::new(config))
}

/// From the first byte to the last of the handshake: two round trips, on a bad mobile path a second or two.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// A self-signed certificate for `host` and its key, in PEM.
#[cfg(test)]
pub(crate) fn test_pair(host: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec![host.into()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}
