//! Who may do what, as the operator writes it, and what it becomes.

use std::{fmt, fs, net::SocketAddr};

use access::{Algorithm, ApiTokens, Settings, ThrottleConfig, TokenRules, Verifier};
use serde::{Deserialize, Serialize};

use super::{Config, ProxyNet, TcpListen, secret::Secret, units::Span};
use crate::Error;

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// The token that allows everything; empty means none.
    pub api_token: Secret,
    /// A file of such tokens, one a line; empty means none.
    pub api_token_file: String,
    /// Who may publish.
    pub publishers: Publishers,
    /// Who may watch.
    pub viewers: Viewers,
    /// How signed tokens are signed.
    pub jwt_algorithm: JwtAlgorithm,
    /// The public key, or for HS256 the secret; empty means that no signed tokens are taken.
    pub jwt_key_file: String,
    /// What `aud` of a signed token must be.
    pub jwt_audience: String,
    /// How far ahead `exp` of a signed token may lie.
    pub jwt_lifetime_max: Span,
    /// How far the clocks of the platform and of this server may differ.
    pub jwt_leeway: Span,
    /// Proxies whose word on whom a request is from is taken.
    pub trusted_proxies: Vec<ProxyNet>,
    /// How late a wrong credential is answered at least.
    pub wrong_delay: Span,
    /// Wrong credentials an address may send in a minute.
    pub wrong_per_minute_max: u32,
}

/// Who may publish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publishers {
    /// Whoever reaches the server.
    #[default]
    Open,
    /// Whoever has a stream key or a token.
    Key,
}

/// Who may watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Viewers {
    /// As [`Viewers::Open`], on this machine only: beyond it, somebody has to decide.
    #[default]
    #[serde(rename = "")]
    Unchosen,
    /// Whoever reaches the server.
    Open,
    /// Whoever has a token.
    Token,
}

/// The names of RFC 7518 section 3.1 and RFC 8037 section 3.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// Ed25519.
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// A shared secret.
    #[serde(rename = "HS256")]
    Hs256,
}

impl Default for Access {
    fn default() -> Self {
        let throttle = ThrottleConfig::default();
        Self {
            api_token: Secret::default(),
            api_token_file: String::new(),
            publishers: Publishers::default(),
            viewers: Viewers::default(),
            jwt_algorithm: JwtAlgorithm::default(),
            jwt_key_file: String::new(),
            jwt_audience: "shopcast".into(),
            jwt_lifetime_max: Span::seconds(12 * 3600),
            jwt_leeway: Span::seconds(30),
            trusted_proxies: Vec::new(),
            wrong_delay: Span(throttle.delay),
            wrong_per_minute_max: throttle.per_minute,
        }
    }
}

impl Access {
    /// What no single value can say about itself. `beyond` is an address that others than this machine can reach.
    pub(super) fn check(&self, beyond: Option<(&str, SocketAddr)>) -> Result<(), Error> {
        let has_api_token = self.has_api_token();
        if let Some((key, address)) = beyond {
            self.check_beyond(key, address)?;
        }
        let wrong = if self.viewers == Viewers::Token && self.jwt_key_file.is_empty() {
            "`access.viewers` = \"token\" needs `access.jwt_key_file`, the key that viewers' tokens are checked with"
        } else if !has_api_token && self.publishers == Publishers::Key {
            "`access.publishers` = \"key\" needs `access.api_token` or `access.api_token_file`: without it anybody could make a key"
        } else if !has_api_token && self.viewers == Viewers::Token {
            "`access.viewers` = \"token\" needs `access.api_token` or `access.api_token_file`: without it anybody could operate the server"
        } else if self.jwt_audience.is_empty() {
            "`access.jwt_audience` is empty; give it a name, for example shopcast"
        } else if self.jwt_lifetime_max > LIFETIME_LIMIT || self.jwt_lifetime_max < LIFETIME_LEAST {
            "`access.jwt_lifetime_max` must be between 1m and 24h"
        } else if self.jwt_leeway > LEEWAY_LIMIT {
            "`access.jwt_leeway` must be at most 5m"
        } else if self.wrong_delay > DELAY_LIMIT {
            "`access.wrong_delay` must be at most 4s: an encoder does not wait longer for twice that"
        } else {
            return Ok(());
        };
        Err(Error::Config(wrong.into()))
    }

    fn check_beyond(&self, key: &str, address: SocketAddr) -> Result<(), Error> {
        let mut lacking = Vec::new();
        if !self.has_api_token() {
            lacking.push(
                "an API token (environment SHOPCAST_ACCESS__API_TOKEN, or `access.api_token_file`; \
                 `openssl rand -base64 32` makes one)",
            );
        }
        if self.publishers != Publishers::Key {
            lacking.push("`access.publishers` = \"key\"");
        }
        if self.viewers == Viewers::Unchosen {
            lacking.push(
                "`access.viewers` = \"token\" with `access.jwt_key_file`, or \"open\" if everybody may watch",
            );
        }
        if lacking.is_empty() {
            return Ok(());
        }
        Err(Error::Config(format!(
            "`{key}` = {address} listens beyond this machine, where anyone could publish and insert cards. Set {}; \
             or use 127.0.0.1 or [::1]. See docs/access.md",
            lacking.join("; and ")
        )))
    }

