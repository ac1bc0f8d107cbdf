//! What WHEP and WHIP share: an offer is answered with a session, which takes candidates and is deleted (RFC 9725
//! sections 4.2 and 4.3, draft-ietf-wish-whep-04 sections 4.3 and 4.5).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use engine::WebRtcAnswer;
use sfu::{NotRepaired, Patched, Precondition, Refusal};
use tower_http::{cors::CorsLayer, set_header::SetResponseHeaderLayer};
use tracing::debug;

use super::{
    Audience, State,
    extract::{body, require_type},
    problem::{Kind, Problem},
    routes::{Part, Routes},
};
use crate::config::IceServer;

/// An endpoint and its sessions, with what every answer of theirs says.
pub(super) fn part(endpoint: Routes, session: Routes, cors: &CorsLayer) -> Part {
    let viewers = |routes, says| {
        Part::new(Audience::Viewers, routes)
            .cors(cors.clone())
            .map(|router| router.layer(says))
    };
    let fresh = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    // draft-ietf-wish-whep-04 section 4.4: OPTIONS "SHOULD include Accept-Post"; RFC 5789 section 3.1: Accept-Patch.
    viewers(endpoint, says("accept-post", SDP))
        .merge(viewers(session, says("accept-patch", FRAGMENT)))
        .map(|router| router.layer(fresh))
}

fn says(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    let value = HeaderValue::from_static(value);
    SetResponseHeaderLayer::overriding(HeaderName::from_static(name), value)
}

/// The body of a request that must be an SDP offer.
pub(super) async fn offer_of(request: Request) -> Result<String, Problem> {
    require_type(request.headers(), &[SDP])?;
    text(&body(request, SDP_BYTES_MAX).await?)
}

/// 201 with the answer and the session's address below `endpoint`.
pub(super) fn created(state: &State, endpoint: &str, answer: WebRtcAnswer) -> Response {
    let name = state.sessions.name(endpoint, answer.session);
    let location = format!("{endpoint}/{name}");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SDP)),
        (
            header::LOCATION,
            HeaderValue::try_from(location).expect("names are plain ASCII"),
        ),
        (header::ETAG, etag(&name, 0)),
    ];
    let links = links(state);
    (StatusCode::CREATED, headers, links, answer.sdp).into_response()
}

/// The ICE servers (RFC 9725 section 4.6), one header each: OBS takes a list apart wrongly.
fn links(state: &State) -> AppendHeaders<Vec<(HeaderName, HeaderValue)>> {
    let links = state.ice_servers.iter();
    AppendHeaders(links.map(|link| (header::LINK, link.clone())).collect())
}

/// The ICE servers as they are told.
pub(crate) fn ice_servers(servers: &[IceServer]) -> Vec<HeaderValue> {
    let value = |link| {
        let mut value = HeaderValue::try_from(link).expect("the configuration is checked");
        // They hold TURN's password.
        value.set_sensitive(true);
        value
    };
    servers
        .iter()
        .flat_map(IceServer::links)
        .map(value)
        .collect()
}

/// Takes trickled candidates, which are not needed, or restarts ICE (RFC 9725 section 4.3).
pub(super) async fn patch(
    state: &State,
    endpoint: &str,
    name: &str,
    request: Request,
) -> Result<Response, Problem> {
    let session = state
        .sessions
        .session(endpoint, name)
        .ok_or_else(no_such_session)?;
    require_type(request.headers(), &[FRAGMENT])?;
    let precondition = precondition(state, name, request.headers());
    if precondition == Precondition::Waived {
        debug!("a fragment without If-Match is taken (webrtc.lenient_patch)");
    }
    let fragment = text(&body(request, SDP_BYTES_MAX).await?)?;
    let patched = state.shard.patch(session, precondition, fragment).await?;
    match patched.map_err(|error| refused(&error))? {
        // Section 4.3.2: "204 No Content", without a body or an ETag.
        Patched::Trickled => Ok(StatusCode::NO_CONTENT.into_response()),
        Patched::Restarted {
            fragment,
            generation,
        } => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT)),
                (header::ETAG, etag(name, generation)),
            ];
            Ok((StatusCode::OK, headers, fragment).into_response())
        }
    }
}

