//! The `[webhooks]` section, and the endpoints it describes.

use std::{collections::BTreeSet, fs, net::IpAddr};

use axum::http::Uri;
use serde::{Deserialize, Serialize};
use webhooks::{EventType, Scope};

use super::{secret::Secret, units::Span};
use crate::{Error, io::webhooks::Endpoint};

/// Who is told what happens to streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// The receivers.
    pub endpoints: Vec<WebhookEndpoint>,
    /// Receivers may be on this machine or network, and without TLS.
    pub allow_private: bool,
    /// Deliveries that may wait at once, per endpoint.
    pub pending_max: usize,
    /// How long deliveries that have ended are kept.
    pub keep: Span,
    /// How many deliveries that have ended are kept.
    pub log_max: usize,
}

/// One receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    /// Its name here, in logs, metrics and the API.
    pub name: String,
    /// Where messages are posted to.
    pub url: String,
    /// What they are signed with: `whsec_…` or `whsk_…`, several separated by spaces.
    #[serde(default)]
    pub secret: Secret,
    /// A file that holds the same.
    #[serde(default)]
    pub secret_file: String,
    /// The events it is told; none means all.
    #[serde(default)]
    pub events: Vec<String>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            allow_private: false,
            pending_max: 10_000,
            keep: Span::seconds(7 * 24 * 3600),
            log_max: 10_000,
        }
    }
}

impl Webhooks {
    /// The endpoints, with their secrets read.
    ///
    /// # Errors
    /// One is not usable; the error names it and what to change.
    pub(crate) fn resolve(&self) -> Result<Vec<Endpoint>, Error> {
        if self.pending_max < PENDING_MAX_LEAST {
            return Err(Error::Config(format!(
                "`webhooks.pending_max` must be at least {PENDING_MAX_LEAST}"
            )));
        }
        if self.endpoints.len() > ENDPOINTS_MAX {
            return Err(Error::Config(format!(
                "`webhooks.endpoints` has {} entries, at most {ENDPOINTS_MAX} are served",
                self.endpoints.len()
            )));
        }
        let mut names = BTreeSet::new();
        let one = |(index, endpoint): (usize, &WebhookEndpoint)| {
            let resolved = endpoint.resolve(self.allow_private).and_then(|resolved| {
                let unique = names.insert(endpoint.name.clone());
                unique
                    .then_some(resolved)
                    .ok_or_else(|| "`name`: another endpoint has the same".into())
            });
            let named = |wrong: String| {
                let name: String = endpoint.name.chars().take(NAME_MAX).collect();
                Error::Config(format!("`webhooks.endpoints` [{index}] `{name}`: {wrong}"))
            };
            resolved.map_err(named)
        };
        self.endpoints.iter().enumerate().map(one).collect()
    }
}

impl WebhookEndpoint {
    fn resolve(&self, allow_private: bool) -> Result<Endpoint, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=NAME_MAX).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err("`name` must be 1 to 64 of A-Z a-z 0-9 _ -".into());
        }
        let events: Result<BTreeSet<EventType>, String> =
            self.events.iter().map(|name| name.parse()).collect();
        let mut events = events.map_err(|wrong| format!("`events`: {wrong}"))?;
        if events.is_empty() {
            events.extend(EventType::ALL);
        }
        Ok(Endpoint {
            name: self.name.as_str().into(),
            uri: uri(&self.url, allow_private).map_err(|wrong| format!("`url`: {wrong}"))?,
            secrets: self.secrets()?.into(),
            events,
        })
    }

    fn secrets(&self) -> Result<Vec<webhooks::Secret>, String> {
        let (key, text) = match (self.secret.0.as_str(), self.secret_file.as_str()) {
            ("", "") => return Err("`secret` or `secret_file` is missing".into()),
            ("", path) => {
                let read = fs::read_to_string(path);
                let text = read.map_err(|error| format!("`secret_file` = {path}: {error}"))?;
                ("secret_file", text)
            }
            (secret, "") => ("secret", secret.to_owned()),
            _ => return Err("give `secret` or `secret_file`, not both".into()),
        };
        let secrets = text.split_whitespace().map(webhooks::Secret::parse);
        let secrets = secrets.collect::<Result<Vec<_>, _>>();
        let secrets = secrets.map_err(|wrong| format!("`{key}`: {wrong}"))?;
        if !(1..=SECRETS_MAX).contains(&secrets.len()) {
            let found = secrets.len();
            return Err(format!(
                "`{key}` holds {found} secrets; give one, or up to {SECRETS_MAX} while they are rotated"
            ));
        }
        Ok(secrets)
    }
}

