//! One LL-HLS viewer: blocking reloads of both renditions at the live edge, every part fetched.

use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::{clock, http::Http, playlist::Playlist, report::Report};

/// Watches until `until`; an error is what a player would have called fatal.
pub(crate) async fn watch(
    server: &str,
    stream: &str,
    until: Instant,
    report: &Report,
) -> anyhow::Result<()> {
    let http = Http::new(server);
    let index = http.get(&format!("/hls/{stream}/index.m3u8")).await?;
    if !index.status.is_success() {
        bail!("index.m3u8: {}", index.status);
    }
    let index = String::from_utf8_lossy(&index.body).into_owned();
    let listed = |name: &str| index.contains(name);
    let rendition = |name| follow(&http, stream, name, until, report);
    match (listed("video.m3u8"), listed("audio.m3u8")) {
        (true, true) => tokio::try_join!(rendition("video"), rendition("audio")).map(|_| ()),
        (true, false) => rendition("video").await,
        (false, _) => rendition("audio").await,
    }
}

async fn follow(
    http: &Http,
    stream: &str,
    name: &str,
    until: Instant,
    report: &Report,
) -> anyhow::Result<()> {
    let base = format!("/hls/{stream}/");
    let mut playlist = load(http, &format!("{base}{name}.m3u8")).await?;
    let map = playlist.map.take().context("no EXT-X-MAP")?;
    fetch(http, &format!("{base}{map}"), report).await?;
    // Join like a player: the newest parts, then each as it comes.
    let mut seen = playlist
        .parts
        .len()
        .checked_sub(3)
        .map(|at| (playlist.parts[at].0, playlist.parts[at].1));
    while clock::now() < until && !playlist.ended {
        for (msn, part, uri) in &playlist.parts {
            if seen.is_some_and(|seen| (*msn, *part) <= seen) {
                continue;
            }
            fetch(http, &format!("{base}{uri}"), report).await?;
            report.part();
            seen = Some((*msn, *part));
        }
        let (msn, part) = playlist.next;
        let asked = clock::now();
        let path = format!("{base}{name}.m3u8?_HLS_msn={msn}&_HLS_part={part}&_HLS_skip=YES");
        playlist = load(http, &path).await?;
        report.reload(clock::now() - asked);
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

async fn fetch(http: &Http, path: &str, report: &Report) -> anyhow::Result<()> {
    let answer = http.get(path).await?;
    if !answer.status.is_success() || answer.body.is_empty() {
        bail!("{path}: {}, {} bytes", answer.status, answer.body.len());
    }
    report.hls_bytes(answer.body.len());
    Ok(())
}
