//! Who may do what, with everything that takes: the operator's settings, the stored keys, the clock, and patience.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use access::{Asked, Decision, Grant, Policy, Refusal, Settings, Throttle, ThrottleConfig};
use engine::StreamName;
use metrics::counter;
use tracing::{debug, info, warn};

use crate::{
    encoder_cues::rules::CueRight,
    io::clock,
    keys::{Keys, KeysError},
    publishing::Publishing,
};

/// Decides for every request and every publisher, and remembers who guesses.
#[derive(Debug)]
pub(crate) struct Gate {
    settings: RwLock<Arc<Settings>>,
    pub(crate) keys: Keys,
    throttle: Mutex<Throttle>,
    /// Held by whoever looks up a key although its address has made too many mistakes.
    turn: tokio::sync::Mutex<()>,
    pub(crate) publishing: Publishing,
}

/// Where a credential comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) entry: Entry,
    pub(crate) address: IpAddr,
    /// It speaks for many; one guesser must not silence the others.
    pub(crate) is_proxy: bool,
}

/// By which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Http,
    Rtmp,
}

/// Somebody is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The credential does not do.
    Refused(Refusal),
    /// It does not do, and its address has made too many mistakes; how long until it is told more, in whole seconds.
    Limited { retry_after_s: u64 },
    /// Keys cannot be looked up now.
    Unavailable,
}

impl Gate {
    /// What `settings` and the stored keys allow.
    pub(crate) fn new(settings: Settings, throttle: ThrottleConfig, keys: Keys) -> Self {
        Self {
            settings: RwLock::new(Arc::new(settings)),
            keys,
            throttle: Mutex::new(Throttle::new(throttle)),
            turn: tokio::sync::Mutex::default(),
            publishing: Publishing::default(),
        }
    }

    /// What holds now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on other files hold.
    pub(crate) fn replace(&self, settings: Settings) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Whether somebody may do what it asks. Guesses are answered late.
    pub(crate) async fn admit(
        &self,
        asked: Asked<'_>,
        credential: Option<&str>,
        from: Source,
    ) -> Result<Grant, Denied> {
        // A good credential is heard whatever its neighbours did, since one address may be a whole proxy's: keys, API
        // tokens and signatures are too long to be guessed, however often somebody may try.
        let (settings, now) = (self.settings(), clock::wall());
        let verdict = match access::decide(asked, credential, &settings, now) {
            Decision::Allow(grant) => Ok(grant),
            Decision::Refuse(refusal) => Err(refusal),
            Decision::LookUp(hash) => {
                // Guesses past the limit are looked up one at a time, so that they keep nobody else's waiting.
                let _turn = match self.hear(from) {
                    Ok(()) => None,
                    Err(_) => Some(self.turn.lock().await),
                };
                let record = self
                    .keys
                    .look_up(hash)
                    .await
                    .map_err(|error| unavailable(&error))?;
                access::decide_key(asked, record, now)
            }
        };
        match verdict {
            Ok(grant) => Ok(grant),
            Err(refusal) => Err(self.refuse(refusal, from).await),
        }
    }

    /// What a publisher that was let in may have done by its encoder.
    pub(crate) fn cue_right(
        &self,
        grant: &Grant,
        stream: &StreamName,
        credential: Option<&str>,
    ) -> CueRight {
        let asked = Asked {
            policy: Policy::Cues,
            stream: Some(stream.as_str()),
        };
        let settings = self.settings();
        match access::decide(asked, credential, &settings, clock::wall()) {
            Decision::Allow(_) => CueRight::Full,
            Decision::LookUp(_) | Decision::Refuse(_) if matches!(grant, Grant::Key(_)) => {
                CueRight::ByRule
            }
            Decision::LookUp(_) | Decision::Refuse(_) => CueRight::None,
        }
    }

    /// A refusal on its way out.
    async fn refuse(&self, refusal: Refusal, from: Source) -> Denied {
        count(from.entry, refusal.label());
        // An encoder that brings nothing has typed a name where a key belongs.
        let guess =
            refusal.is_guess() || (from.entry == Entry::Rtmp && refusal == Refusal::Missing);
        if !guess {
            return Denied::Refused(refusal);
        }
        if let Err(wait) = self.hear(from) {
            count(from.entry, "limited");
            return Denied::Limited {
                retry_after_s: whole_seconds(wait),
            };
        }
        let delay = self.wrong(from.address);
        tokio::time::sleep(delay).await;
        Denied::Refused(refusal)
    }

    /// Whether a mistake from there may still be answered as one; else for how long it may not.
    fn hear(&self, from: Source) -> Result<(), Duration> {
        if from.is_proxy {
            return Ok(());
        }
        let throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.hear(clock::monotonic(), from.address)
    }

    fn wrong(&self, address: IpAddr) -> Duration {
        let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.wrong(clock::monotonic(), address, rand::random())
    }