/// The address, if messages may go there at all. Names are looked up, and judged, at each attempt.
fn uri(text: &str, allow_private: bool) -> Result<Uri, String> {
    if text.len() > URL_MAX || text.contains('#') {
        return Err(format!(
            "must be an absolute URL of at most {URL_MAX} bytes without a fragment"
        ));
    }
    let uri: Uri = text.parse().map_err(|wrong| format!("{wrong}"))?;
    let host = uri.host().filter(|host| !host.is_empty());
    let host = host.ok_or("must be an absolute URL, for example https://shop.example/webhooks")?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("must hold no user name or password; receivers check the signature".into());
    }
    // What is no port would silently be the scheme's own.
    if authority != host && uri.port_u16().is_none() {
        return Err("its port is not one; use 1 to 65535".into());
    }
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if allow_private => {}
        Some("http") => {
            return Err(
                "must be https; `webhooks.allow_private` = true allows http for development".into(),
            );
        }
        _ => return Err("must begin with https://".into()),
    }
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = literal.parse::<IpAddr>() {
        allowed(address, allow_private)?;
    }
    Ok(uri)
}

/// Whether messages may go to `address`; the error says why not.
pub(crate) fn allowed(address: IpAddr, allow_private: bool) -> Result<(), String> {
    match Scope::of(address) {
        Scope::Public => Ok(()),
        Scope::Private if allow_private => Ok(()),
        Scope::Private => Err(format!(
            "{address} is an address of this machine or network; `webhooks.allow_private` = true allows it"
        )),
        Scope::Forbidden => Err(format!(
            "{address} is link-local, a metadata service, or no receiver's address, which is never allowed"
        )),
    }
}

/// Longest name, as that of a stream.
const NAME_MAX: usize = 64;
const URL_MAX: usize = 2048;
/// Each costs a place in every event's transaction and up to four sockets.
const ENDPOINTS_MAX: usize = 16;
/// The new and the old one, of both kinds.
const SECRETS_MAX: usize = 4;
/// Twice what may be under way at once.
const PENDING_MAX_LEAST: usize = 8;

#[cfg(test)]
mod tests {
    use figment::{
        Figment,
        providers::{Format, Toml},
    };

    use super::*;
    use crate::config::Config;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn load(text: &str) -> Result<Vec<Endpoint>, String> {
        let config = Config::from_layers(&Figment::from(Toml::string(text)));
        config
            .and_then(|config| config.webhooks.resolve())
            .map_err(|error| error.to_string())
    }

    fn endpoint(lines: &str) -> String {
        format!("[[webhooks.endpoints]]\nname = \"shop\"\n{lines}\n")
    }

    fn with_url(url: &str, allow_private: bool) -> Result<Vec<Endpoint>, String> {
        let endpoint = endpoint(&format!("url = \"{url}\"\nsecret = \"{SECRET}\""));
        load(&format!(
            "[webhooks]\nallow_private = {allow_private}\n{endpoint}"
        ))
    }

