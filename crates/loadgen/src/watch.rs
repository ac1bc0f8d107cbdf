//! `shopcast-load watch`: many viewers for a while, and what came to them.

use std::{sync::Arc, time::Duration};

use crate::{
    audience::Audience,
    clock, hls,
    report::{self, Report},
    whep,
};

/// Watches one stream with many viewers and prints what they saw.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    audience: Audience,
    /// Seconds to watch, joins included.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Runs until the time is over.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { audience, seconds } = args;
    let report = Arc::new(Report::new(audience.whep, audience.hls));
    let until = clock::now() + Duration::from_secs(seconds);
    let mut viewers = tokio::task::JoinSet::new();
    let mut pace = tokio::time::interval(audience.pause());
    for n in 0..audience.whep + audience.hls {
        pace.tick().await;
        let (server, stream, report) = (
            audience.server.clone(),
            audience.stream.clone(),
            Arc::clone(&report),
        );
        if n < audience.whep {
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
