//! A small HTTP client with keep-alive.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A client of one viewer.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    server: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

impl Http {
    pub(crate) fn new(server: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            client,
            server: server.trim_end_matches('/').to_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// Sends an SDP offer, or deletes the session it made when `body` is `None`.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        sdp: Option<String>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        if sdp.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/sdp");
        }
        let body = Full::new(Bytes::from(sdp.unwrap_or_default()));
        let answer = self
            .client
            .request(request.body(body)?)
            .await
            .with_context(|| path.to_owned())?;
        let status = answer.status();
        let location = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_server_error() {
            bail!("{path}: {status}");
        }
        Ok(Answer {
            status,
            location,
            body,
        })
    }
}
