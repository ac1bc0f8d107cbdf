//! Routes and the policy of each. A route is added here, with its policies, or not at all.

use std::sync::Arc;

use access::{Asked, Grant, Policy, Refusal};
use axum::{
    Extension, Router,
    extract::{FromRequestParts as _, Query, RawPathParams, Request},
    http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts},
    middleware::{Next, from_fn},
    response::IntoResponse,
    routing::{MethodRouter, Route},
};
use serde::Deserialize;
use tower::{Layer, Service};
use tower_http::cors::CorsLayer;
use utoipa::openapi::{
    Object, OpenApi as Description, PathItem, RefOr, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::{
    Audience, Client, State, address, cors,
    problem::{Kind, Problem},
};
use crate::gate::{Denied, Entry, Source};

/// Routes of which each method has a policy.
pub(super) struct Routes {
    router: OpenApiRouter<Arc<State>>,
    table: Vec<Rule>,
}

/// One line of the table of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// As the router has it, with names in braces.
    pub(crate) path: String,
    pub(crate) method: Method,
    pub(crate) policy: Policy,
    /// `/openapi.json` describes it.
    pub(crate) described: bool,
}

/// Routes with what is around them, and whom they are for.
pub(super) struct Part {
    pub(super) audience: Audience,
    pub(super) router: Router<Arc<State>>,
    pub(super) description: Description,
    pub(super) table: Vec<Rule>,
}

impl Part {
    /// Those of `routes`.
    pub(super) fn new(audience: Audience, routes: Routes) -> Self {
        let (router, description) = routes.router.split_for_parts();
        Self {
            audience,
            router,
            description,
            table: routes.table,
        }
    }

    /// Puts `layer` around what is there, so that a refusal and a preflight get its headers too.
    pub(super) fn cors(self, layer: CorsLayer) -> Self {
        self.map(|router| cors::around(router, layer))
    }

    /// Puts more around what is there.
    pub(super) fn map(self, wrap: impl FnOnce(Router<Arc<State>>) -> Router<Arc<State>>) -> Self {
        Self {
            router: wrap(self.router),
            ..self
        }
    }

    /// Adds all of another for the same audience.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.description.merge(other.description);
        self.table.extend(other.table);
        self.map(|router| router.merge(other.router))
    }
}

impl Routes {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            router: OpenApiRouter::new(),
            table: Vec::new(),
        }
    }

    /// Adds what `routes!` makes of handlers of one path.
    ///
    /// # Panics
    /// When the policies are not one for each of their methods: such a server must not start.
    pub(super) fn described(
        mut self,
        (schemas, mut paths, methods): UtoipaMethodRouter<Arc<State>>,
        policies: impl Into<Vec<(Method, Policy)>>,
    ) -> Self {
        let policies = policies.into();
        for (path, item) in &mut paths.paths {
            let described = methods_of(item);
            let mut ruled: Vec<_> = policies.iter().map(|(method, _)| method.clone()).collect();
            ruled.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            assert_eq!(described, ruled, "each method of {path} needs one policy");
            self.note(path, &policies, true);
            let reads = policy_for(&policies, &Method::GET);
            if let (Some(get), Some(true)) = (&mut item.get, reads.map(takes_token_in_query)) {
                get.parameters
                    .get_or_insert_default()
                    .push(RefOr::T(token()));
            }
        }
        let methods = guarded(methods, policies);
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    /// Adds a path that `/openapi.json` does not describe.
    pub(super) fn plain(
        mut self,
        path: &str,
        methods: MethodRouter<Arc<State>>,
        policies: impl Into<Vec<(Method, Policy)>>,
    ) -> Self {
        let policies = policies.into();
        self.note(path, &policies, false);
        self.router = self.router.route(path, guarded(methods, policies));
        self
    }

    /// Puts a layer around what there is so far: a refusal gets its headers too.
    pub(super) fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<std::convert::Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    fn note(&mut self, path: &str, policies: &[(Method, Policy)], described: bool) {
        self.table
            .extend(policies.iter().map(|(method, policy)| Rule {
                path: path.into(),
                method: method.clone(),
                policy: *policy,
                described,
            }));
    }
}