    #[test]
    fn an_endpoint_has_all_events_unless_it_names_some() {
        let all = with_url("https://shop.example/hooks?key=1", false).unwrap();
        assert_eq!(all[0].events.len(), EventType::ALL.len());
        let lines = format!(
            "url = \"https://shop.example\"\nsecret = \"{SECRET} {SECRET}\"\nevents = [\"stream.ended\"]"
        );
        let some = load(&endpoint(&lines)).unwrap();
        assert_eq!(
            some[0].events.iter().collect::<Vec<_>>(),
            [&EventType::StreamEnded]
        );
        assert_eq!(some[0].secrets.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_endpoint() {
        let url = "url = \"https://shop.example\"";
        for (lines, about) in [
            (url.to_owned(), "`secret_file` is missing"),
            (
                format!("{url}\nsecret = \"hunter2\""),
                "`secret`: a secret begins with",
            ),
            (
                format!("{url}\nsecret_file = \"/no/such/file\""),
                "/no/such/file",
            ),
            (
                format!("{url}\nsecret = \"{SECRET}\"\nsecret_file = \"x\""),
                "not both",
            ),
            (format!("{url}\nsecret = \" \""), "holds 0 secrets"),
            (
                format!("{url}\nsecret = \"{SECRET}\"\nevents = [\"stream.lives\"]"),
                "`stream.lives` is not an event",
            ),
            (format!("{url}\nsecret = \"{SECRET}\"\nevent = []"), "event"),
            (format!("secret = \"{SECRET}\""), "url"),
        ] {
            let said = load(&endpoint(&lines)).unwrap_err();
            assert!(
                said.contains("webhooks.endpoints") && said.contains(about),
                "{said}"
            );
            assert!(
                !said.contains("hunter2") && !said.contains(SECRET),
                "{said}"
            );
        }
        let twice = endpoint(&format!("{url}\nsecret = \"{SECRET}\"")).repeat(2);
        assert!(
            load(&twice)
                .unwrap_err()
                .contains("another endpoint has the same")
        );
        let said = load("[webhooks]\npending_max = 1").unwrap_err();
        assert!(said.contains("webhooks.pending_max"), "{said}");
    }

    #[test]
    fn an_address_of_this_network_needs_leave_and_a_metadata_service_has_none() {
        for url in [
            "http://shop.example/",
            "http://127.0.0.1:9000/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://10.1.2.3/",
            "https://[::ffff:192.168.0.1]/",
        ] {
            let said = with_url(url, false).unwrap_err();
            assert!(
                said.contains("`url`") && said.contains("allow_private"),
                "{said}"
            );
            assert!(with_url(url, true).is_ok(), "{url}");
        }
        for url in [
            "https://169.254.169.254/",
            "https://[fe80::1]/",
            "https://0.0.0.0/",
        ] {
            assert!(
                with_url(url, true).unwrap_err().contains("never allowed"),
                "{url}"
            );
        }
        for url in [
            "shop.example",
            "/hooks",
            "ftp://shop.example/",
            "https://u:p@shop.example/",
            "https://shop.example/#x",
            "https://",
            "https://shop.example:99999/",
        ] {
            assert!(with_url(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn secrets_are_shown_nowhere() {
        let text = endpoint(&format!(
            "url = \"https://shop.example\"\nsecret = \"{SECRET}\""
        ));
        let config = Config::from_layers(&Figment::from(Toml::string(&text))).unwrap();
        let shown = format!("{config:?} {}", toml::to_string(&config).unwrap());
        assert!(shown.contains("***") && !shown.contains(SECRET), "{shown}");
        let endpoints = config.webhooks.resolve().unwrap();
        assert!(!format!("{endpoints:?}").contains(&SECRET[6..]));
    }

    #[test]
    fn a_file_holds_secrets_as_words() {
        let file = std::env::temp_dir().join(format!("shopcast-{:016x}", rand::random::<u64>()));
        fs::write(&file, format!("{SECRET}\n{SECRET}\n")).unwrap();
        let path = file.display();
        let lines = format!("url = \"https://shop.example\"\nsecret_file = \"{path}\"");
        let found = load(&endpoint(&lines)).map(|endpoints| endpoints[0].secrets.len());
        fs::remove_file(&file).unwrap();
        assert_eq!(found, Ok(2));
    }
}
