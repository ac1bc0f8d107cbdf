//! The arrows between crates are those of `docs/ARCHITECTURE.md`, and what is pure stays pure.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::collections::{BTreeMap, BTreeSet};

use tidy::{files, root, text};

/// For each crate, the crates of ours it may depend on. A new arrow is an ADR.
const ARROWS: &[(&str, &[&str])] = &[
    ("media", &[]),
    ("access", &["media"]),
    ("cues", &["media"]),
    ("rtmp", &["media"]),
    ("sfu", &["media"]),
    ("transcode", &["media"]),
    ("hls", &["media", "cues"]),
    (
        "engine",
        &["media", "cues", "rtmp", "sfu", "transcode", "hls"],
    ),
    ("transcoder", &["media", "transcode"]),
    ("webhooks", &["media"]),
    (
        "server",
        &[
            "media",
            "access",
            "cues",
            "rtmp",
            "sfu",
            "transcode",
            "hls",
            "engine",
            "webhooks",
        ],
    ),
    ("loadgen", &[]),
    ("tidy", &[]),
];

/// Crates that only decide: no runtime, no socket, no clock.
const PURE: &[&str] = &[
    "media",
    "access",
    "cues",
    "rtmp",
    "sfu",
    "hls",
    "transcode",
    "engine",
    "webhooks",
];

/// Packages only some crates may use.
const FENCED: &[(&str, &[&str])] = &[
    ("tokio", &["server", "loadgen"]),
    ("axum", &["server"]),
    ("hyper-rustls", &["server"]),
    ("gstreamer", &["transcoder"]),
    ("gstreamer-app", &["transcoder"]),
    ("landlock", &["transcoder"]),
    ("seccompiler", &["transcoder"]),
    ("str0m", &["sfu", "loadgen"]),
];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for manifest in files(&root().join("crates"), "Cargo.toml")
        .iter()
        .chain(&[root().join("tests/tidy/Cargo.toml")])
    {
        let parsed: toml::Table = text(manifest).parse().unwrap();
        let name = parsed["package"]["name"].as_str().unwrap().to_owned();
        let names = parsed
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .map(|t| t.keys().cloned().collect());
        all.insert(name, names.unwrap_or_default());
    }
    all
}

#[test]
fn every_arrow_is_an_agreed_one() {
    let ours: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    for (name, uses) in dependencies() {
        let allowed = ours
            .get(name.as_str())
            .unwrap_or_else(|| panic!("crate `{name}` is not in ARROWS"));
        for used in uses.iter().filter(|used| ours.contains_key(used.as_str())) {
            assert!(
                allowed.contains(&used.as_str()),
                "`{name}` may not depend on `{used}`"
            );
        }
    }
}

#[test]
fn fenced_packages_stay_where_they_belong() {
    for (name, uses) in dependencies() {
        for (package, allowed) in FENCED {
            assert!(
                !uses.contains(*package) || allowed.contains(&name.as_str()),
                "`{name}` may not depend on `{package}`"
            );
        }
    }
}

#[test]
fn pure_crates_read_no_clock_and_open_no_socket() {
    const IMPURE: &[&str] = &[
        "std::net::TcpStream",
        "std::net::UdpSocket",
        "std::thread",
        "std::fs",
        "std::process",
        "Mutex<",
        "async fn",
    ];
    for name in PURE {
        for file in files(&root().join("crates").join(name).join("src"), ".rs") {
            let text = text(&file);
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in IMPURE {
                let found = code
                    .lines()
                    .any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
                assert!(
                    !found,
                    "{} uses `{word}`; only `server` does I/O",
                    file.display()
                );
            }
        }
    }
}
