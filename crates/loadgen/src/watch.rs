//! `shopcast-load watch`: many viewers for a while, and what came to them.

use std::{sync::Arc, time::Duration};

use crate::{
    clock, hls,
    report::{self, Report},
    whep,
};

/// Watches one stream with many viewers and prints what they saw.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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

/// Runs until the time is over.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let report = Arc::new(Report::new(args.whep, args.hls));
    let until = clock::now() + Duration::from_secs(args.seconds);
    let mut viewers = tokio::task::JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / args.joins_per_second.max(1));
    for n in 0..args.whep + args.hls {
        pace.tick().await;
        let (server, stream, report) = (
            args.server.clone(),
            args.stream.clone(),
            Arc::clone(&report),
        );
        if n < args.whep {
            viewers.spawn(async move {
                report.whep_ended(whep::watch(&server, &stream, until, &report).await);
            });
        } else {
            viewers.spawn(async move {
                report.hls_ended(hls::watch(&server, &stream, until, &report).await);
            });
        }
    }
    let progress = tokio::spawn(report::progress(Arc::clone(&report)));
    while viewers.join_next().await.is_some() {}
    progress.abort();
    report.print();
    Ok(())
}