    /// Whether the API takes a token. That one comes of it, [`Access::settings`] sees to.
    pub(crate) fn has_api_token(&self) -> bool {
        !self.api_token.is_empty() || !self.api_token_file.is_empty()
    }

    /// Reads the files and puts everything together.
    ///
    /// # Errors
    /// A file that cannot be read, or a token or key that is not fit to be one; each names its key.
    pub(crate) fn settings(&self) -> Result<Settings, Error> {
        let mut tokens = self.api_token.0.clone();
        if !self.api_token_file.is_empty() {
            let file = read("access.api_token_file", &self.api_token_file)?;
            let text = String::from_utf8(file)
                .map_err(|_| wrong("access.api_token_file", &"it is not text"))?;
            if text.trim().is_empty() {
                return Err(wrong("access.api_token_file", &"it holds no token"));
            }
            tokens = format!("{tokens}\n{text}");
        }
        let api_tokens =
            ApiTokens::parse(&tokens).map_err(|error| wrong("access.api_token", &error))?;
        if self.has_api_token() && api_tokens.is_empty() {
            // Without one, everybody may do everything; nobody who sets one wants that.
            let blank =
                "it is set and holds nothing but blanks; `openssl rand -base64 32` makes one";
            return Err(wrong("access.api_token", &blank));
        }
        let publishers = match self.publishers {
            Publishers::Open => access::Publishers::Open,
            Publishers::Key => access::Publishers::Key,
        };
        let viewers = match self.viewers {
            Viewers::Unchosen | Viewers::Open => access::Viewers::Open,
            Viewers::Token => access::Viewers::Token,
        };
        Ok(Settings {
            api_tokens,
            publishers,
            viewers,
            tokens: self.token_rules()?,
        })
    }

    fn token_rules(&self) -> Result<Option<TokenRules>, Error> {
        if self.jwt_key_file.is_empty() {
            return Ok(None);
        }
        let file = read("access.jwt_key_file", &self.jwt_key_file)?;
        let verifier = Verifier::parse(self.jwt_algorithm.into(), &file)
            .map_err(|error| wrong("access.jwt_key_file", &error))?;
        Ok(Some(TokenRules {
            verifier,
            audience: self.jwt_audience.clone(),
            lifetime_max: self.jwt_lifetime_max.0,
            leeway: self.jwt_leeway.0,
        }))
    }

    /// How much guessing is put up with.
    pub(crate) fn throttle(&self) -> ThrottleConfig {
        ThrottleConfig {
            per_minute: self.wrong_per_minute_max,
            delay: self.wrong_delay.0,
            ..ThrottleConfig::default()
        }
    }
}

impl Config {
    /// The first address that others than this machine can reach.
    pub(super) fn beyond_loopback(&self) -> Option<(&'static str, SocketAddr)> {
        let listeners = [
            ("http.listen", self.http.listen),
            ("rtmp.listen", self.rtmp.listen),
            ("webrtc.listen", self.webrtc.listen),
        ];
        let tcp = match self.webrtc.tcp_listen {
            TcpListen::At(address) => Some(("webrtc.tcp_listen", address)),
            TcpListen::Same | TcpListen::Off => None,
        };
        let optional = [
            ("rtmp.tls_listen", self.rtmp.tls_listen.0),
            ("admin.listen", self.admin.listen.0),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(key, listen)| Some((key, listen?)));
        listeners
            .into_iter()
            .chain(optional)
            .chain(tcp)
            .find(|(_, address)| !address.ip().is_loopback())
    }
}

impl From<JwtAlgorithm> for Algorithm {
    fn from(algorithm: JwtAlgorithm) -> Self {
        match algorithm {
            JwtAlgorithm::EdDsa => Self::EdDsa,
            JwtAlgorithm::Es256 => Self::Es256,
            JwtAlgorithm::Hs256 => Self::Hs256,
        }
    }
}

fn read(key: &str, path: &str) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| wrong(key, &format_args!("{path}: {error}")))
}

fn wrong(key: &str, what: &dyn fmt::Display) -> Error {
    Error::Config(format!("`{key}`: {what}"))
}

const LIFETIME_LEAST: Span = Span::seconds(60);
const LIFETIME_LIMIT: Span = Span::seconds(24 * 3600);
const LEEWAY_LIMIT: Span = Span::seconds(300);
/// An RTMP session waits ten seconds for its publish to be answered.
const DELAY_LIMIT: Span = Span::seconds(4);
