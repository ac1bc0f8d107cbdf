//! Who publishes by RTMP is decided beside the media thread: keys are looked up in the database, mistakes answered late.

use std::{net::SocketAddr, sync::Arc};

use access::{Asked, Grant, Policy, PublishName, Refusal};
use engine::{ConnId, PublishRefused, PublishRequest, StreamName};
use rtmp::RejectReason;
use tokio::runtime::Handle;
use tracing::{debug, info};

use super::command::{Command, ShardHandle};
use crate::{
    encoder_cues::rules::CueRight,
    gate::{Denied, Entry, Gate, Source},
};

/// Answers [`engine::Output::PublishAsked`]. One question a connection, and connections are bounded.
#[derive(Debug)]
pub(crate) struct Doorman {
    gate: Arc<Gate>,
    shard: ShardHandle,
    runtime: Handle,
}

impl Doorman {
    /// Decides by `gate`, on `runtime`.
    pub(crate) fn new(gate: Arc<Gate>, shard: ShardHandle, runtime: Handle) -> Self {
        Self {
            gate,
            shard,
            runtime,
        }
    }

    /// Sees to it that `conn` gets its answer. Returns at once.
    pub(crate) fn ask(&self, conn: ConnId, peer: SocketAddr, request: PublishRequest) {
        let (gate, shard) = (Arc::clone(&self.gate), self.shard.clone());
        self.runtime.spawn(async move {
            let decision = decide(&gate, peer, &request).await;
            if let Err(refused) = &decision {
                // The text is of ours, and never holds what was sent.
                info!(
                    conn = conn.0,
                    reason = refused.description,
                    "RTMP publisher refused"
                );
                debug!(conn = conn.0, %peer, "it was refused");
            }
            // A thread that does not listen is ending, and its connections with it.
            let _ = shard.send(Command::PublishDecided { conn, decision }).await;
        });
    }

    /// A stream is published by whoever was granted it.
    pub(crate) fn let_in(&self, stream: &StreamName, grant: &Grant) {
        self.gate.publishes(stream, grant);
    }

    /// A stream is over.
    pub(crate) fn ended(&self, stream: &StreamName) {
        self.gate.publishing.ended(stream);
    }

    /// Whether a stream is published with this stream key.
    pub(crate) fn is_published_with(&self, stream: &StreamName, key: &str) -> bool {
        self.gate.publishing.is_with(stream, key)
    }
}

/// What an RTMP client may publish.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    pub(crate) stream: StreamName,
    /// By what right.
    pub(crate) grant: Grant,
    /// What comes of cues of its encoder's.
    pub(crate) cues: CueRight,
}

/// Which stream a client may publish, and by what right.
pub(crate) async fn decide(
    gate: &Gate,
    peer: SocketAddr,
    request: &PublishRequest,
) -> Result<Permit, PublishRefused> {
    let name =
        PublishName::parse(&request.stream_key, request.query.as_deref()).map_err(|error| {
            PublishRefused {
                reason: RejectReason::Denied,
                description: error.to_string(),
            }
        })?;
    let asked = Asked {
        policy: Policy::Publish,
        stream: name.stream,
    };
    let source = Source {
        entry: Entry::Rtmp,
        address: peer.ip(),
        is_proxy: false,
    };
    let admitted = gate.admit(asked, name.credential.as_deref(), source).await;
    let grant = admitted.map_err(|error| PublishRefused {
        reason: match error {
            Denied::Refused(_) | Denied::Limited { .. } => RejectReason::Denied,
            // It passes by itself, and an encoder that is told a status does not try again.
            Denied::Unavailable => RejectReason::Passing,
        },
        description: explain(error),
    })?;
    let stream = match (&grant, name.stream) {
        (_, Some(stream)) => stream,
        (Grant::Key(record), None) => record.stream.as_str(),
        (Grant::Anyone | Grant::Operator | Grant::Token { .. }, None) => "",
    };
    let stream = StreamName::parse(stream).ok_or_else(|| PublishRefused {
        reason: RejectReason::BadName,
        description: "the stream key must be 1 to 64 of A-Z a-z 0-9 _ -; change it in the encoder"
            .into(),
    })?;
    let cues = gate.cue_right(&grant, &stream, name.credential.as_deref());
    Ok(Permit {
        stream,
        grant,
        cues,
    })
}

