//! A small HTTP client with keep-alive.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderName},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// A client; its clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    server: String,
    token: Option<String>,
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
            token: None,
        }
    }

    /// The same client, with a token in each request.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        Self {
            token: token.map(str::to_owned),
            ..self.clone()
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
        let mut headers = Vec::new();
        if sdp.is_some() {
            headers.push((header::CONTENT_TYPE, "application/sdp".to_owned()));
        }
        let body = Bytes::from(sdp.unwrap_or_default());
        whole(path, self.request(method, path, &headers, body).await?).await
    }

    /// Posts a JSON body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let headers = [(header::CONTENT_TYPE, "application/json".to_owned())];
        let body = Bytes::from(body.to_string());
        whole(
            path,
            self.request(Method::POST, path, &headers, body).await?,
        )
        .await
    }

    /// Opens an answer that is read as it comes.
    pub(crate) async fn open(
        &self,
        path: &str,
        headers: &[(HeaderName, String)],
    ) -> anyhow::Result<Response<Incoming>> {
        let answer = self
            .request(Method::GET, path, headers, Bytes::new())
            .await?;
        if !answer.status().is_success() {
            bail!("{path}: {}", answer.status());
        }
        Ok(answer)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, String)],
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.client
            .request(request.body(Full::new(body))?)
            .await
            .with_context(|| path.to_owned())
    }
}

async fn whole(path: &str, answer: Response<Incoming>) -> anyhow::Result<Answer> {
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