    /// A stream is published by whoever was granted it.
    pub(crate) fn publishes(&self, stream: &StreamName, grant: &Grant) {
        info!(%stream, by = %Shown(grant), "publisher let in");
        if let Grant::Token {
            subject: Some(subject),
        } = grant
        {
            debug!(%stream, subject, "by a token given to");
        }
        self.publishing.begins(stream, grant);
    }
}

/// A grant as the log has it: never a secret, and of a token the subject only at DEBUG.
struct Shown<'a>(&'a Grant);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Grant::Anyone => f.write_str("anyone"),
            Grant::Operator => f.write_str("the API token"),
            Grant::Key(record) => write!(f, "key {}", record.id),
            Grant::Token { .. } => f.write_str("a signed token"),
        }
    }
}

fn count(entry: Entry, reason: &'static str) {
    let entry = match entry {
        Entry::Http => "http",
        Entry::Rtmp => "rtmp",
    };
    counter!("shopcast_access_refused_total", "entry" => entry, "reason" => reason).increment(1);
}

fn unavailable(error: &KeysError) -> Denied {
    warn!(%error, "a stream key cannot be looked up");
    Denied::Unavailable
}

/// Never earlier than asked, never zero.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use access::{ApiTokens, Policy, Publishers, Viewers};

    use super::*;
    use crate::store::Store;

    const TOKEN: &str = "an-api-token-of-enough-characters";

    async fn gate(delay: Duration) -> Gate {
        let settings = Settings {
            api_tokens: ApiTokens::parse(TOKEN).unwrap(),
            publishers: Publishers::Key,
            viewers: Viewers::Token,
            tokens: None,
        };
        let throttle = ThrottleConfig {
            delay,
            ..ThrottleConfig::default()
        };
        Gate::new(
            settings,
            throttle,
            Keys::new(Store::open("").await.unwrap()),
        )
    }

    fn from(entry: Entry, address: &str) -> Source {
        Source {
            entry,
            address: address.parse().unwrap(),
            is_proxy: entry == Entry::Http && address == "127.0.0.1",
        }
    }

    const API: Asked<'_> = Asked {
        policy: Policy::Api,
        stream: None,
    };

    #[tokio::test]
    async fn a_guesser_is_delayed_then_limited_and_a_good_credential_is_heard_from_anywhere() {
        let gate = gate(Duration::from_millis(20)).await;
        let guesser = from(Entry::Http, "192.0.2.1");
        for _ in 0..10 {
            let before = clock::monotonic();
            let denied = gate.admit(API, Some("guess"), guesser).await;
            assert_eq!(denied, Err(Denied::Refused(Refusal::Unknown)));
            assert!(before.elapsed() >= Duration::from_millis(20));
        }
        let denied = gate.admit(API, Some("guess"), guesser).await;
        assert!(
            matches!(
                denied,
                Err(Denied::Limited {
                    retry_after_s: 1..=6
                })
            ),
            "{denied:?}"
        );
        // Whoever has the token may have the guesser's address: that of a proxy, or of a household.
        for address in ["192.0.2.1", "192.0.2.2"] {
            let good = gate
                .admit(API, Some(TOKEN), from(Entry::Http, address))
                .await;
            assert_eq!(good, Ok(Grant::Operator), "{address}");
        }
        // What needs nothing is not held back either.
        let open = Asked {
            policy: Policy::Open,
            stream: None,
        };
        assert_eq!(
            gate.admit(open, Some("guess"), guesser).await,
            Ok(Grant::Anyone)
        );
    }

    #[tokio::test]
    async fn a_proxy_is_not_limited_for_what_others_guess() {
        let gate = gate(Duration::ZERO).await;
        let proxy = from(Entry::Http, "127.0.0.1");
        for _ in 0..30 {
            assert!(gate.admit(API, Some("guess"), proxy).await.is_err());
        }
        assert_eq!(
            gate.admit(API, Some(TOKEN), proxy).await,
            Ok(Grant::Operator)
        );
        // An RTMP encoder on this machine is itself.
        let encoder = from(Entry::Rtmp, "127.0.0.1");
        let publish = Asked {
            policy: Policy::Publish,
            stream: Some("show"),
        };
        let denied = gate.admit(publish, Some("guess"), encoder).await;
        assert!(matches!(denied, Err(Denied::Limited { .. })), "{denied:?}");
    }

    #[tokio::test]
    async fn a_revoked_key_names_the_stream_it_published() {
        let gate = gate(Duration::ZERO).await;
        let (show, now) = (StreamName::parse("show").unwrap(), clock::wall());
        let made = gate.keys.create(&show, now).await.unwrap();
        let publish = Asked {
            policy: Policy::Publish,
            stream: None,
        };
        let encoder = from(Entry::Rtmp, "192.0.2.1");
        let grant = gate
            .admit(publish, Some(made.key.text()), encoder)
            .await
            .unwrap();
        gate.publishes(&show, &grant);
        assert!(gate.publishing.is_with(&show, &made.listed.id));
        gate.publishes(&show, &Grant::Operator);
        assert!(!gate.publishing.is_with(&show, &made.listed.id));
    }
}
