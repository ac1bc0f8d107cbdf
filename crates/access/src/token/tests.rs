//! Tokens made by others, by us, and by those who should not.

use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::token::keys::Algorithm::{EdDsa, Es256, Hs256};

const SECRET: &[u8] = b"a secret of thirty-two bytes or more";

/// Made and signed with OpenSSL 3.0: `{"aud":"shopcast","exp":2000000000,"stream":"show","actions":["watch","dance"],
/// "sub":"viewer-7","iss":"https://shop.example"}`.
const PAYLOAD: &str = "eyJhdWQiOiJzaG9wY2FzdCIsImV4cCI6MjAwMDAwMDAwMCwic3RyZWFtIjoic2hvdyIsImFjdGlvbnMiOlsid2F0Y2giLCJkYW5jZSJdLCJzdWIiOiJ2aWV3ZXItNyIsImlzcyI6Imh0dHBzOi8vc2hvcC5leGFtcGxlIn0";
const OPENSSL: [(Algorithm, &str, &str, &str); 3] = [
    (
        EdDsa,
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAH0Mn0Y1hCyDFMWoSNBJPnGeH5xQLh0ofGj5NiTtts4A=\n-----END PUBLIC KEY-----\n",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9",
        "D8-6EgMDKkot8V4dyU-PglAbOzMfdxi1fL27zg4gTSWL9Dfo_I0bb-Eq2PKacmTaKVizIkQYBXg2Ck7G4epvBA",
    ),
    (
        Es256,
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXs2epFGZHBym0qOAeo6m+fNgPpxk\nOIlYydBXJvvKrZqZg/OJFxFPwX42N2ox2EsX8xC4gG+BlUqOQfsWlxZFYA==\n-----END PUBLIC KEY-----\n",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9",
        "lwuoAMQmyw6ET4w0eZnmnBbDol5JSPHj9bbrXVI-w422A8vHO-JzNNWgWqx4JS-DckkZbenzjOQ-gsmyH61Szg",
    ),
    (
        Hs256,
        "a secret of thirty-two bytes or more\n",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
        "89eyim1cAzE0dscMIIGHXMsfCJ-Zfc0-6ms-5pnfra8",
    ),
];
const P384: &str = "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE+UMWMIbt4rMfrYbcBayGYSllH405rtHr\nO0VhwU5zE0+jXUvZfe2ZHrMwfViq73TbbMHUUpVzmf2oYTVEPbW2I2loaDuEjJdW\nsXyZDGBYGSEUWoR+apH0M1CAxnWM1ngQ\n-----END PUBLIC KEY-----\n";

fn rules(algorithm: Algorithm, key: &[u8]) -> TokenRules {
    TokenRules {
        verifier: Verifier::parse(algorithm, key).unwrap(),
        audience: "shopcast".into(),
        lifetime_max: Duration::from_secs(12 * 3600),
        leeway: Duration::from_secs(30),
    }
}

/// When the fixture ends.
const END: i64 = 2_000_000_000_000;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(ms)
}

fn claims() -> Claims {
    Claims {
        audience: vec!["shopcast".into()],
        expires: at(END),
        not_before: None,
        subject: Some("viewer-7".into()),
        stream: "show".into(),
        actions: vec![Action::Watch],
    }
}

