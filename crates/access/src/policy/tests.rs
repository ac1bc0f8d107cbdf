//! Every policy against every kind of credential.

use std::time::Duration;

use super::*;
use crate::{Algorithm, Signer, StreamKey, Verifier};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const API_TOKEN: &str = "an-api-token-of-enough-characters";
const SECRET: &[u8] = b"a secret of thirty-two bytes or more";

fn guarded() -> Settings {
    Settings {
        api_tokens: ApiTokens::parse(API_TOKEN).unwrap(),
        publishers: Publishers::Key,
        viewers: Viewers::Token,
        tokens: Some(TokenRules {
            verifier: Verifier::parse(Algorithm::Hs256, SECRET).unwrap(),
            audience: "shopcast".into(),
            lifetime_max: Duration::from_secs(12 * 3600),
            leeway: Duration::from_secs(30),
        }),
    }
}

fn token(stream: &str, actions: &[Action], ends_in_s: i64) -> String {
    let signer = Signer::parse(Algorithm::Hs256, SECRET).unwrap();
    let claims = Claims {
        audience: vec!["shopcast".into()],
        expires: UnixMillis(NOW.0 + ends_in_s * 1000),
        not_before: None,
        subject: Some("viewer-7".into()),
        stream: stream.into(),
        actions: actions.to_vec(),
    };
    signer.sign(&claims).unwrap()
}

const POLICIES: [Policy; 8] = [
    Policy::Open,
    Policy::Watch,
    Policy::Status,
    Policy::Publish,
    Policy::Cues,
    Policy::Api,
    Policy::Session(SessionOf::Viewer),
    Policy::Session(SessionOf::Publisher),
];

fn ask(policy: Policy, credential: Option<&str>, settings: &Settings) -> Decision {
    let asked = Asked {
        policy,
        stream: Some("show"),
    };
    decide(asked, credential, settings, NOW)
}

#[test]
fn in_development_mode_nothing_is_needed() {
    let settings = Settings::default();
    for policy in POLICIES {
        for credential in [None, Some("nonsense"), Some("a.b.c")] {
            assert_eq!(
                ask(policy, credential, &settings),
                Decision::Allow(Grant::Anyone),
                "{policy:?}"
            );
        }
    }
}

#[test]
fn an_api_token_allows_everything_and_nothing_only_what_is_open() {
    let settings = guarded();
    for policy in POLICIES {
        let open = policy == Policy::Open;
        let with = if open { Grant::Anyone } else { Grant::Operator };
        assert_eq!(
            ask(policy, Some(API_TOKEN), &settings),
            Decision::Allow(with)
        );
        let without = ask(policy, None, &settings);
        let expected = if open {
            Decision::Allow(Grant::Anyone)
        } else {
            Decision::Refuse(Refusal::Missing)
        };
        assert_eq!(without, expected, "{policy:?}");
    }
}

#[test]
fn a_token_allows_its_actions_on_its_stream_and_never_the_api() {
    let settings = guarded();
    for action in Action::ALL {
        for (stream, covers) in [
            ("show", true),
            ("*", true),
            ("other", false),
            ("Show", false),
            ("", false),
        ] {
            let token = token(stream, &[action], 60);
            for policy in POLICIES {
                let granted = || {
                    Decision::Allow(Grant::Token {
                        subject: Some("viewer-7".into()),
                    })
                };
                let needs = |needed| match covers {
                    false => Decision::Refuse(Refusal::OtherStream),
                    true if needed != action => Decision::Refuse(Refusal::NotGranted(needed)),
                    true => granted(),
                };
                let expected = match policy {
                    Policy::Open => Decision::Allow(Grant::Anyone),
                    Policy::Api => Decision::Refuse(Refusal::OperatorOnly),
                    Policy::Status if covers => granted(),
                    Policy::Status => Decision::Refuse(Refusal::OtherStream),
                    Policy::Watch | Policy::Session(SessionOf::Viewer) => needs(Action::Watch),
                    Policy::Publish | Policy::Session(SessionOf::Publisher) => {
                        needs(Action::Publish)
                    }
                    Policy::Cues => needs(Action::Cues),
                };
                assert_eq!(
                    ask(policy, Some(&token), &settings),
                    expected,
                    "{policy:?} {action:?} {stream}"
                );
            }
        }
    }
}

