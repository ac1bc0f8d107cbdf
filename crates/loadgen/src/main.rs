//! Viewers that load a server and report honest statistics, as JSON at the end.
//!
//! Every viewer is a real one: WHEP viewers run ICE, DTLS and SRTP and answer with receiver reports and NACKs; LL-HLS
//! viewers reload with blocking requests and fetch every part. What they count is what arrived.

mod clock;
mod hls;
mod http;
mod playlist;
mod report;
mod whep;

use std::{sync::Arc, time::Duration};

use clap::Parser;

use report::Report;

/// Watches one stream with many viewers and prints what they saw.
#[derive(Debug, Parser)]
#[command(name = "shopcast-load", version)]
struct Args {
    /// The server, for example `http://127.0.0.1:8080`.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The stream to watch.
    #[arg(long)]
    stream: String,
    /// WebRTC viewers.
    #[arg(long, default_value_t = 0)]
    whep: usize,
    /// LL-HLS viewers.
    #[arg(long, default_value_t = 0)]
    hls: usize,
    /// Seconds to watch, joins included.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Joins per second.
    #[arg(long, default_value_t = 20)]
    joins_per_second: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    str0m::crypto::from_feature_flags().install_process_default();
    let args = Args::parse();
    let report = Arc::new(Report::new(args.whep, args.hls));
    let until = clock::now() + Duration::from_secs(args.seconds);
    let mut viewers = tokio::task::JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / args.joins_per_second.max(1));
    for _ in 0..args.whep {
        pace.tick().await;
        let (server, stream, report) = (
            args.server.clone(),
            args.stream.clone(),
            Arc::clone(&report),
        );
        viewers.spawn(async move {
            report.whep_ended(whep::watch(&server, &stream, until, &report).await)
        });
    }
    for _ in 0..args.hls {
        pace.tick().await;
        let (server, stream, report) = (
            args.server.clone(),
            args.stream.clone(),
            Arc::clone(&report),
        );
        viewers.spawn(async move {
            report.hls_ended(hls::watch(&server, &stream, until, &report).await)
        });
    }
    let progress = tokio::spawn(report::progress(Arc::clone(&report)));
    while viewers.join_next().await.is_some() {}
    progress.abort();
    report.print();
    Ok(())
}
