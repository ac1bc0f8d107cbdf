//! Entry points for fuzzing: what anybody may send as a credential. None of it may panic, and nobody gets in.

use std::time::Duration;

use media::UnixMillis;

use crate::{
    Action, Algorithm, Asked, Claims, Decision, KeyHash, Policy, PublishName, SessionOf, Settings,
    Signer, TokenRules, Verifier, Viewers, decide,
};

/// A token as it comes. The ones that were signed are taken for what they are; whatever is, was not changed by so much
/// as a bit.
pub fn token(data: &[u8]) {
    let Ok(token) = str::from_utf8(data) else {
        return;
    };
    let is_genuine = token == sign(&genuine());
    let expired = Claims {
        expires: UnixMillis(NOW.0 - 100_000_000_000),
        ..genuine()
    };
    let is_expired = token == sign(&expired);
    let session = Policy::Session(SessionOf::Viewer);
    for (policy, expected) in [
        (Policy::Watch, is_genuine),
        (Policy::Status, is_genuine),
        (session, is_genuine || is_expired),
        (Policy::Api, false),
    ] {
        let let_in = matches!(ask(policy, token), Decision::Allow(_));
        assert_eq!(let_in, expected, "{policy:?}");
    }
}

/// The claims of a token whose signature is right: a platform may make mistakes. What is taken of them, signed again, is
/// the same.
pub fn claims(data: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Claims>(data) else {
        return;
    };
    assert!(claims.stream.len() <= 256);
    let again = serde_json::to_vec(&claims).expect("claims are text and numbers");
    let again: Claims = serde_json::from_slice(&again).expect("what we write we read");
    let seconds = |claims: &Claims| {
        let times = (
            claims.expires.0 / 1000,
            claims.not_before.map(|from| from.0 / 1000),
        );
        (
            claims.stream.clone(),
            claims.actions.clone(),
            claims.audience.clone(),
            times,
        )
    };
    assert_eq!(seconds(&again), seconds(&claims));
    if let Decision::Allow(_) = ask(Policy::Watch, &sign(&claims)) {
        assert!(claims.covers(STREAM) && claims.allows(Action::Watch));
        assert!(claims.audience.iter().any(|audience| audience == AUDIENCE));
        let (now, leeway) = (NOW.0, 30_000);
        let ends = now - leeway..=now + LIFETIME.as_secs().cast_signed() * 1000 + leeway;
        assert!(ends.contains(&(claims.expires.0 / 1000 * 1000)));
    }
}

/// A publish name and, behind the first question mark, its query. A stream key never becomes a stream's name.
pub fn publish_name(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (name, query) = match text.split_once('?') {
        Some((name, query)) => (name, Some(query)),
        None => (text, None),
    };
    let Ok(parsed) = PublishName::parse(name, query) else {
        return;
    };
    match parsed.stream {
        Some(stream) => assert!(stream == name && KeyHash::of(stream).is_none()),
        None => assert!(parsed.credential.as_deref().and_then(KeyHash::of).is_some()),
    }
    let said = format!("{parsed:?}");
    if let Some(credential) = parsed.credential.filter(|text| text.len() > 16) {
        assert!(name.contains(&*credential) || !said.contains(&*credential));
    }
}

fn ask(policy: Policy, token: &str) -> Decision {
    let settings = Settings {
        viewers: Viewers::Token,
        api_tokens: crate::ApiTokens::parse("an-api-token-that-nobody-will-guess")
            .expect("long enough"),
        tokens: Some(TokenRules {
            verifier: Verifier::parse(Algorithm::Hs256, SECRET).expect("long enough"),
            audience: AUDIENCE.into(),
            lifetime_max: LIFETIME,
            leeway: Duration::from_secs(30),
        }),
        ..Settings::default()
    };
    let asked = Asked {
        policy,
        stream: Some(STREAM),
    };
    decide(asked, Some(token), &settings, NOW)
}

/// What the seed `genuine` of the corpus says.
fn genuine() -> Claims {
    Claims {
        audience: vec![AUDIENCE.into()],
        expires: UnixMillis(NOW.0 + 3_600_000),
        not_before: None,
        subject: None,
        stream: STREAM.into(),
        actions: vec![Action::Watch],
    }
}

fn sign(claims: &Claims) -> String {
    let signer = Signer::parse(Algorithm::Hs256, SECRET).expect("long enough");
    signer.sign(claims).expect("HMAC signs anything")
}

const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
const AUDIENCE: &str = "shopcast";
const STREAM: &str = "show";
const LIFETIME: Duration = Duration::from_secs(12 * 3600);
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_the_genuine_token() {
        let seed = include_str!("../../../fuzz/corpus/access_token/genuine");
        assert_eq!(seed, sign(&genuine()));
        assert!(matches!(ask(Policy::Watch, seed), Decision::Allow(_)));
    }
}
