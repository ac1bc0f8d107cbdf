//! What every answer tells browsers, and under which names the server is asked.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, Version, header},
    middleware::{self, Next},
    response::IntoResponse as _,
};
use tower_http::set_header::SetResponseHeaderLayer;

use super::problem::{Kind, Problem};
use crate::config::{AllowedOrigins, Config, FrameAncestors, Hosts, Publishers};

/// What the operator set about browsers.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    pub(super) allowed_origins: AllowedOrigins,
    pub(super) frame_ancestors: FrameAncestors,
    /// Whether what changes something takes a token.
    pub(super) changes_take_token: bool,
    /// Whether publishing takes a key or a token.
    pub(super) publishing_takes_key: bool,
    hosts: Hosts,
    /// `Strict-Transport-Security`, with TLS.
    hsts: Option<HeaderValue>,
}

impl Web {
    pub(crate) fn new(config: &Config) -> Self {
        let http = &config.http;
        let hsts = config.tls().map(|_| {
            // RFC 6797 section 6.1.1. Without includeSubDomains: other names are not ours to speak for.
            let value = format!("max-age={}", http.hsts_max_age.0.as_secs());
            HeaderValue::try_from(value).expect("letters and digits")
        });
        Self {
            allowed_origins: http.allowed_origins.clone(),
            frame_ancestors: http.frame_ancestors.clone(),
            changes_take_token: config.access.has_api_token(),
            publishing_takes_key: config.access.publishers == Publishers::Key,
            hosts: http.hosts.clone(),
            hsts,
        }
    }

    /// Around everything that is served at `address`, answers to what does not exist among it.
    pub(super) fn guard(&self, router: Router, address: SocketAddr) -> Router {
        let always = |name: HeaderName, value: &'static str| {
            SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
        };
        let names = Names {
            hosts: self.hosts.clone(),
            local: address.ip().is_loopback(),
        };
        let check = move |request: Request, next: Next| {
            let answer = names.check(&request);
            async move {
                match answer {
                    Ok(()) => next.run(request).await,
                    Err(problem) => problem.into_response(),
                }
            }
        };
        let router = router
            .layer(middleware::from_fn(check))
            .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            // A token may be in the address.
            .layer(always(header::REFERRER_POLICY, "no-referrer"))
            .layer(SetResponseHeaderLayer::if_not_present(
                RESOURCE_POLICY,
                HeaderValue::from_static("same-origin"),
            ));
        match &self.hsts {
            Some(hsts) => router.layer(SetResponseHeaderLayer::overriding(
                header::STRICT_TRANSPORT_SECURITY,
                hsts.clone(),
            )),
            None => router,
        }
    }
}

/// What players on other sites load: pages that are cross-origin isolated ask for this (Fetch, "cross-origin resource
/// policy check").
pub(super) fn embeddable() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"))
}

/// Under which names one listener is asked.
#[derive(Debug, Clone)]
struct Names {
    hosts: Hosts,
    local: bool,
}

impl Names {
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let Some(host) = host(request)? else {
            return Ok(());
        };
        if self.have(&host) {
            return Ok(());
        }
        let shown: String = host.chars().take(HOST_SHOWN_MAX).collect();
        let detail = format!(
            "this server is not called `{shown}`; use localhost or its address, or list the name in `http.hosts`"
        );
        Err(Problem::new(Kind::Misdirected, detail))
    }

    /// An address is always right: what rebinding needs is a name that its owner points elsewhere.
    fn have(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let open = self.hosts.is_empty() && !self.local;
        open || host.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok()
            || self.hosts.has(host)
    }
}

/// The name the client asked for, without the port. HTTP/1.0 may do without one.
fn host(request: &Request) -> Result<Option<String>, Problem> {
    let wrong = |detail: &str| Problem::new(Kind::InvalidHeader, detail);
    // RFC 9113 section 8.3.1: `:authority`, which hyper puts here, takes the place of `Host`.
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.host().into()));
    }
    let mut given = request.headers().get_all(header::HOST).iter();
    match (given.next(), given.next()) {
        (Some(host), None) => {
            let text = host.to_str().unwrap_or_default();
            let authority: axum::http::uri::Authority = text
                .parse()
                .map_err(|_| wrong("`Host` is not a host name, with or without a port"))?;
            Ok(Some(authority.host().into()))
        }
        (None, _) if request.version() < Version::HTTP_11 => Ok(None),
        // RFC 9112 section 3.2: 400 for a request "that lacks a Host header field" or has more than one.
        (None, _) => Err(wrong("`Host` is missing; HTTP/1.1 needs it")),
        (Some(_), Some(_)) => Err(wrong("`Host` is there more than once")),
    }
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const HOST_SHOWN_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(names: &Names, host: &str) -> bool {
        let request = Request::get("/").header("host", host);
        names.check(&request.body(Body::empty()).unwrap()).is_ok()
    }

    #[test]
    fn a_server_of_this_machine_alone_has_no_other_names() {
        let names = Names {
            hosts: Hosts::default(),
            local: true,
        };
        for ours in ["localhost:8080", "LOCALHOST", "127.0.0.1:1", "[::1]:80"] {
            assert!(asked(&names, ours), "{ours}");
        }
        for other in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "",
        ] {
            assert!(!asked(&names, other), "{other}");
        }
    }

    #[test]
    fn names_that_are_listed_are_the_only_ones() {
        let hosts = Hosts::try_from(vec!["live.shop.example".into()]).unwrap();
        for local in [true, false] {
            let names = Names {
                hosts: hosts.clone(),
                local,
            };
            assert!(asked(&names, "Live.Shop.Example:8443"));
            assert!(asked(&names, "192.0.2.7"));
            assert!(!asked(&names, "evil.example"));
        }
        let open = Names {
            hosts: Hosts::default(),
            local: false,
        };
        assert!(asked(&open, "anything.example"));
    }

    #[test]
    fn one_host_and_only_one() {
        let names = Names {
            hosts: Hosts::default(),
            local: true,
        };
        let check = |request: axum::http::request::Builder| {
            names
                .check(&request.body(Body::empty()).unwrap())
                .map_err(|problem| problem.kind())
        };
        assert_eq!(check(Request::get("/")), Err(Kind::InvalidHeader));
        let twice = Request::get("/").header("host", "localhost");
        assert_eq!(
            check(twice.header("host", "localhost")),
            Err(Kind::InvalidHeader)
        );
        assert_eq!(check(Request::get("/").version(Version::HTTP_10)), Ok(()));
        // HTTP/2: the authority decides, whatever `Host` says.
        let two = Request::get("http://evil.example/").header("host", "localhost");
        assert_eq!(check(two), Err(Kind::Misdirected));
    }
}