/// A token with any payload, signed with the secret.
fn signed(payload: &str) -> String {
    with_header(r#"{"alg":"HS256"}"#, payload)
}

fn with_header(header: &str, payload: &str) -> String {
    let message = [header, payload]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn verify(token: &str, now: i64) -> Result<Claims, Refusal> {
    rules(Hs256, SECRET).verify(token, at(now), Expiry::Held)
}

#[test]
fn tokens_of_openssl_are_taken_in_each_algorithm() {
    for (algorithm, key, header, signature) in OPENSSL {
        let token = format!("{header}.{PAYLOAD}.{signature}");
        let taken = rules(algorithm, key.as_bytes()).verify(&token, at(END - 1000), Expiry::Held);
        // What a later version may know is not known here, and allows nothing.
        assert_eq!(taken, Ok(claims()), "{algorithm:?}");
    }
}

#[test]
fn a_token_of_another_algorithm_or_key_is_not_taken() {
    for (algorithm, key, ..) in OPENSSL {
        let rules = rules(algorithm, key.as_bytes());
        for (other, _, header, signature) in
            OPENSSL.iter().filter(|(other, ..)| *other != algorithm)
        {
            let token = format!("{header}.{PAYLOAD}.{signature}");
            assert_eq!(
                rules.verify(&token, at(END - 1000), Expiry::Held),
                Err(Refusal::Tampered),
                "{other:?}"
            );
        }
    }
    // RFC 8725 section 2.1: the public key as a secret, and no algorithm at all.
    let (_, public, ..) = OPENSSL[0];
    let confused = Signer::parse(Hs256, public.as_bytes())
        .unwrap()
        .sign(&claims())
        .unwrap();
    let rules = rules(EdDsa, public.as_bytes());
    assert_eq!(
        rules.verify(&confused, at(END - 1000), Expiry::Held),
        Err(Refusal::Tampered)
    );
    for none in ["none", "None", "NONE"] {
        let token = with_header(&format!(r#"{{"alg":"{none}"}}"#), "{}");
        assert_eq!(
            rules.verify(&token, at(0), Expiry::Held),
            Err(Refusal::Malformed)
        );
    }
}

#[test]
fn what_we_sign_we_take() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let private = pair.to_pkcs8v1().unwrap();
    let public = pair.public_key().as_der().unwrap();
    let pem = |kind: &str, der: &[u8]| {
        format!(
            "-----BEGIN {kind} KEY-----\n{}\n-----END {kind} KEY-----\n",
            STANDARD.encode(der)
        )
    };
    let signer = Signer::parse(EdDsa, pem("PRIVATE", private.as_ref()).as_bytes()).unwrap();
    let rules = rules(EdDsa, pem("PUBLIC", public.as_ref()).as_bytes());
    let claims = Claims {
        audience: vec!["elsewhere".into(), "shopcast".into()],
        not_before: Some(at(END - 60_000)),
        actions: vec![Action::Publish, Action::Cues],
        ..claims()
    };
    let token = signer.sign(&claims).unwrap();
    assert!(
        token.len() < 400,
        "it has to fit behind a stream key: {}",
        token.len()
    );
    assert_eq!(
        rules.verify(&token, at(END - 1000), Expiry::Held),
        Ok(claims)
    );
}

#[test]
fn times_hold_with_their_leeway() {
    let token = Signer::parse(Hs256, SECRET)
        .unwrap()
        .sign(&claims())
        .unwrap();
    let lifetime = 12 * 3_600_000;
    for (now, expected) in [
        (END - 1, None),
        (END + 29_999, None),
        (END + 30_000, Some(Refusal::Expired)),
        (i64::MAX, Some(Refusal::Expired)),
        (END - lifetime - 30_000, None),
        (END - lifetime - 30_001, Some(Refusal::TooLongLived)),
        (0, Some(Refusal::TooLongLived)),
    ] {
        assert_eq!(verify(&token, now).err(), expected, "{now}");
    }
    let forgiven = rules(Hs256, SECRET).verify(&token, at(i64::MAX), Expiry::Forgiven);
    assert!(forgiven.is_ok());
    let early = Claims {
        not_before: Some(at(END - 60_000)),
        ..claims()
    };
    let token = Signer::parse(Hs256, SECRET).unwrap().sign(&early).unwrap();
    assert!(verify(&token, END - 90_000).is_ok());
    assert_eq!(verify(&token, END - 90_001), Err(Refusal::NotYetValid));
}

#[test]
fn what_is_required_is_required_and_what_is_unknown_is_ignored() {
    let now = END - 1000;
    let good = r#""exp":2000000000,"stream":"show","actions":["watch"]"#;
    assert!(
        verify(
            &signed(&format!(r#"{{"aud":["a","shopcast"],"x":{{}},{good}}}"#)),
            now
        )
        .is_ok()
    );
    for aud in [r#""shopcast2""#, r#""Shopcast""#, r#"[]"#, r#"["shopcas"]"#] {
        let token = signed(&format!(r#"{{"aud":{aud},{good}}}"#));
        assert_eq!(verify(&token, now), Err(Refusal::WrongAudience), "{aud}");
    }
    for payload in [
        format!("{{{good}}}"),
        r#"{"aud":"shopcast","stream":"show","actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":2000000000,"actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":2000000000,"stream":"show"}"#.into(),
        r#"{"aud":"shopcast","exp":"2000000000","stream":"show","actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":-1,"stream":"show","actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":1e300,"stream":"show","actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":2000000000,"exp":2000000001,"stream":"show","actions":["watch"]}"#.into(),
        r#"{"aud":7,"exp":2000000000,"stream":"show","actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":2000000000,"stream":["show"],"actions":["watch"]}"#.into(),
        r#"{"aud":"shopcast","exp":2000000000,"stream":"show","actions":"watch"}"#.into(),
        "[]".into(),
        String::new(),
    ] {
        assert_eq!(verify(&signed(&payload), now), Err(Refusal::Malformed), "{payload}");
    }
    let half = signed(r#"{"aud":"shopcast","exp":1999999999.5,"stream":"show","actions":[]}"#);
    assert_eq!(
        verify(&half, now).map(|claims| claims.expires),
        Ok(at(END - 500))
    );
}

#[test]
fn a_header_that_must_be_understood_is_not() {
    let token = with_header(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, "{}");
    assert_eq!(verify(&token, 0), Err(Refusal::Malformed));
    // What points at another key is not followed.
    let pointing = with_header(
        r#"{"alg":"HS256","kid":"../../etc/passwd","jku":"https://x.example"}"#,
        "{}",
    );
    assert_eq!(
        verify(&pointing, 0),
        Err(Refusal::Malformed),
        "for its claims"
    );
}

#[test]
fn keys_of_another_kind_are_refused_with_a_remedy() {
    let (_, ed, ..) = OPENSSL[0];
    let (_, ec, ..) = OPENSSL[1];
    for (algorithm, file) in [
        (EdDsa, ec),
        (Es256, ed),
        (Es256, P384),
        (EdDsa, "nonsense"),
        (EdDsa, ""),
    ] {
        let said = Verifier::parse(algorithm, file.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("openssl pkey") && said.contains(algorithm.as_str()),
            "{said}"
        );
    }
    for short in ["", "  \n", "thirty-one bytes, which is less"] {
        let said = Verifier::parse(Hs256, short.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(said.contains("openssl rand"), "{said}");
    }
    let said = Signer::parse(EdDsa, ed.as_bytes()).unwrap_err().to_string();
    assert!(said.contains("genpkey -algorithm ed25519"), "{said}");
}

proptest! {
    /// Whoever changes a byte of a token has no token any more.
    #[test]
    fn no_changed_token_is_taken(place in 0_usize..1000, to in any::<u8>()) {
        let token = Signer::parse(Hs256, SECRET).unwrap().sign(&claims()).unwrap();
        let mut bytes = token.clone().into_bytes();
        let place = place % bytes.len();
        bytes[place] = to;
        if let Ok(changed) = String::from_utf8(bytes) && changed != token {
            prop_assert!(verify(&changed, END - 1000).is_err());
        }
    }
}