/// What the layers of [`Routes`] need: outermost, around the finished router.
pub(super) fn with_gate(state: &Arc<State>) -> Extension<Arc<State>> {
    Extension(Arc::clone(state))
}

/// The methods that a path describes, by name.
pub(super) fn methods_of(item: &PathItem) -> Vec<Method> {
    let mut methods: Vec<_> = [
        (Method::DELETE, &item.delete),
        (Method::GET, &item.get),
        (Method::HEAD, &item.head),
        (Method::OPTIONS, &item.options),
        (Method::PATCH, &item.patch),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::TRACE, &item.trace),
    ]
    .into_iter()
    .filter(|(_, operation)| operation.is_some())
    .map(|(method, _)| method)
    .collect();
    methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    methods
}

fn guarded(
    methods: MethodRouter<Arc<State>>,
    policies: Vec<(Method, Policy)>,
) -> MethodRouter<Arc<State>> {
    let policies: Arc<[_]> = policies.into();
    methods.layer(from_fn(move |request: Request, next: Next| {
        let policies = Arc::clone(&policies);
        async move {
            match admitted(&policies, request).await {
                Ok(request) => next.run(request).await,
                Err(problem) => problem.into_response(),
            }
        }
    }))
}

/// The request with its [`Grant`], if its policy lets it through.
async fn admitted(policies: &[(Method, Policy)], request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let grant = grant(policies, &mut parts).await?;
    parts.extensions.insert(grant);
    Ok(Request::from_parts(parts, body))
}

async fn grant(policies: &[(Method, Policy)], parts: &mut Parts) -> Result<Grant, Problem> {
    let policy = policy_for(policies, &parts.method).ok_or_else(|| {
        // A handler that the table does not know is not reached.
        Problem::new(Kind::Internal, "this method has no policy; report it")
    })?;
    if policy == Policy::Open {
        return Ok(Grant::Anyone);
    }
    let state = parts.extensions.get::<Arc<State>>().cloned();
    let state = state.ok_or_else(|| Problem::new(Kind::Internal, "there is no gate; report it"))?;
    let params = RawPathParams::from_request_parts(parts, &()).await.ok();
    let stream = params.as_ref().and_then(|params| {
        params
            .iter()
            .find(|(name, _)| *name == "stream")
            .map(|(_, stream)| stream)
    });
    let client: Client = parts.extensions.get().cloned().map(Extension);
    let credential = match bearer(&parts.headers) {
        Some(credential) => Some(credential.to_owned()),
        None => in_query(policy, &parts.method, &parts.uri),
    };
    let asked = Asked { policy, stream };
    let address = address(&client);
    let source = Source {
        entry: Entry::Http,
        address,
        is_proxy: state.proxies.trusts(address),
    };
    let admitted = state.gate.admit(asked, credential.as_deref(), source).await;
    admitted.map_err(|denied| refusal(denied, policy))
}

/// HEAD is answered by GET's handler where it has none of its own.
fn policy_for(policies: &[(Method, Policy)], method: &Method) -> Option<Policy> {
    let of = |wanted: &Method| {
        policies
            .iter()
            .find(|(method, _)| method == wanted)
            .map(|(_, policy)| *policy)
    };
    match of(method) {
        None if *method == Method::HEAD => of(&Method::GET),
        found => found,
    }
}

/// RFC 6750 section 2.1. The scheme's case does not matter (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Where a client cannot set headers: EventSource, a video element, a link. RFC 6750 section 2.3 warns of logs and
/// histories, so this is for watching alone, and never for what changes something.
fn in_query(policy: Policy, method: &Method, uri: &Uri) -> Option<String> {
    #[derive(Deserialize)]
    struct Credential {
        token: Option<String>,
    }
    let reads = *method == Method::GET || *method == Method::HEAD;
    if !takes_token_in_query(policy) || !reads {
        return None;
    }
    let Query(Credential { token }) = Query::try_from_uri(uri).ok()?;
    token.filter(|token| !token.is_empty())
}

