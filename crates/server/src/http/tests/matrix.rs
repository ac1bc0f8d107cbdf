//! Who may do what, over the whole table: every route and the RTMP entry, with every kind of credential in every state.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use access::{Action, Algorithm, Claims, Grant, Policy, SessionOf, Signer};
use axum::{Router, http::Method};
use engine::{PublishRequest, StreamName};
use media::UnixMillis;

use super::{
    super::{Surface, Web, routes::Rule},
    *,
};
use crate::{
    config::{JwtAlgorithm, Publishers, Secret, Span, Viewers},
    http::State,
    io::{clock, doorman},
};

const API_TOKEN: &str = "an-api-token-of-enough-characters";
const SECRET: &str = "a secret of thirty-two bytes or more";

/// A server that guards everything, and does not keep the test waiting.
struct Guarded {
    server: Server,
    router: Router,
    keys: StreamKeys,
}

struct StreamKeys {
    valid: String,
    expired: String,
    of_other: String,
}

/// The file of a secret, for as long as it is read.
struct SecretFile(PathBuf);

impl Drop for SecretFile {
    fn drop(&mut self) {
        // Nothing more can be done about a file that stays.
        let _ = fs::remove_file(&self.0);
    }
}

impl Guarded {
    async fn new() -> Self {
        let file = SecretFile(
            std::env::temp_dir().join(format!("shopcast-jwt-{:016x}", rand::random::<u64>())),
        );
        fs::write(&file.0, SECRET).unwrap();
        let mut config = Config::default();
        config.access.api_token = Secret(API_TOKEN.into());
        config.access.publishers = Publishers::Key;
        config.access.viewers = Viewers::Token;
        config.access.jwt_algorithm = JwtAlgorithm::Hs256;
        config.access.jwt_key_file = file.0.display().to_string();
        config.access.wrong_delay = Span::millis(0);
        config.access.wrong_per_minute_max = u32::MAX;
        let server = server_with(config).await;
        let state = server.state();
        let keys = StreamKeys::new(&state).await;
        let router = super::super::router(state, Surface::Whole, server.http_address());
        Self {
            server,
            router,
            keys,
        }
    }

    async fn ask(&self, method: &Method, path: &str, bearer: Option<&str>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }
}

impl StreamKeys {
    async fn new(state: &State) -> Self {
        let (show, other) = (
            StreamName::parse("show").unwrap(),
            StreamName::parse("other").unwrap(),
        );
        let (keys, now) = (&state.gate.keys, clock::wall());
        let past = UnixMillis(now.0 - 60_000);
        let ended = keys.create(&show, UnixMillis(past.0 - 1)).await.unwrap();
        keys.rotate(&show, &ended.listed.id, past, UnixMillis(past.0 - 1))
            .await
            .unwrap();
        // Ended keys are forgotten when the next is made, so this one is made to end after that.
        let of_other = keys.create(&other, UnixMillis(past.0 - 1)).await.unwrap();
        let valid = keys.create(&show, UnixMillis(past.0 - 1)).await.unwrap();
        Self {
            valid: valid.key.text().into(),
            expired: ended.key.text().into(),
            of_other: of_other.key.text().into(),
        }
    }
}

/// What somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Nobody,
    Operator,
    Broadcaster,
    Holder(Action),
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    Expired,
    NotYet,
    TooLong,
    Audience,
    Stream,
    Tampered,
}

const FLAWS: [Flaw; 7] = [
    Flaw::None,
    Flaw::Expired,
    Flaw::NotYet,
    Flaw::TooLong,
    Flaw::Audience,
    Flaw::Stream,
    Flaw::Tampered,
];

/// Everybody there can be.
fn people() -> Vec<(Role, Flaw)> {
    let mut people = vec![
        (Role::Nobody, Flaw::None),
        (Role::Operator, Flaw::None),
        (Role::Operator, Flaw::Tampered),
        (Role::Broadcaster, Flaw::None),
        (Role::Broadcaster, Flaw::Expired),
        (Role::Broadcaster, Flaw::Stream),
        (Role::Broadcaster, Flaw::Tampered),
    ];
    for action in Action::ALL {
        people.extend(FLAWS.map(|flaw| (Role::Holder(action), flaw)));
    }
    people
}

fn credential(role: Role, flaw: Flaw, keys: &StreamKeys) -> Option<String> {
    let whole = match (role, flaw) {
        (Role::Nobody, _) => return None,
        (Role::Operator, _) => API_TOKEN.into(),
        (Role::Broadcaster, Flaw::Expired) => keys.expired.clone(),
        (Role::Broadcaster, Flaw::Stream) => keys.of_other.clone(),
        (Role::Broadcaster, _) => keys.valid.clone(),
        (Role::Holder(action), flaw) => token(action, flaw),
    };
    Some(match flaw {
        Flaw::Tampered => tampered(whole),
        _ => whole,
    })
}