/// What `If-Match` demands (RFC 9110 section 13.1.1); RFC 9725 writes the wildcard with quotes, too.
fn precondition(state: &State, name: &str, headers: &HeaderMap) -> Precondition {
    let mut given = headers.get_all(header::IF_MATCH).iter().peekable();
    if given.peek().is_none() {
        return if state.lenient_patch {
            Precondition::Waived
        } else {
            Precondition::Missing
        };
    }
    let mut latest = Precondition::Unknown;
    for tag in given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let tag = tag.trim();
        if matches!(tag, "*" | "\"*\"") {
            return Precondition::Any;
        }
        let of_session = tag.strip_prefix('"').and_then(|tag| tag.strip_prefix(name));
        let generation = of_session.and_then(|rest| rest.strip_prefix('.')?.strip_suffix('"'));
        if let Some(generation) = generation.and_then(|number| number.parse().ok()) {
            latest = Precondition::Generation(generation);
        }
    }
    latest
}

/// Ends a session. An ETag does not matter.
pub(super) async fn leave(
    state: &State,
    endpoint: &str,
    name: &str,
) -> Result<StatusCode, Problem> {
    let session = state
        .sessions
        .session(endpoint, name)
        .ok_or_else(no_such_session)?;
    // RFC 9725 section 4.2: 200, which is what OBS looks for.
    if state.shard.leave(session).await? {
        Ok(StatusCode::OK)
    } else {
        Err(no_such_session())
    }
}

/// There is a session here, or was: a GET must not be an error.
pub(super) fn look_at_session(
    state: &State,
    endpoint: &str,
    name: &str,
) -> Result<StatusCode, Problem> {
    state
        .sessions
        .session(endpoint, name)
        .map(|_| StatusCode::NO_CONTENT)
        .ok_or_else(no_such_session)
}

/// What a refusal of the WebRTC side is answered with.
pub(super) fn refused(refusal: &Refusal) -> Problem {
    let (kind, retry_after) = match refusal {
        Refusal::Malformed(_)
        | Refusal::Direction { .. }
        | Refusal::Transport(_)
        | Refusal::TooLarge { .. }
        | Refusal::TooManyTracks(_) => (Kind::MalformedOffer, None),
        Refusal::NoIngestVideoCodec | Refusal::NoIngestAudioCodec | Refusal::NothingToReceive => {
            (Kind::OfferNotUsable, None)
        }
        Refusal::Withheld(it) if matches!(it.why, NotRepaired::Busy | NotRepaired::Fails) => {
            (Kind::Full, Some(FULL_RETRY_S))
        }
        Refusal::Withheld(_) => (Kind::StreamNotPlayable, None),
        Refusal::NotReady => (Kind::NotLive, Some(1)),
        Refusal::Full => (Kind::Full, Some(FULL_RETRY_S)),
        Refusal::TooManyHalfOpen => (Kind::Full, Some(1)),
        Refusal::PreconditionMissing => (Kind::PreconditionRequired, None),
        Refusal::PreconditionFailed => (Kind::PreconditionFailed, None),
        Refusal::NoSession => (Kind::NoSuchSession, None),
        Refusal::DuplicateSession => (Kind::Internal, None),
        Refusal::NoCommonVideoCodec { .. }
        | Refusal::NoCommonAudioCodec
        | Refusal::NothingToSend => (Kind::OfferNotAcceptable, None),
        // What is added later.
        _ => (Kind::OfferNotAcceptable, None),
    };
    let problem = Problem::new(kind, refusal.to_string());
    match retry_after {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

fn no_such_session() -> Problem {
    let detail = "there is no such session, or it is over; POST a new offer to the endpoint";
    Problem::new(Kind::NoSuchSession, detail)
}

/// Of one of a session's ICE sessions: strong, and as unguessable as the name it is made of.
fn etag(name: &str, generation: u32) -> HeaderValue {
    HeaderValue::try_from(format!("\"{name}.{generation}\"")).expect("names are base64url")
}

fn text(body: &[u8]) -> Result<String, Problem> {
    match std::str::from_utf8(body) {
        Ok("") => Err(Problem::new(
            Kind::MalformedOffer,
            "the body is empty; send an SDP offer",
        )),
        Ok(text) => Ok(text.into()),
        Err(_) => Err(Problem::new(
            Kind::MalformedOffer,
            "the body is not UTF-8; SDP is (RFC 8866 section 5)",
        )),
    }
}

/// The type of offers and answers.
pub(super) const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// A browser's offer is 5 to 10 KiB.
const SDP_BYTES_MAX: usize = 64 << 10;
/// When to ask a full server again.
pub(super) const FULL_RETRY_S: u64 = 10;
