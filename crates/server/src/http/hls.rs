//! LL-HLS: playlists with delivery directives, and what they list.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use access::Policy;
use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, State as Extract},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
    routing::get,
};
use engine::StreamName;
use futures_util::stream;
use hls::{CacheControl, Directives, Object, PLAYLIST_TYPE, Rendition};
use tower_http::{compression::CompressionLayer, set_header::SetResponseHeaderLayer};

use super::{
    Audience, Client, State, address, cors,
    extract::StreamAnd,
    problem::{Kind, Problem},
    range::{Asked, asked},
    routes::{Part, Routes},
    web::{Web, embeddable},
};
use crate::{
    io::{
        clock,
        hls::{Refused, StreamOrigin, Which},
        side::SideChannels,
    },
    telemetry::Meters,
};

pub(super) fn router(web: &Web) -> Part {
    // Section 6.2.1: playlists compressed when the client accepts it; media is compressed already.
    let playlists = |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
        headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value == PLAYLIST_TYPE)
    };
    let timing = SetResponseHeaderLayer::overriding(
        HeaderName::from_static("timing-allow-origin"),
        HeaderValue::from_static("*"),
    );
    let media = Routes::new()
        .plain(
            "/hls/{stream}/{name}",
            get(serve),
            [(Method::GET, Policy::Watch)],
        )
        .layer(CompressionLayer::new().compress_when(playlists))
        .layer(timing);
    Part::new(Audience::Viewers, media)
        .cors(cors::reading(web))
        .map(|router| router.layer(embeddable()))
}

/// What a name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Playlist(Which),
    Object,
}

impl Named {
    fn of(name: &str) -> Self {
        let rendition = Rendition::ALL
            .into_iter()
            .find(|one| one.playlist_name() == name);
        match rendition {
            _ if name == "index.m3u8" => Self::Playlist(Which::Multivariant),
            Some(rendition) => Self::Playlist(Which::Media(rendition)),
            None => Self::Object,
        }
    }

    /// Its name in the metrics.
    const fn label(self) -> &'static str {
        match self {
            Self::Playlist(Which::Multivariant) => "multivariant",
            Self::Playlist(Which::Media(_)) => "media",
            Self::Object => "object",
        }
    }
}

async fn serve(
    Extract(state): Extract<Arc<State>>,
    StreamAnd(stream, name): StreamAnd,
    RawQuery(query): RawQuery,
    client: Client,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let named = Named::of(&name);
    let now = clock::monotonic();
    let request = Request {
        state: &state,
        stream: &stream,
        now,
    };
    let response = match named {
        Named::Playlist(which) => {
            if let Some(origin) = state.origins.get(&stream) {
                let agent = headers
                    .get(header::USER_AGENT)
                    .map_or(&b""[..], HeaderValue::as_bytes);
                origin.seen(address(&client), agent, now);
            }
            request
                .playlist(which, query.as_deref().unwrap_or(""))
                .await
        }
        Named::Object => request.object(&name, &headers).await,
    };
    let mut response = response.unwrap_or_else(IntoResponse::into_response);
    if headers.contains_key(header::AUTHORIZATION) {
        keep_private(response.headers_mut());
    }
    count(&state, named, &method, &response);
    response
}

struct Request<'a> {
    state: &'a State,
    stream: &'a StreamName,
    now: Instant,
}

