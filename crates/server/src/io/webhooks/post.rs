//! One attempt: a signed POST to an address that was looked up, judged, and is the one connected to.
//!
//! The client follows no redirect, knows no proxy and no cookie, keeps no connection, and tries nothing twice by itself.

use std::{
    error::Error as StdError,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use media::UnixMillis;
use tokio::{net::lookup_host, time::timeout};
use tower::Service;
use webhooks::{Outcome, retry_after};

use super::{ATTEMPT_TIMEOUT, Endpoint, outbox::Parcel};
use crate::{config, io::clock};

/// Makes attempts. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Post {
    client: Client<HttpsConnector<HttpConnector<Judged>>, Full<Bytes>>,
}

/// Looks names up and gives only addresses that messages may go to. The connector uses exactly these, so a name that
/// changes its address between the look and the connection gains nothing.
#[derive(Debug, Clone)]
struct Judged {
    allow_private: bool,
}

impl Post {
    /// A client that trusts the system's certificate authorities.
    pub(super) fn new(allow_private: bool) -> io::Result<Self> {
        let mut connector = HttpConnector::new_with_resolver(Judged { allow_private });
        // The configuration has judged the scheme; TLS is above this.
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Ok(Self { client })
    }

    /// Sends a message once.
    pub(super) async fn send(&self, endpoint: &Endpoint, parcel: Parcel) -> Outcome {
        let request = match request(endpoint, parcel, clock::wall()) {
            Ok(request) => request,
            Err(error) => return Outcome::unanswered(format!("no request: {error}")),
        };
        match timeout(ATTEMPT_TIMEOUT, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let s = ATTEMPT_TIMEOUT.as_secs();
                Outcome::unanswered(format!("no answer within {s} s"))
            }
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Outcome {
        let (head, body) = match self.client.request(request).await {
            Ok(response) => response.into_parts(),
            Err(error) => return Outcome::unanswered(chain(&error)),
        };
        let wish = head.headers.get(header::RETRY_AFTER);
        let wish = wish
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after(value, clock::wall()));
        // What comes with a success is nobody's business.
        let excerpt = if head.status.is_success() {
            String::new()
        } else {
            excerpt(body).await
        };
        Outcome::answered(head.status.as_u16(), wish, &excerpt)
    }
}

fn request(
    endpoint: &Endpoint,
    Parcel { message, body }: Parcel,
    now: UnixMillis,
) -> Result<Request<Full<Bytes>>, axum::http::Error> {
    // The time of the attempt, in seconds; that of the event is in the body.
    let timestamp = now.0.div_euclid(1000);
    let sign = |secret: &webhooks::Secret| secret.sign(&message, timestamp, &body);
    // "a space delimited list of signatures … to support zero downtime secret rotation".
    let signatures: Vec<String> = endpoint.secrets.iter().map(sign).collect();
    Request::post(endpoint.uri.clone())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, USER_AGENT)
        .header("webhook-id", &message)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signatures.join(" "))
        .body(Full::new(Bytes::from(body)))
}

/// The beginning of a body, for the log of deliveries. The rest is not read.
async fn excerpt(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(&data[..data.len().min(EXCERPT_BYTES_MAX - bytes.len())]);
            }
            if bytes.len() == EXCERPT_BYTES_MAX {
                break;
            }
        }
    };
    // What has come by then is enough.
    let _in_time = timeout(EXCERPT_TIMEOUT, reading).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An error and its causes in one line.
fn chain(error: &dyn StdError) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(": ");
        said.push_str(&error.to_string());
        cause = error.source();
    }
    said.chars().take(ERROR_CHARS_MAX).collect()
}

impl Service<Name> for Judged {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        let name: Arc<str> = name.as_str().into();
        Box::pin(async move {
            let found = lookup_host((&*name, 0)).await?;
            judge(found.take(ADDRESSES_MAX), allow_private).map(Vec::into_iter)
        })
    }
}

/// Those that messages may go to; if there are none, why not.
fn judge(
    found: impl Iterator<Item = SocketAddr>,
    allow_private: bool,
) -> io::Result<Vec<SocketAddr>> {
    let (mut good, mut wrong) = (Vec::new(), None);
    for address in found {
        match config::allowed(address.ip(), allow_private) {
            Ok(()) => good.push(address),
            Err(why) => wrong = Some(why),
        }
    }
    match wrong {
        Some(why) if good.is_empty() => Err(io::Error::new(io::ErrorKind::PermissionDenied, why)),
        _ => Ok(good),
    }
}

const USER_AGENT: &str = concat!("shopcast/", env!("CARGO_PKG_VERSION"));
/// Per address; two fit into an attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const EXCERPT_TIMEOUT: Duration = Duration::from_secs(2);
const EXCERPT_BYTES_MAX: usize = 256;
const ERROR_CHARS_MAX: usize = 400;
const HEAD_BYTES_MAX: usize = 64 << 10;
const ADDRESSES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(addresses: &[&str], allow_private: bool) -> Result<Vec<String>, String> {
        let found = addresses
            .iter()
            .map(|address| SocketAddr::new(address.parse().unwrap(), 0));
        judge(found, allow_private)
            .map(|good| good.iter().map(|it| it.ip().to_string()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_leads_only_where_messages_may_go() {
        assert_eq!(
            judged(&["10.0.0.1", "1.1.1.1"], false).unwrap(),
            ["1.1.1.1"]
        );
        let said = judged(&["10.0.0.1", "127.0.0.1"], false).unwrap_err();
        assert!(said.contains("allow_private"), "{said}");
        assert_eq!(judged(&["10.0.0.1"], true).unwrap(), ["10.0.0.1"]);
        let said = judged(&["169.254.169.254"], true).unwrap_err();
        assert!(said.contains("never allowed"), "{said}");
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_where_it_is_looked_up() {
        let name: Name = "localhost".parse().unwrap();
        let said = Judged {
            allow_private: false,
        }
        .call(name.clone())
        .await
        .unwrap_err();
        assert_eq!(said.kind(), io::ErrorKind::PermissionDenied, "{said}");
        let found = Judged {
            allow_private: true,
        }
        .call(name)
        .await
        .unwrap();
        assert!(found.count() > 0);
    }
}