/// For the person at the encoder, in at most 256 bytes.
fn explain(error: Denied) -> String {
    match error {
        Denied::Refused(Refusal::Missing) => {
            "this server needs a stream key: ask its operator for one that begins with sk_ and type it as the stream key, \
             or NAME?token=TOKEN"
                .into()
        }
        Denied::Refused(Refusal::Unknown) => {
            "the stream key is not known: one begins with sk_ and has 46 characters; copy it again"
                .into()
        }
        Denied::Refused(refusal) => refusal.to_string(),
        Denied::Limited { retry_after_s } => {
            format!("too many wrong stream keys came from your address; correct yours and try again in {retry_after_s} s")
        }
        Denied::Unavailable => "stream keys cannot be looked up now; try again".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use access::{ApiTokens, Publishers, Settings, ThrottleConfig};

    use super::*;
    use crate::{io::clock, keys::Keys, store::Store};

    const API_TOKEN: &str = "an-api-token-of-enough-characters";

    async fn gate(publishers: Publishers) -> Gate {
        let settings = Settings {
            api_tokens: ApiTokens::parse(API_TOKEN).unwrap(),
            publishers,
            ..Settings::default()
        };
        let throttle = ThrottleConfig {
            delay: Duration::ZERO,
            ..ThrottleConfig::default()
        };
        Gate::new(
            settings,
            throttle,
            Keys::new(Store::open("").await.unwrap()),
        )
    }

    async fn publish(gate: &Gate, key: &str, query: Option<&str>) -> Result<String, String> {
        let request = PublishRequest {
            stream_key: key.into(),
            query: query.map(Into::into),
        };
        let peer = "192.0.2.1:40000".parse().unwrap();
        let decided = decide(gate, peer, &request).await;
        decided
            .map(|permit| permit.stream.to_string())
            .map_err(|refused| refused.description)
    }

    #[tokio::test]
    async fn where_anyone_may_publish_the_key_is_the_name() {
        let gate = gate(Publishers::Open).await;
        assert_eq!(publish(&gate, "show", None).await, Ok("show".into()));
        assert_eq!(
            publish(&gate, "show", Some("token=x.y.z")).await,
            Ok("show".into())
        );
        let said = publish(&gate, "a/b", None).await.unwrap_err();
        assert!(said.contains("1 to 64"), "{said}");
    }

    #[tokio::test]
    async fn a_stream_key_says_which_stream_and_never_becomes_its_name() {
        for publishers in [Publishers::Key, Publishers::Open] {
            let gate = gate(publishers).await;
            let show = StreamName::parse("show").unwrap();
            let made = gate.keys.create(&show, clock::wall()).await.unwrap();
            let key = made.key.text();
            assert_eq!(publish(&gate, key, None).await, Ok("show".into()));
            assert_eq!(
                publish(&gate, "show", Some(&format!("key={key}"))).await,
                Ok("show".into())
            );
            gate.keys.revoke(&show, &made.listed.id).await.unwrap();
            let said = publish(&gate, key, None).await.unwrap_err();
            assert!(said.contains("not known") && !said.contains(key), "{said}");
        }
    }

    #[tokio::test]
    async fn whoever_has_no_right_hears_what_to_do_and_never_what_it_sent() {
        let gate = gate(Publishers::Key).await;
        let other = StreamName::parse("other").unwrap();
        let made = gate.keys.create(&other, clock::wall()).await.unwrap();
        let of_other = format!("key={}", made.key.text());
        for (key, query, hint) in [
            ("show", None, "begins with sk_"),
            ("show", Some("token=nonsense-secret"), "not known"),
            ("show", Some("key=nonsense-secret"), "not known"),
            ("show", Some(of_other.as_str()), "another stream"),
            ("show", Some("key=a&token=b"), "two keys"),
            ("show", Some("token=a.b.c"), "takes no signed tokens"),
        ] {
            let said = publish(&gate, key, query).await.unwrap_err();
            assert!(said.contains(hint), "{said}");
            assert!(said.len() <= 256 && !said.contains("secret"), "{said}");
        }
        assert_eq!(
            publish(&gate, "show", Some(&format!("token={API_TOKEN}"))).await,
            Ok("show".into())
        );
    }

    #[tokio::test]
    async fn cues_of_an_encoder_s_are_for_who_may_insert_them() {
        let right = async |gate: &Gate, query: String| {
            let request = PublishRequest {
                stream_key: "show".into(),
                query: (!query.is_empty()).then_some(query),
            };
            let peer = "192.0.2.1:40000".parse().unwrap();
            decide(gate, peer, &request).await.unwrap().cues
        };
        let guarded = gate(Publishers::Key).await;
        let show = StreamName::parse("show").unwrap();
        let made = guarded.keys.create(&show, clock::wall()).await.unwrap();
        let by_key = format!("key={}", made.key.text());
        assert_eq!(right(&guarded, by_key).await, CueRight::ByRule);
        let by_token = format!("token={API_TOKEN}");
        assert_eq!(right(&guarded, by_token).await, CueRight::Full);
        // Whoever reaches the server may publish; cues need a token all the same.
        let open = gate(Publishers::Open).await;
        assert_eq!(right(&open, String::new()).await, CueRight::None);
    }

    #[tokio::test]
    async fn while_keys_cannot_be_looked_up_an_encoder_is_not_told_that_its_key_is_wrong() {
        let gate = gate(Publishers::Key).await;
        let show = StreamName::parse("show").unwrap();
        let made = gate.keys.create(&show, clock::wall()).await.unwrap();
        gate.keys.close().await;
        let request = PublishRequest {
            stream_key: made.key.text().into(),
            query: None,
        };
        let peer = "192.0.2.1:40000".parse().unwrap();
        let refused = decide(&gate, peer, &request).await.unwrap_err();
        assert_eq!(refused.reason, RejectReason::Passing);
        let name = PublishRequest {
            stream_key: "show".into(),
            query: None,
        };
        let refused = decide(&gate, peer, &name).await.unwrap_err();
        assert_eq!(refused.reason, RejectReason::Denied);
    }

    #[tokio::test]
    async fn a_thousand_wrong_keys_from_one_address_are_soon_limited_and_the_right_one_is_heard() {
        let gate = gate(Publishers::Key).await;
        let show = StreamName::parse("show").unwrap();
        let made = gate.keys.create(&show, clock::wall()).await.unwrap();
        let mut heard = 0;
        for guess in 0..1000 {
            let said = publish(&gate, &format!("guess{guess}"), None)
                .await
                .unwrap_err();
            heard += usize::from(!said.contains("too many"));
        }
        assert_eq!(heard, 10);
        // The right key comes from the same address, which may be that of many.
        assert_eq!(
            publish(&gate, made.key.text(), None).await,
            Ok("show".into())
        );
    }
}
