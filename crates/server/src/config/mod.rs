//! One typed configuration: defaults, then the file, then the environment.
//!
//! Every key is a line of `config/shopcast.toml`, which says what it means, its unit, its default and what raising or
//! lowering it does; a test holds that file against these types both ways. A key that is not here is an error that
//! names it. The environment name of `section.key` is `SHOPCAST_SECTION__KEY`; variables without the double underscore
//! belong to the scripts and are not read.

mod access;
mod cue_rule;
mod engine;
mod listen;
mod network;
mod proxy;
mod secret;
mod sections;
mod units;
mod web;
mod webhooks;

use std::path::Path;

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::{Deserialize, Serialize};

pub use access::{Access, JwtAlgorithm, Publishers, Viewers};
pub use cue_rule::CueRule;
pub use listen::{Listen, ListenError};
pub(crate) use network::is_link_local;
pub use network::{Advertised, IceServer, NetworkError, TcpListen};
pub use proxy::ProxyNet;
pub use secret::Secret;
pub use sections::{
    Admin, Cues, Fence, Hls, Http, Log, Rtmp, Shutdown, Store, Streams, Transcoder, Webrtc,
};
pub use units::{Size, Span, UnitError};
pub use web::{AllowedOrigins, FrameAncestors, Hosts, WebError};
pub(crate) use webhooks::allowed;
pub use webhooks::{WebhookEndpoint, Webhooks};

use crate::{Error, tls::Files};

/// Everything an operator can set. Only the certificate's files and those that `access` names are read again while running.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The HTTP surface: API, WHEP, LL-HLS, pages, metrics.
    pub http: Http,
    /// What operators look at.
    pub admin: Admin,
    /// Publishers by RTMP.
    pub rtmp: Rtmp,
    /// Viewers by WebRTC.
    pub webrtc: Webrtc,
    /// Viewers by LL-HLS.
    pub hls: Hls,
    /// The cue timeline.
    pub cues: Cues,
    /// Streams in general.
    pub streams: Streams,
    /// The child process that makes Opus from AAC.
    pub transcoder: Transcoder,
    /// Who may do what.
    pub access: Access,
    /// What outlives the process.
    pub store: Store,
    /// Who is told what happens to streams.
    pub webhooks: Webhooks,
    /// What is written to standard error.
    pub log: Log,
    /// How the server ends.
    pub shutdown: Shutdown,
}

impl Config {
    /// Defaults, then `file` if there is one, then the environment.
    ///
    /// # Errors
    /// A file that cannot be read, a key that does not exist, a value that is not of its kind, and a combination that
    /// cannot work; each names the key.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        Self::from_layers(&Self::layers(file)?)
    }

    /// As [`Config::load`], without asking whether a server could run with it: for commands that need a key or two, and
    /// may not have the server's environment.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Error> {
        Self::extract(&Self::layers(file)?)
    }

    fn layers(file: Option<&Path>) -> Result<Figment, Error> {
        let mut layers = Figment::new();
        if let Some(file) = file {
            // Without this a missing file would silently mean the defaults.
            std::fs::metadata(file)
                .map_err(|error| Error::Config(format!("{}: {error}", file.display())))?;
            layers = layers.merge(Toml::file_exact(file));
        }
        let env = Env::prefixed("SHOPCAST_")
            .filter(|key| key.as_str().contains("__"))
            .split("__");
        Ok(layers.merge(env))
    }

    /// What `layers` say over the defaults.
    pub(crate) fn from_layers(layers: &Figment) -> Result<Self, Error> {
        let config = Self::extract(layers)?;
        config.check()?;
        Ok(config)
    }

    fn extract(layers: &Figment) -> Result<Self, Error> {
        layers
            .extract()
            .map_err(|error| Error::Config(describe(error)))
    }

    /// What no single value can say about itself.
    fn check(&self) -> Result<(), Error> {
        self.access.check(self.beyond_loopback())?;
        self.check_tls()?;
        for (n, server) in self.webrtc.ice_servers.iter().enumerate() {
            server.check().map_err(|error| {
                Error::Config(format!("`webrtc.ice_servers`, number {}: {error}", n + 1))
            })?;
        }
        let hls = &self.hls;
        let ordered = [
            ("hls.part_target", Span::millis(1), "1ms", hls.part_target),
            (
                "hls.segment_target",
                hls.part_target,
                "hls.part_target",
                hls.segment_target,
            ),
            (
                "hls.target_duration_min",
                Span::seconds(1),
                "1s",
                hls.target_duration_min,
            ),
            (
                "hls.target_duration_max",
                hls.target_duration_min,
                "hls.target_duration_min",
                hls.target_duration_max,
            ),
        ];
        for (key, least, least_key, value) in ordered {
            if value < least {
                return Err(Error::Config(format!(
                    "`{key}` = {value} must be at least `{least_key}`"
                )));
            }
        }
        let cards_max = cues::TimelineConfig::CARDS_MAX_LIMIT;
        if self.cues.cards_max > cards_max {
            return Err(Error::Config(format!(
                "`cues.cards_max` must be at most {cards_max}"
            )));
        }
        if self.transcoder.repair_percent > 100 {
            return Err(Error::Config(
                "`transcoder.repair_percent` must be at most 100".to_owned(),
            ));
        }
        CueRule::resolve_all(&self.rtmp.cue_rules)?;
        self.webhooks.resolve().map(drop)
    }
}

impl Config {
    /// The certificate's files, when there is TLS.
    pub(crate) fn tls(&self) -> Option<Files> {
        let Http {
            tls_certificate,
            tls_key,
            ..
        } = &self.http;
        (!tls_certificate.is_empty()).then(|| Files {
            certificate: tls_certificate.into(),
            key: tls_key.into(),
        })
    }

    fn check_tls(&self) -> Result<(), Error> {
        let http = &self.http;
        let lacking = match (http.tls_certificate.is_empty(), http.tls_key.is_empty()) {
            (false, true) => "`http.tls_key` is empty and `http.tls_certificate` is not; set both",
            (true, false) => "`http.tls_certificate` is empty and `http.tls_key` is not; set both",
            (true, true) if self.rtmp.tls_listen.0.is_some() => {
                "`rtmp.tls_listen` needs `http.tls_certificate` and `http.tls_key`"
            }
            (true, true) | (false, false) => return Ok(()),
        };
        Err(Error::Config(lacking.into()))
    }
}

/// One line a reader can act on: the key, what was found and what was expected.
fn describe(errors: figment::Error) -> String {
    let one = |error: figment::Error| {
        let source = error
            .metadata
            .as_ref()
            .map_or_else(String::new, |metadata| {
                let place = metadata.source.as_ref().map(|source| format!(" {source}"));
                format!(" (from {}{})", metadata.name, place.unwrap_or_default())
            });
        let mut path = error.path.clone();
        if let figment::error::Kind::UnknownField(name, _) = &error.kind
            && path.last() != Some(name)
        {
            path.push(name.clone());
        }
        format!("`{}`: {}{source}", path.join("."), error.kind)
    };
    errors.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
