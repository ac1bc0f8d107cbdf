//! Where the pictures of cards may come from.

use super::problem::{Kind, Problem};

/// Hosts that cards may name, besides the page's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct ImageHosts {
    any: bool,
    hosts: Vec<String>,
}

impl ImageHosts {
    /// `*` is any, `*.example.com` every name below it.
    pub(crate) fn new(hosts: &[String]) -> Self {
        Self {
            any: hosts.iter().any(|host| host == "*"),
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        }
    }

    /// Refuses an `https` URL whose host is not listed. What is no such URL is judged with the rest of the cue.
    pub(super) fn check(&self, image: &str) -> Result<(), Problem> {
        let Some(rest) = image.strip_prefix("https://") else {
            return Ok(());
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        if self.any || self.lists(&host.to_ascii_lowercase()) {
            return Ok(());
        }
        let shown: String = host.chars().take(100).collect();
        let detail = format!(
            "`payload.image` names the host `{shown}`, which is not listed in `cues.image_hosts`; list it there, or send \
             a path of the page's own origin"
        );
        Err(Problem::new(Kind::InvalidField, detail))
    }

    fn lists(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|listed| match listed.strip_prefix("*.") {
                Some(domain) => host
                    .strip_suffix(domain)
                    .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
                None => listed == host,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(hosts: &[&str], image: &str) -> bool {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        ImageHosts::new(&hosts).check(image).is_ok()
    }

    #[test]
    fn only_listed_hosts_and_the_pages_own() {
        assert!(takes(&[], "/mug.png"));
        assert!(!takes(&[], "https://img.example/mug.png"));
        assert!(takes(&["img.example"], "https://img.example/mug.png"));
        assert!(takes(&["IMG.example"], "https://img.EXAMPLE:8443?mug"));
        assert!(!takes(
            &["img.example"],
            "https://img.example.evil.example/mug.png"
        ));
        assert!(!takes(
            &["img.example"],
            "https://evil.example/?img.example"
        ));
        assert!(takes(&["*.example"], "https://a.img.example/"));
        for other in [
            "https://example/",
            "https://.example/",
            "https://badexample/",
        ] {
            assert!(!takes(&["*.example"], other), "{other}");
        }
        assert!(takes(&["*"], "https://anything.test/"));
    }
}