impl Request<'_> {
    async fn playlist(&self, which: Which, query: &str) -> Result<Response, Problem> {
        let origin = self.origin()?;
        let directives = Directives::parse(query)
            .map_err(|error| Problem::new(Kind::InvalidQuery, error.to_string()))?;
        let playlist = self
            .unless_ending(origin.playlist(which, &directives, self.now))
            .await?;
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static(PLAYLIST_TYPE),
            ),
            (header::CACHE_CONTROL, cache_control(playlist.cache_control)),
        ];
        Ok((headers, playlist.body).into_response())
    }

    async fn object(&self, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
        let origin = self.origin()?;
        let object = self.unless_ending(origin.object(name, self.now)).await?;
        let range = headers
            .get(header::RANGE)
            .and_then(|value| value.to_str().ok());
        let len = usize::try_from(object.body.len()).unwrap_or(usize::MAX);
        let (status, body, content_range) = match asked(range, len) {
            Asked::Whole => (StatusCode::OK, self.whole(&object), None),
            Asked::Part(range) => {
                let said = format!("bytes {}-{}/{len}", range.start, range.end - 1);
                let bytes = object.body.to_bytes().slice(range);
                (StatusCode::PARTIAL_CONTENT, Body::from(bytes), Some(said))
            }
            Asked::Beyond => {
                let detail = format!("`Range` lies beyond the end; the object has {len} bytes");
                return Err(Problem::new(Kind::InvalidRange, detail).content_length(len));
            }
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(object.content_type),
        );
        headers.insert(header::CACHE_CONTROL, cache_control(object.cache_control));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if status == StatusCode::OK {
            headers.insert(header::CONTENT_LENGTH, object.body.len().into());
        }
        if let Some(said) = content_range {
            let value = HeaderValue::try_from(said).expect("digits and a slash");
            headers.insert(header::CONTENT_RANGE, value);
        }
        Ok(response)
    }

    /// The chunks as they lie in memory: a segment is its parts. Of those with cues it is noted when all have gone.
    fn whole(&self, object: &Object) -> Body {
        let chunks = object.body.chunks();
        let cues: Vec<u32> = chunks
            .iter()
            .flat_map(|chunk| cues::emsg::cue_ids(chunk))
            .collect();
        match chunks {
            [one] if cues.is_empty() => Body::from(one.clone()),
            chunks => {
                let sending = Sending {
                    chunks: chunks.iter().cloned().collect(),
                    cues,
                    stream: self.stream.clone(),
                    side: Arc::clone(&self.state.side),
                    meters: Arc::clone(&self.state.meters),
                };
                Body::from_stream(stream::iter(sending))
            }
        }
    }

    fn origin(&self) -> Result<Arc<StreamOrigin>, Problem> {
        let origin = self.state.origins.get(self.stream);
        origin.ok_or_else(|| Problem::no_such_stream(self.stream.as_str()))
    }

    /// A request that waits must not hold up the end of the server.
    async fn unless_ending<T>(
        &self,
        answer: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Problem> {
        let mut draining = self.state.draining.clone();
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|refused| self.refusal(refused)),
            _ = draining.wait_for(|draining| *draining) => {
                Err(Problem::new(Kind::Unavailable, "the server is ending; use another one").retry_after(1))
            }
        }
    }

    fn refusal(&self, refused: Refused) -> Problem {
        match refused {
            Refused::NotFound | Refused::Over => Problem::new(
                Kind::NoSuchMedia,
                format!(
                    "stream `{}` has no such playlist, part or segment; reload its playlist",
                    self.stream
                ),
            ),
            Refused::NotCarried(codec) => Problem::new(
                Kind::StreamNotPlayable,
                format!(
                    "stream `{}` is {codec} without sound, which LL-HLS cannot carry: watch by WebRTC, or publish \
                     H.264, H.265, VP9 or AV1",
                    self.stream
                ),
            ),
            Refused::Bad(bad) => Problem::new(Kind::InvalidQuery, bad.to_string()),
            // Section 6.2.5.2: "SHOULD return a 503 Service Unavailable".
            Refused::TimedOut => {
                let detail =
                    "no new media came within three target durations; the publisher may be gone";
                Problem::new(Kind::TimedOut, detail).retry_after(1)
            }
            Refused::TooManyWaiters => {
                let detail = "as many requests wait for this stream as may (`hls.waiters_max`)";
                Problem::new(Kind::Full, detail).retry_after(1)
            }
        }
    }
}

/// Media on its way out.
struct Sending {
    chunks: VecDeque<Bytes>,
    cues: Vec<u32>,
    stream: StreamName,
    side: Arc<SideChannels>,
    meters: Arc<Meters>,
}

impl Iterator for Sending {
    type Item = Result<Bytes, std::io::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.chunks.pop_front().map(Ok)
    }
}

impl Drop for Sending {
    /// The connection lets go when it has taken the last byte, and before when its client is gone. It does not ask
    /// for more after as many bytes as were announced.
    fn drop(&mut self) {
        if !self.cues.is_empty() && self.chunks.is_empty() {
            let fetched = self.side.deliveries.fetched(&self.stream, &self.cues);
            self.meters.cue_media_fetched.increment(fetched);
        }
    }
}

fn cache_control(cache: CacheControl) -> HeaderValue {
    HeaderValue::try_from(cache.to_string()).expect("directives are ASCII")
}

/// RFC 9111 section 3.5: `public` would let a cache give to anybody what one viewer was authorised to have. With a
/// token in the query it may stay: there the right is part of the address, and of the cache's key.
pub(super) fn keep_private(headers: &mut HeaderMap) {
    let said = headers
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .and_then(|said| said.strip_prefix("public"));
    if let Some(rest) = said {
        let value = HeaderValue::try_from(format!("private{rest}")).expect("directives are ASCII");
        headers.insert(header::CACHE_CONTROL, value);
    }
}

fn count(state: &State, named: Named, method: &Method, response: &Response) {
    let status = response.status().as_str().to_owned();
    metrics::counter!("shopcast_hls_requests_total", "kind" => named.label(), "status" => status)
        .increment(1);
    let length = axum::body::HttpBody::size_hint(response.body())
        .exact()
        .or_else(|| {
            response
                .headers()
                .get(header::CONTENT_LENGTH)?
                .to_str()
                .ok()?
                .parse()
                .ok()
        });
    if method != Method::HEAD {
        state.meters.hls_bytes_out.increment(length.unwrap_or(0));
    }
}