/// Its second last character is another: in the last one of base64url, some bits do not count.
fn tampered(mut text: String) -> String {
    let place = text.len() - 2;
    let other = if &text[place..=place] == "A" {
        "B"
    } else {
        "A"
    };
    text.replace_range(place..=place, other);
    text
}

fn token(action: Action, flaw: Flaw) -> String {
    let now = clock::wall().0;
    let claims = Claims {
        audience: vec![
            if flaw == Flaw::Audience {
                "elsewhere"
            } else {
                "shopcast"
            }
            .into(),
        ],
        expires: UnixMillis(match flaw {
            Flaw::Expired => now - 60_000,
            Flaw::TooLong => now + 13 * 3_600_000,
            _ => now + 60_000,
        }),
        not_before: (flaw == Flaw::NotYet).then_some(UnixMillis(now + 50_000)),
        subject: None,
        stream: if flaw == Flaw::Stream {
            "other"
        } else {
            "show"
        }
        .into(),
        actions: vec![action],
    };
    let signer = Signer::parse(Algorithm::Hs256, SECRET.as_bytes()).unwrap();
    signer.sign(&claims).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Through,
    Unauthorized,
    Forbidden,
}

/// What the table means, said again and otherwise than by the code that is tested: what each role has, then what each
/// flaw takes away.
fn fate(policy: Policy, role: Role, flaw: Flaw) -> Fate {
    use Fate::{Forbidden, Through, Unauthorized};
    if policy == Policy::Open {
        return Through;
    }
    let has: &[Policy] = match role {
        Role::Nobody => return Unauthorized,
        Role::Operator if flaw == Flaw::None => return Through,
        Role::Operator => return Unauthorized,
        Role::Broadcaster => &[
            Policy::Publish,
            Policy::Session(SessionOf::Publisher),
            Policy::Status,
        ],
        Role::Holder(Action::Watch) => &[
            Policy::Watch,
            Policy::Session(SessionOf::Viewer),
            Policy::Status,
        ],
        Role::Holder(Action::Publish) => &[
            Policy::Publish,
            Policy::Session(SessionOf::Publisher),
            Policy::Status,
        ],
        Role::Holder(Action::Cues) => &[Policy::Cues, Policy::Status],
    };
    let has = has.contains(&policy);
    // A stream key is not even looked up for what no stream key does.
    if role == Role::Broadcaster && !has {
        return Forbidden;
    }
    // A session may be ended with the token that began it.
    let forgiven = matches!(policy, Policy::Session(_)) && role != Role::Broadcaster;
    match flaw {
        Flaw::Tampered | Flaw::Audience | Flaw::NotYet | Flaw::TooLong => Unauthorized,
        Flaw::Expired if !forgiven => Unauthorized,
        Flaw::Stream => Forbidden,
        Flaw::Expired | Flaw::None if has => Through,
        Flaw::Expired | Flaw::None => Forbidden,
    }
}

