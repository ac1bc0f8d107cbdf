//! One LL-HLS viewer: blocking reloads of both renditions at the live edge, every part fetched.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use tokio::time::timeout_at;

use crate::{clock, http::Http, playlist::Playlist, report::Report};

/// What a viewer of a rendition meets.
#[derive(Debug)]
pub(crate) enum Met<'a> {
    /// The initialisation segment.
    Init(&'a [u8]),
    /// A part.
    Part(&'a [u8]),
    /// A blocking reload, and how long it took.
    Reload(Duration),
}

/// Watches until `until`; an error is what a player would have called fatal.
pub(crate) async fn watch(
    server: &str,
    stream: &str,
    until: Instant,
    report: &Report,
) -> anyhow::Result<()> {
    let http = Http::new(server);
    let meet = |_: &str, met: Met<'_>| report.hls(&met);
    timeout_at(until.into(), watch_with(&http, stream, true, &meet))
        .await
        .unwrap_or_else(|_elapsed| Ok(()))
}

/// Watches until the stream ends: the picture, and the sound with `audio` or where there is nothing else. `meet` is told
/// the rendition and what came.
pub(crate) async fn watch_with(
    http: &Http,
    stream: &str,
    audio: bool,
    meet: &(impl Fn(&str, Met<'_>) + Sync),
) -> anyhow::Result<()> {
    let index = http.get(&format!("/hls/{stream}/index.m3u8")).await?;
    if !index.status.is_success() {
        bail!("index.m3u8: {}", index.status);
    }
    let index = String::from_utf8_lossy(&index.body).into_owned();
    let listed = |name: &str| index.contains(name);
    let rendition = |name| follow(http, stream, name, meet);
    match (listed("video.m3u8"), listed("audio.m3u8")) {
        (true, true) if audio => {
            tokio::try_join!(rendition("video"), rendition("audio")).map(|_| ())
        }
        (true, _) => rendition("video").await,
        (false, _) => rendition("audio").await,
    }
}

async fn follow(
    http: &Http,
    stream: &str,
    name: &str,
    meet: &(impl Fn(&str, Met<'_>) + Sync),
) -> anyhow::Result<()> {
    let base = format!("/hls/{stream}/");
    let mut playlist = load(http, &format!("{base}{name}.m3u8")).await?;
    let map = playlist.map.take().context("no EXT-X-MAP")?;
    meet(
        name,
        Met::Init(&fetch(http, &format!("{base}{map}")).await?),
    );
    // Join like a player: the newest parts, then each as it comes.
    let mut seen = playlist
        .parts
        .len()
        .checked_sub(3)
        .map(|at| (playlist.parts[at].0, playlist.parts[at].1));
    while !playlist.ended {
        for (msn, part, uri) in &playlist.parts {
            if seen.is_some_and(|seen| (*msn, *part) <= seen) {
                continue;
            }
            meet(
                name,
                Met::Part(&fetch(http, &format!("{base}{uri}")).await?),
            );
            seen = Some((*msn, *part));
        }
        let (msn, part) = playlist.next;
        let asked = clock::now();
        let path = format!("{base}{name}.m3u8?_HLS_msn={msn}&_HLS_part={part}&_HLS_skip=YES");
        playlist = load(http, &path).await?;
        meet(name, Met::Reload(clock::now() - asked));
    }
    Ok(())
}

async fn load(http: &Http, path: &str) -> anyhow::Result<Playlist> {
    let answer = http.get(path).await?;
    if !answer.status.is_success() {
        bail!("{path}: {}", answer.status);
    }
    Playlist::parse(&String::from_utf8_lossy(&answer.body))
        .with_context(|| format!("{path}: no playlist"))
}

async fn fetch(http: &Http, path: &str) -> anyhow::Result<Bytes> {
    let answer = http.get(path).await?;
    if !answer.status.is_success() || answer.body.is_empty() {
        bail!("{path}: {}, {} bytes", answer.status, answer.body.len());
    }
    Ok(answer.body)
}