#[test]
fn a_token_that_allows_nothing_known_does_for_nothing() {
    let token = token("show", &[], 60);
    let refused = Decision::Refuse(Refusal::NotGranted(Action::Watch));
    for policy in [Policy::Status, Policy::Watch] {
        assert_eq!(ask(policy, Some(&token), &guarded()), refused, "{policy:?}");
    }
}

#[test]
fn only_the_end_of_what_was_begun_forgives_a_tokens_end() {
    let settings = guarded();
    let expired = token("show", &Action::ALL, -3600);
    for policy in POLICIES {
        let allowed = matches!(ask(policy, Some(&expired), &settings), Decision::Allow(_));
        assert_eq!(
            allowed,
            matches!(policy, Policy::Open | Policy::Session(_)),
            "{policy:?}"
        );
    }
}

#[test]
fn a_stream_key_is_looked_up_where_it_is_of_use() {
    let settings = guarded();
    let key = StreamKey::from_random([9; 32]);
    for policy in POLICIES {
        let expected = match policy {
            Policy::Open => Decision::Allow(Grant::Anyone),
            Policy::Publish | Policy::Status | Policy::Session(SessionOf::Publisher) => {
                Decision::LookUp(key.hash())
            }
            Policy::Watch | Policy::Cues | Policy::Api | Policy::Session(SessionOf::Viewer) => {
                Decision::Refuse(Refusal::KeyOnlyPublishes)
            }
        };
        assert_eq!(
            ask(policy, Some(key.text()), &settings),
            expected,
            "{policy:?}"
        );
    }
}

#[test]
fn a_key_that_is_to_say_which_stream_is_looked_up_even_where_anyone_may_publish() {
    let key = StreamKey::from_random([9; 32]);
    let asked = Asked {
        policy: Policy::Publish,
        stream: None,
    };
    let decided = decide(asked, Some(key.text()), &Settings::default(), NOW);
    assert_eq!(decided, Decision::LookUp(key.hash()));
}

#[test]
fn a_token_needs_all_streams_where_none_is_named() {
    let settings = guarded();
    let asked = Asked {
        policy: Policy::Watch,
        stream: None,
    };
    let one = token("show", &[Action::Watch], 60);
    assert_eq!(
        decide(asked, Some(&one), &settings, NOW),
        Decision::Refuse(Refusal::OtherStream)
    );
    let all = token("*", &[Action::Watch], 60);
    assert!(matches!(
        decide(asked, Some(&all), &settings, NOW),
        Decision::Allow(_)
    ));
}

#[test]
fn a_found_key_must_be_of_this_stream_and_not_have_ended() {
    let record = |expires: Option<i64>| KeyRecord {
        id: "k1".into(),
        stream: "show".into(),
        expires: expires.map(UnixMillis),
    };
    let asked = |stream| Asked {
        policy: Policy::Publish,
        stream,
    };
    for stream in [None, Some("show")] {
        let granted = decide_key(asked(stream), Some(record(Some(NOW.0 + 1))), NOW);
        assert_eq!(granted, Ok(Grant::Key(record(Some(NOW.0 + 1)))));
    }
    assert_eq!(
        decide_key(asked(None), Some(record(Some(NOW.0))), NOW),
        Err(Refusal::Expired)
    );
    assert_eq!(
        decide_key(asked(Some("other")), Some(record(None)), NOW),
        Err(Refusal::OtherStream)
    );
    assert_eq!(
        decide_key(asked(Some("show")), None, NOW),
        Err(Refusal::UnknownKey)
    );
}

#[test]
fn a_token_is_not_taken_where_none_is_configured() {
    let settings = Settings {
        tokens: None,
        ..guarded()
    };
    let token = token("show", &[Action::Watch], 60);
    assert_eq!(
        ask(Policy::Watch, Some(&token), &settings),
        Decision::Refuse(Refusal::NotTaken)
    );
    assert_eq!(
        ask(Policy::Watch, Some("opaque"), &settings),
        Decision::Refuse(Refusal::Unknown)
    );
}
