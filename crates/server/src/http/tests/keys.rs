//! Who publishes with a stream key goes when the key does, whatever happens in between.

use std::convert::Infallible;

use axum::body::Bytes;
use engine::StreamName;
use futures_util::stream;
use tokio::time::timeout;

use super::*;
use crate::{
    config::{Publishers, Secret},
    io::{clock, command::Command},
};

const API_TOKEN: &str = "an-api-token-of-enough-characters";
const KEYS: &str = "/v1/streams/show/keys";

/// A server that asks publishers for a key, and a key of the stream `show`.
struct Keyed {
    server: Server,
    id: String,
    key: String,
}

impl Keyed {
    async fn new() -> Self {
        let mut config = Config::default();
        config.access.api_token = Secret(API_TOKEN.into());
        config.access.publishers = Publishers::Key;
        let server = server_with(config).await;
        let keys = server.state().gate.keys.clone();
        let made = keys.create(&show(), clock::wall()).await.unwrap();
        Self {
            server,
            id: made.listed.id,
            key: made.key.text().into(),
        }
    }

    async fn send(&self, method: &str, path: &str, bearer: &str, body: impl Into<Body>) -> Answer {
        let kind = match (method, path) {
            ("PATCH", _) => "application/trickle-ice-sdpfrag",
            (_, "/whip/show") => "application/sdp",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {bearer}"))
            .header("content-type", kind)
            .body(body.into());
        ask(&self.server, request.unwrap()).await
    }

    /// Publishes with the key; the session's address.
    async fn publish(&self, offer: impl Into<Body>) -> String {
        let created = self.send("POST", "/whip/show", &self.key, offer).await;
        assert_eq!(created.status, StatusCode::CREATED);
        created.header("location").into()
    }

    async fn is_there(&self, session: &str) -> bool {
        let answer = self.send("PATCH", session, API_TOKEN, CANDIDATE).await;
        answer.status == StatusCode::NO_CONTENT
    }

    /// Waits for the session's end, for less time than until the key would be looked at anyway.
    async fn gone(&self, session: &str) {
        let gone = async { while self.is_there(session).await {} };
        timeout(Duration::from_secs(8), gone).await.unwrap();
    }
}

fn show() -> StreamName {
    StreamName::parse("show").unwrap()
}

#[tokio::test]
async fn a_key_that_is_revoked_while_the_offer_comes_publishes_nothing() {
    let keyed = Keyed::new().await;
    let (keys, id) = (keyed.server.state().gate.keys.clone(), keyed.id.clone());
    // The body is read once the key has been judged.
    let offer = stream::once(async move {
        keys.revoke(&show(), &id).await.unwrap();
        Ok::<_, Infallible>(Bytes::from(offer_to_publish()))
    });
    let session = keyed.publish(Body::from_stream(offer)).await;
    keyed.gone(&session).await;
}

#[tokio::test]
async fn who_publishes_with_a_replaced_key_goes_at_the_end_of_its_grace() {
    let keyed = Keyed::new().await;
    let session = keyed.publish(offer_to_publish()).await;
    let rotate = format!("{KEYS}/{}/rotate", keyed.id);
    let made = keyed
        .send("POST", &rotate, API_TOKEN, r#"{"grace_ms":500}"#)
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let ends = clock::wall().0 + 500;
    assert!(keyed.is_there(&session).await || clock::wall().0 >= ends);
    keyed.gone(&session).await;
    let listed = keyed.send("GET", KEYS, API_TOKEN, "").await.json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn a_new_key_is_shown_also_when_nobody_can_be_disconnected() {
    let keyed = Keyed::new().await;
    keyed.publish(offer_to_publish()).await;
    let shard = keyed.server.state().shard.clone();
    shard.send(Command::Stop).await.unwrap();
    shard.gone().await;
    let rotate = format!("{KEYS}/{}/rotate", keyed.id);
    let made = keyed.send("POST", &rotate, API_TOKEN, "{}").await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert!(made.json()["key"].as_str().unwrap().starts_with("sk_"));
}

#[tokio::test]
async fn asked_again_a_revocation_disconnects_too() {
    let keyed = Keyed::new().await;
    let session = keyed.publish(offer_to_publish()).await;
    assert!(keyed.is_there(&session).await);
    // The first time it came to nothing more than this.
    let keys = keyed.server.state().gate.keys.clone();
    keys.revoke(&show(), &keyed.id).await.unwrap();
    let path = format!("{KEYS}/{}", keyed.id);
    let again = keyed.send("DELETE", &path, API_TOKEN, "").await;
    again.problem(404, "no-such-key");
    keyed.gone(&session).await;
}

#[tokio::test]
async fn nothing_is_kept_of_a_stream_that_is_over() {
    let keyed = Keyed::new().await;
    keyed.publish(offer_to_publish()).await;
    let state = keyed.server.state();
    assert!(state.gate.publishing.is_with(&show(), &keyed.id));
    let ended = keyed
        .send("DELETE", "/v1/streams/show", API_TOKEN, "")
        .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let forgotten = async {
        while state.gate.publishing.is_with(&show(), &keyed.id) {
            // One more turn of the media thread.
            state.shard.streams().await.unwrap();
        }
    };
    timeout(Duration::from_secs(8), forgotten).await.unwrap();
}
