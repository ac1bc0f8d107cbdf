//! Values that browsers hear of, parsed at the start so that a mistake is an error then and not a silent refusal later.

use axum::http::{HeaderValue, Uri};
use serde::{Deserialize, Serialize};

/// Origins whose pages may read what everybody may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub enum AllowedOrigins {
    /// `["*"]`
    Any,
    /// As a browser writes them in `Origin`.
    These(Vec<HeaderValue>),
}

/// Who may show the watch page in a frame: the value of CSP's `frame-ancestors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameAncestors(String);

/// Names the server answers to, without ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Hosts(Vec<String>);

/// A text is not what a browser would understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}; for example {example}")]
pub struct WebError {
    text: String,
    what: &'static str,
    example: &'static str,
}

impl FrameAncestors {
    /// The directive's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for FrameAncestors {
    fn default() -> Self {
        Self("'self'".into())
    }
}

impl Hosts {
    /// Whether nobody set one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `name`, without a port, is one of them.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|host| host.eq_ignore_ascii_case(name))
    }
}

impl TryFrom<Vec<String>> for AllowedOrigins {
    type Error = WebError;

    fn try_from(texts: Vec<String>) -> Result<Self, WebError> {
        if texts == ["*"] {
            return Ok(Self::Any);
        }
        let origins = texts.iter().map(|text| origin(text));
        Ok(Self::These(origins.collect::<Result<_, _>>()?))
    }
}

impl From<AllowedOrigins> for Vec<String> {
    fn from(allowed: AllowedOrigins) -> Self {
        match allowed {
            AllowedOrigins::Any => vec!["*".into()],
            AllowedOrigins::These(origins) => origins
                .iter()
                .map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned())
                .collect(),
        }
    }
}

/// As a browser serialises it: lower case, and without the scheme's own port.
fn origin(text: &str) -> Result<HeaderValue, WebError> {
    let wrong = || WebError {
        text: text.into(),
        what: "an origin (scheme, host and port, nothing after them), and `*` stands alone",
        example: "\"https://shop.example\"",
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let scheme = uri.scheme_str().ok_or_else(wrong)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    let written = format!("{scheme}://{authority}");
    let own_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err(wrong()),
    };
    // A path, a query, a name and password: what no browser sends as an origin.
    if !written.eq_ignore_ascii_case(text) || authority.as_str().contains(['@', '*']) {
        return Err(wrong());
    }
    let port = authority.port_u16().filter(|port| *port != own_port);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let origin = format!("{scheme}://{}{port}", authority.host().to_ascii_lowercase());
    HeaderValue::try_from(origin).map_err(|_| wrong())
}

impl TryFrom<String> for FrameAncestors {
    type Error = WebError;

    fn try_from(text: String) -> Result<Self, WebError> {
        let sources: Vec<_> = text.split(' ').collect();
        let plain = |source: &str| {
            let (scheme, host) = source.split_once("://").unwrap_or_default();
            let of_host = |c: char| c.is_ascii_alphanumeric() || "-.*:[]".contains(c);
            matches!(scheme, "https" | "http") && !host.is_empty() && host.chars().all(of_host)
        };
        let understood = text == "'none'"
            || sources
                .iter()
                .all(|source| *source == "'self'" || plain(source));
        if !understood {
            return Err(WebError {
                text,
                what: "a list of those who may frame the page: 'none' alone, or 'self' and origins, one space between",
                example: "\"'self' https://shop.example\"",
            });
        }
        Ok(Self(text))
    }
}

impl From<FrameAncestors> for String {
    fn from(ancestors: FrameAncestors) -> Self {
        ancestors.0
    }
}

impl TryFrom<Vec<String>> for Hosts {
    type Error = WebError;

    fn try_from(texts: Vec<String>) -> Result<Self, WebError> {
        let plain = |text: &String| {
            let of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            !text.is_empty() && text.chars().all(of_name)
        };
        match texts.iter().find(|text| !plain(text)) {
            Some(text) => Err(WebError {
                text: text.clone(),
                what: "a host name (no scheme, no port)",
                example: "\"live.shop.example\"",
            }),
            None => Ok(Self(texts)),
        }
    }
}

impl From<Hosts> for Vec<String> {
    fn from(hosts: Hosts) -> Self {
        hosts.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(texts: &[&str]) -> Result<AllowedOrigins, WebError> {
        let texts: Vec<_> = texts.iter().map(|text| String::from(*text)).collect();
        AllowedOrigins::try_from(texts)
    }

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        assert_eq!(origins(&["*"]), Ok(AllowedOrigins::Any));
        assert_eq!(origins(&[]), Ok(AllowedOrigins::These(vec![])));
        for (written, sent) in [
            ("https://shop.example", "https://shop.example"),
            ("https://Shop.Example:443", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
        ] {
            let sent = HeaderValue::from_static(sent);
            assert_eq!(origins(&[written]), Ok(AllowedOrigins::These(vec![sent])));
        }
        for wrong in [
            "shop.example",
            "https://shop.example/",
            "https://shop.example/live",
            "https://me@shop.example",
            "https://*.shop.example",
            "ftp://shop.example",
            "null",
            "",
        ] {
            let said = origins(&[wrong]).unwrap_err().to_string();
            assert!(
                said.contains(&format!("`{wrong}`")) && said.contains("https://"),
                "{said}"
            );
        }
        assert!(origins(&["*", "https://shop.example"]).is_err());
    }

    #[test]
    fn ancestors_cannot_carry_another_directive() {
        for fine in [
            "'self'",
            "'none'",
            "'self' https://shop.example",
            "https://*.shop.example:8443",
        ] {
            assert_eq!(
                FrameAncestors::try_from(String::from(fine)).map(String::from),
                Ok(fine.into())
            );
        }
        for wrong in [
            "",
            "self",
            "'self'; script-src *",
            "'none' 'self'",
            "https://a,https://b",
            "'self'\r\nX: y",
            "https://",
        ] {
            assert!(
                FrameAncestors::try_from(String::from(wrong)).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn hosts_are_names_without_ports() {
        let hosts = Hosts::try_from(vec!["Live.Shop.example".into()]).unwrap();
        assert!(hosts.has("live.shop.EXAMPLE") && !hosts.has("shop.example"));
        for wrong in ["", "a:80", "https://a", "a b", "*"] {
            assert!(Hosts::try_from(vec![wrong.into()]).is_err(), "{wrong}");
        }
    }
}