fn takes_token_in_query(policy: Policy) -> bool {
    matches!(policy, Policy::Watch | Policy::Status)
}

/// The same as `/openapi.json` has it.
fn token() -> Parameter {
    ParameterBuilder::new()
        .name("token")
        .parameter_in(ParameterIn::Query)
        .description(Some(
            "In place of the Authorization header, where a client cannot set one",
        ))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

/// RFC 6750 section 3.1 has the codes.
fn refusal(denied: Denied, policy: Policy) -> Problem {
    let refusal = match denied {
        Denied::Refused(refusal) => refusal,
        Denied::Limited { retry_after_s } => {
            let detail =
                "too many wrong tokens came from your address; correct yours, and try again later";
            return Problem::new(Kind::RateLimited, detail).retry_after(retry_after_s);
        }
        Denied::Unavailable => {
            let detail = "stream keys cannot be looked up now; try again";
            return Problem::new(Kind::Unavailable, detail).retry_after(1);
        }
    };
    let (kind, code) = if refusal == Refusal::Missing {
        // "If the request lacks any authentication information [...] the resource server SHOULD NOT include an error
        // code".
        (Kind::Unauthorized, "")
    } else if refusal.is_scope() {
        (Kind::Forbidden, ", error=\"insufficient_scope\"")
    } else {
        (Kind::Unauthorized, ", error=\"invalid_token\"")
    };
    let challenge = format!("Bearer realm=\"shopcast\"{code}");
    let challenge = HeaderValue::try_from(challenge).expect("it is plain ASCII");
    let detail = match (refusal, policy) {
        (Refusal::Missing, Policy::Watch | Policy::Status) => {
            "a token is needed; send `Authorization: Bearer TOKEN`, or put `?token=TOKEN` behind the address".into()
        }
        (Refusal::Missing, Policy::Publish) => {
            "a stream key or a token is needed; send it as `Authorization: Bearer KEY`".into()
        }
        (refusal, _) => refusal.to_string(),
    };
    Problem::new(kind, detail).challenge(challenge)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn a_bearer_token_is_taken_from_its_header() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("BEARER a.b.c", Some("a.b.c")),
            ("Basic abc", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("abc", None),
        ] {
            assert_eq!(bearer(&headers(value)), token, "{value}");
        }
    }

    #[test]
    fn a_query_is_looked_at_for_watching_only() {
        let uri: Uri = "/x?a=b&token=x%2Ey&c".parse().unwrap();
        assert_eq!(
            in_query(Policy::Watch, &Method::GET, &uri).as_deref(),
            Some("x.y")
        );
        for policy in [Policy::Api, Policy::Cues, Policy::Publish, Policy::Open] {
            assert_eq!(in_query(policy, &Method::GET, &uri), None, "{policy:?}");
        }
        assert_eq!(in_query(Policy::Watch, &Method::POST, &uri), None);
        let twice: Uri = "/x?token=a&token=b".parse().unwrap();
        assert_eq!(in_query(Policy::Watch, &Method::GET, &twice), None);
    }

    #[tokio::test]
    async fn a_method_without_a_policy_is_not_reached_nor_anything_without_a_gate() {
        let ask = async |method: Method, policy: Policy| {
            let request = Request::builder()
                .method(method)
                .uri("/x")
                .body(Body::empty())
                .unwrap();
            let admitted = admitted(&[(Method::GET, policy)], request).await;
            admitted.map(|_| ()).map_err(|problem| problem.kind())
        };
        assert_eq!(ask(Method::POST, Policy::Open).await, Err(Kind::Internal));
        assert_eq!(ask(Method::GET, Policy::Watch).await, Err(Kind::Internal));
        assert_eq!(ask(Method::GET, Policy::Open).await, Ok(()));
        assert_eq!(ask(Method::HEAD, Policy::Open).await, Ok(()));
    }

    #[test]
    #[should_panic(expected = "each method of /healthz needs one policy")]
    fn a_described_route_without_a_policy_does_not_start() {
        let routes = utoipa_axum::routes!(super::super::health::live);
        let _started = Routes::new().described(routes, []);
    }
}