fn seen(answer: &Answer) -> Fate {
    match answer.status.as_u16() {
        401 => Fate::Unauthorized,
        403 => Fate::Forbidden,
        429 | 500 => panic!(
            "{} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        ),
        _ => Fate::Through,
    }
}

fn table() -> Vec<Rule> {
    super::super::everything(&Web::new(&Config::default())).2
}

/// A path with its names filled in; what is below a stream need not exist.
fn filled(path: &str) -> String {
    path.replace("{stream}", "show")
        .replace("{*path}", "player.js")
        .replace("{name}", "index.m3u8")
        .replace("{seq}", "1")
        .replace("{id}", "0")
        .replace("{session}", "AAAA")
}

#[tokio::test]
async fn every_route_lets_through_whom_its_policy_says_and_nobody_else() {
    let guarded = Guarded::new().await;
    let mut asked = 0;
    for Rule {
        path,
        method,
        policy,
        ..
    } in table()
    {
        for (role, flaw) in people() {
            let credential = credential(role, flaw, &guarded.keys);
            let answer = guarded
                .ask(&method, &filled(&path), credential.as_deref())
                .await;
            let context = format!(
                "{method} {path} ({policy:?}) as {role:?}, {flaw:?}: {}",
                answer.status
            );
            let expected = fate(policy, role, flaw);
            assert_eq!(seen(&answer), expected, "{context}");
            if expected != Fate::Through {
                check_refusal(&answer, expected, role == Role::Nobody, &context);
            }
            asked += 1;
        }
    }
    assert!(asked > 900, "{asked}");
}

/// RFC 6750 section 3.
fn check_refusal(answer: &Answer, fate: Fate, nothing_sent: bool, context: &str) {
    let challenge = answer.header("www-authenticate");
    let code = match fate {
        Fate::Forbidden => ", error=\"insufficient_scope\"",
        _ if nothing_sent => "",
        _ => ", error=\"invalid_token\"",
    };
    assert_eq!(
        challenge,
        format!("Bearer realm=\"shopcast\"{code}"),
        "{context}"
    );
    if answer.body.is_empty() {
        // An answer to HEAD.
        return;
    }
    let (status, kind) = match fate {
        Fate::Forbidden => (403, "forbidden"),
        _ => (401, "unauthorized"),
    };
    let said = answer.problem(status, kind);
    assert!(
        !said.contains(API_TOKEN) && !said.contains("sk_"),
        "{context}: {said}"
    );
}

#[tokio::test]
async fn publishing_by_rtmp_is_the_same_as_by_whip() {
    let guarded = Guarded::new().await;
    let state = guarded.server.state();
    let peer = "192.0.2.1:40000".parse().unwrap();
    for (role, flaw) in people() {
        let credential = credential(role, flaw, &guarded.keys);
        let query = credential
            .as_ref()
            .map(|credential| format!("token={credential}"));
        let mut ways = vec![("show".to_owned(), query)];
        if role == Role::Broadcaster {
            let key = credential.unwrap();
            ways.push(("show".into(), Some(format!("a=b&key={key}"))));
            ways.push((key, None));
        }
        for (stream_key, query) in ways {
            let alone = query.is_none();
            let request = PublishRequest { stream_key, query };
            let decided = doorman::decide(&state.gate, peer, &request).await;
            // A key alone says itself which stream it is for.
            let of_other = alone && flaw == Flaw::Stream;
            let expected = of_other || fate(Policy::Publish, role, flaw) == Fate::Through;
            assert_eq!(
                decided.is_ok(),
                expected,
                "{role:?}, {flaw:?}, key alone {alone}: {decided:?}"
            );
            if let Ok(permit) = decided {
                let stream = permit.stream.as_str();
                assert_eq!(stream, if of_other { "other" } else { "show" });
                assert_ne!(permit.grant, Grant::Anyone);
            }
        }
    }
}

/// A token that has expired ends what it began, and does not prolong it.
#[tokio::test]
async fn an_expired_token_ends_a_session_and_does_not_restart_its_ice() {
    let guarded = Guarded::new().await;
    for (path, action) in [
        ("/whep/show/AAAA", Action::Watch),
        ("/whip/show/AAAA", Action::Publish),
    ] {
        let expired = token(action, Flaw::Expired);
        for method in [Method::DELETE, Method::GET] {
            let answer = guarded.ask(&method, path, Some(&expired)).await;
            answer.problem(404, "no-such-session");
        }
        let answer = guarded.ask(&Method::PATCH, path, Some(&expired)).await;
        answer.problem(401, "unauthorized");
        let good = token(action, Flaw::None);
        let answer = guarded.ask(&Method::PATCH, path, Some(&good)).await;
        answer.problem(404, "no-such-session");
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_for_what_is_watched_only() {
    let guarded = Guarded::new().await;
    for Rule {
        path,
        method,
        policy,
        ..
    } in table()
    {
        let path = format!("{}?token={API_TOKEN}", filled(&path));
        let answer = guarded.ask(&method, &path, None).await;
        let reads = method == Method::GET || method == Method::HEAD;
        let taken =
            policy == Policy::Open || (reads && matches!(policy, Policy::Watch | Policy::Status));
        let expected = if taken {
            Fate::Through
        } else {
            Fate::Unauthorized
        };
        assert_eq!(
            seen(&answer),
            expected,
            "{method} {path} {policy:?}: {}",
            answer.status
        );
        assert_ne!(
            answer.status, 400,
            "{method} {path}: the handler does not stumble over it"
        );
    }
}

#[tokio::test]
async fn in_development_mode_every_route_is_open() {
    let server = server().await;
    for Rule { path, method, .. } in table() {
        let request = Request::builder()
            .method(&method)
            .uri(filled(&path))
            .body(Body::empty())
            .unwrap();
        let answer = ask(&server, request).await;
        assert_eq!(seen(&answer), Fate::Through, "{method} {path}");
    }
}

#[test]
fn the_description_and_the_table_have_the_same_routes() {
    let (_, description, table) = super::super::everything(&Web::new(&Config::default()));
    let mut described: Vec<_> = Vec::new();
    for (path, item) in &description.paths.paths {
        let methods = super::super::routes::methods_of(item);
        described.extend(
            methods
                .into_iter()
                .map(|method| (path.clone(), method.to_string())),
        );
    }
    let mut ruled: Vec<_> = table
        .iter()
        .filter(|rule| rule.described)
        .map(|rule| (rule.path.clone(), rule.method.to_string()))
        .collect();
    ruled.sort();
    described.sort();
    assert_eq!(ruled, described);
    ruled.dedup();
    assert_eq!(ruled.len(), described.len(), "one policy each");
    // What a platform builds on is described; what browsers and players fetch is not.
    let undescribed: Vec<_> = table.iter().filter(|rule| !rule.described).collect();
    assert!(
        undescribed.iter().all(|rule| rule.method == Method::GET),
        "{undescribed:?}"
    );
}

/// `docs/access.md` is where an operator looks it up.
#[test]
fn the_page_has_the_table_of_policies() {
    let page = include_str!("../../../../../docs/access.md");
    let mut lines: BTreeMap<(String, Policy), Vec<String>> = BTreeMap::new();
    for Rule {
        path,
        method,
        policy,
        ..
    } in table()
    {
        // What only says what may be asked needs nothing, and says nothing.
        if method != Method::OPTIONS {
            lines
                .entry((path, policy))
                .or_default()
                .push(format!("`{method}`"));
        }
    }
    for ((path, policy), mut methods) in lines {
        methods.sort();
        let needs = match policy {
            Policy::Open => "nothing",
            Policy::Watch => "watch",
            Policy::Status => "any right",
            Policy::Publish => "publish",
            Policy::Cues => "cues",
            Policy::Api => "API token",
            Policy::Session(SessionOf::Viewer) => "session, watch",
            Policy::Session(SessionOf::Publisher) => "session, publish",
        };
        let line = format!("| `{path}` | {} | {needs} |", methods.join(" "));
        assert!(page.contains(&line), "docs/access.md lacks: {line}");
    }
}

#[tokio::test]
async fn keys_are_made_listed_replaced_and_revoked() {
    let server = server().await;
    let keys = "/v1/streams/show/keys";
    post(&server, keys, "text/plain", "")
        .await
        .problem(415, "unsupported-media-type");
    post(&server, keys, "application/json", r#"{"name":"x"}"#)
        .await
        .problem(400, "invalid-field");
    let made = post(&server, keys, "application/json", "{}").await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (location, made) = (made.header("location").to_owned(), made.json());
    assert!(made["key"].as_str().unwrap().starts_with("sk_") && made["expires"].is_null());
    assert_eq!(location, format!("{keys}/{}", made["id"].as_str().unwrap()));

    let rotate = format!("{location}/rotate");
    let month = r#"{"grace_ms":2592000001}"#;
    post(&server, &rotate, "application/json", month)
        .await
        .problem(400, "invalid-field");
    let new = post(
        &server,
        &rotate,
        "application/json",
        r#"{"grace_ms":60000}"#,
    )
    .await
    .json();
    let list = get(&server, keys).await.json();
    let listed = list["keys"].as_array().unwrap();
    assert_eq!(
        (listed[0]["id"].clone(), listed[1]["id"].clone()),
        (made["id"].clone(), new["id"].clone())
    );
    assert!(listed[0]["expires"].is_string() && !list.to_string().contains("sk_"));

    let delete = |path: String| Request::delete(path).body(Body::empty()).unwrap();
    let answer = ask(&server, delete(location.clone())).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    ask(&server, delete(location))
        .await
        .problem(404, "no-such-key");
    post(&server, &rotate, "application/json", "{}")
        .await
        .problem(404, "no-such-key");
    for _ in 0..15 {
        post(&server, keys, "application/json", "{}").await;
    }
    post(&server, keys, "application/json", "{}")
        .await
        .problem(409, "keys-full");
}

#[tokio::test]
async fn what_is_refused_is_counted_by_its_reason() {
    let guarded = Guarded::new().await;
    guarded
        .ask(&Method::GET, "/v1/streams", None)
        .await
        .problem(401, "unauthorized");
    let text = crate::telemetry::recorder().render();
    assert!(
        text.contains("shopcast_access_refused_total{entry=\"http\",reason=\"missing\"}"),
        "{text}"
    );
}

#[tokio::test]
async fn the_list_of_streams_is_on_no_page_that_anybody_may_see() {
    let guarded = Guarded::new().await;
    let page = guarded.ask(&Method::GET, "/", None).await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(
        text.contains("with the API token") && !text.contains("<li>"),
        "{text}"
    );
}

/// The shared state lives as long as the router.
#[tokio::test]
async fn files_read_again_hold_at_once() {
    let guarded = Guarded::new().await;
    let state: Arc<State> = guarded.server.state();
    let mut settings = state.gate.settings().as_ref().clone();
    settings.api_tokens = access::ApiTokens::parse("another-token-of-enough-characters").unwrap();
    state.gate.replace(settings);
    let old = guarded
        .ask(&Method::GET, "/v1/streams", Some(API_TOKEN))
        .await;
    old.problem(401, "unauthorized");
    let new = guarded
        .ask(
            &Method::GET,
            "/v1/streams",
            Some("another-token-of-enough-characters"),
        )
        .await;
    assert_eq!(new.status, StatusCode::OK);
}
