//! `shopcast-load swarm`: many viewers that record when each cue reached them, and when the frame it is for did.
//!
//! Everything is measured by one monotonic clock, where the viewers are: the margin of a cue is the time from its
//! arrival at a viewer to the arrival of the first frame at or past its threshold at the same viewer.

mod log;
mod message;
mod outcome;
mod part;
mod poster;
mod sse;
mod viewer;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::{
    net::lookup_host,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use crate::{audience::Audience, clock, http::Http};
use outcome::{Outcome, Posted};
use viewer::{Place, Protocol, Viewer};

/// Errors quoted in the report; the count is always whole.
const ERRORS_QUOTED_MAX: usize = 8;
const PROGRESS: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);
/// How often the swarm looks whether it is behind itself.
const TICK: Duration = Duration::from_millis(20);

/// Watches one stream with many viewers and tells whether each cue reached each of them before its frame.
///
/// Ends with 1 when a viewer failed or lacked something that it was to have; late cues are counted and no failure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    audience: Audience,
    /// Cues to insert once all have joined; without any, the swarm only watches.
    #[arg(long, default_value_t = 0)]
    cues: u32,
    /// Time from one cue to the next, ms.
    #[arg(long, default_value_t = 1000)]
    every: u64,
    /// Ask for thresholds so far ahead, ms; 0: as soon as the server takes them.
    #[arg(long, default_value_t = 0)]
    ahead: u64,
    /// How long to watch without `--cues`, in seconds from the last join.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How long to wait for all to have joined, and again for what the last cue is to bring, in seconds.
    #[arg(long, default_value_t = 20)]
    patience: u64,
    /// Token for inserting cues.
    #[arg(long, env = "SHOPCAST_LOAD_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Token for watching.
    #[arg(long)]
    watch_token: Option<String>,
    /// Picture only: WHEP offers no sound, LL-HLS loads no sound.
    #[arg(long)]
    no_audio: bool,
    /// WHEP viewers send media there, for example to `shopcast-load impair`, not to where the answer says.
    #[arg(long)]
    via: Option<String>,
}

/// The swarm while it runs.
#[derive(Debug)]
struct Swarm {
    viewers: Vec<Arc<Viewer>>,
    place: Place,
    posted: Mutex<BTreeMap<u64, Posted>>,
    errors: Mutex<Vec<String>>,
    /// The longest that this process itself was kept waiting, ms: what it saw may be as much too late.
    behind_ms_max: AtomicU64,
}

/// Runs it; `false` when something was missed.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let swarm = Arc::new(Swarm::new(&args).await?);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let progress = tokio::spawn(Arc::clone(&swarm).tell_progress());
    let ticks = tokio::spawn(Arc::clone(&swarm).look_at_itself());
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        () = swarm.go(&args, &mut tasks, &stopped) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.send_replace(true);
    while tasks.join_next().await.is_some() {}
    progress.abort();
    ticks.abort();
    Ok(swarm.report())
}

impl Swarm {
    async fn new(args: &Args) -> anyhow::Result<Self> {
        let via = match &args.via {
            Some(via) => lookup_host(via).await.with_context(|| via.clone())?.next(),
            None => None,
        };
        let place = Place {
            http: Http::new(&args.audience.server).with_token(args.watch_token.as_deref()),
            stream: args.audience.stream.clone(),
            audio: !args.no_audio,
            via,
            started: clock::now(),
        };
        Ok(Self {
            viewers: mixed(args.audience.whep, args.audience.hls)
                .map(|protocol| Arc::new(Viewer::new(protocol)))
                .collect(),
            place,
            posted: Mutex::default(),
            errors: Mutex::default(),
            behind_ms_max: AtomicU64::new(0),
        })
    }

    /// Everything, in its order.
    async fn go(
        self: &Arc<Self>,
        args: &Args,
        tasks: &mut JoinSet<()>,
        stopped: &watch::Receiver<bool>,
    ) {
        let mut pace = tokio::time::interval(args.audience.pause());
        for viewer in &self.viewers {
            pace.tick().await;
            let (swarm, viewer, mut stopped) =
                (Arc::clone(self), Arc::clone(viewer), stopped.clone());
            tasks.spawn(async move {
                let stop = async {
                    // The sender lives as long as the swarm.
                    let _ = stopped.wait_for(|stopped| *stopped).await;
                };
                if let Err(error) = viewer.watch(&swarm.place, stop).await {
                    swarm.fail(format!("{:?}: {error:#}", viewer.protocol));
                }
            });
        }
        let patience = Duration::from_secs(args.patience);
        self.wait(patience, |viewer| viewer.log().is_ready()).await;
        if args.cues == 0 {
            tokio::time::sleep(Duration::from_secs(args.seconds)).await;
            return;
        }
        poster::post(self, args).await;
        let posted = self.posted();
        self.wait(patience, |viewer| {
            outcome::is_settled(&viewer.log(), &posted, viewer.protocol == Protocol::Hls)
        })
        .await;
    }

    /// Until `is` of every viewer, or for `patience`.
    async fn wait(&self, patience: Duration, is: impl Fn(&Viewer) -> bool) {
        let deadline = clock::now() + patience;
        while clock::now() < deadline && !self.viewers.iter().all(|viewer| is(viewer)) {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn posted(&self) -> BTreeMap<u64, Posted> {
        let posted = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        posted.clone()
    }

    fn remember(&self, seq: u64, posted: Posted) {
        let mut all = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(seq, posted);
    }

    fn fail(&self, error: String) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.push(error);
    }

    fn errors(&self) -> Vec<String> {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.clone()
    }

    fn outcome(&self, protocol: Protocol, posted: &BTreeMap<u64, Posted>) -> Outcome {
        let logs: Vec<_> = self.of(protocol).map(|viewer| viewer.log()).collect();
        let logs: Vec<_> = logs.iter().map(|log| &**log).collect();
        Outcome::of(&logs, posted, protocol == Protocol::Hls)
    }

    fn of(&self, protocol: Protocol) -> impl Iterator<Item = &Viewer> {
        let viewers = self.viewers.iter().map(|viewer| &**viewer);
        viewers.filter(move |viewer| viewer.protocol == protocol)
    }

    /// A machine with too much to do makes cues and frames look late; the report says so.
    async fn look_at_itself(self: Arc<Self>) {
        loop {
            let before = clock::now();
            tokio::time::sleep(TICK).await;
            let behind = (clock::now() - before).saturating_sub(TICK).as_millis();
            let behind = u64::try_from(behind).unwrap_or(u64::MAX);
            self.behind_ms_max.fetch_max(behind, Relaxed);
        }
    }

    async fn tell_progress(self: Arc<Self>) {
        let mut pace = tokio::time::interval(PROGRESS);
        loop {
            pace.tick().await;
            let posted = self.posted();
            let ready = |protocol| {
                self.of(protocol)
                    .filter(|viewer| viewer.log().is_ready())
                    .count()
            };
            let (whep, hls) = (
                self.outcome(Protocol::Whep, &posted),
                self.outcome(Protocol::Hls, &posted),
            );
            eprintln!(
                "{} s: {} WHEP and {} LL-HLS viewers ready, {} cues posted, {} of {} arrived, {} late, {} errors",
                self.place.started.elapsed().as_secs(),
                ready(Protocol::Whep),
                ready(Protocol::Hls),
                posted.len(),
                whep.arrived + hls.arrived,
                whep.expected + hls.expected,
                whep.late + hls.late,
                self.errors().len(),
            );
        }
    }

    /// Prints the report; `false` when something was missed.
    #[allow(
        clippy::print_stdout,
        reason = "the report is what this program is for"
    )]
    fn report(&self) -> bool {
        let posted = self.posted();
        let mut errors = self.errors();
        let (whep, whep_good) = self.report_of(Protocol::Whep, &posted);
        let (hls, hls_good) = self.report_of(Protocol::Hls, &posted);
        let good = whep_good && hls_good && errors.is_empty();
        let count = errors.len();
        errors.truncate(ERRORS_QUOTED_MAX);
        let latest = posted.values().map(|posted| posted.late_by_ms).max();
        let report = json!({
            "good": good,
            "seconds": self.place.started.elapsed().as_secs_f64(),
            "cues": { "posted": posted.len(), "late_by_ms_max": latest },
            "whep": whep, "hls": hls,
            "behind_ms_max": self.behind_ms_max.load(Relaxed),
            "errors": count, "errors_quoted": errors,
        });
        println!("{report:#}");
        good
    }

    fn report_of(&self, protocol: Protocol, posted: &BTreeMap<u64, Posted>) -> (Value, bool) {
        let viewers: Vec<_> = self.of(protocol).collect();
        let ready = viewers
            .iter()
            .filter(|viewer| viewer.log().is_ready())
            .count();
        let sum =
            |count: fn(&Viewer) -> u64| viewers.iter().map(|viewer| count(viewer)).sum::<u64>();
        let received = sum(|viewer| viewer.received.load(Relaxed));
        let outcome = self.outcome(protocol, posted);
        let told = match protocol {
            Protocol::Whep => json!({
                "viewers": viewers.len(), "ready": ready, "packets": received,
                "lost": sum(|viewer| viewer.lost.load(Relaxed)), "cues": outcome.to_json(),
            }),
            Protocol::Hls => json!({
                "viewers": viewers.len(), "ready": ready, "parts": received,
                "reconnects": sum(|viewer| viewer.reconnects.load(Relaxed)), "cues": outcome.to_json(),
            }),
        };
        (told, ready == viewers.len() && outcome.lacking() == 0)
    }
}

/// Viewers of both protocols, evenly among each other.
fn mixed(whep: usize, hls: usize) -> impl Iterator<Item = Protocol> {
    let all = whep + hls;
    (0..all).map(move |n| {
        if (n + 1) * whep / all > n * whep / all {
            Protocol::Whep
        } else {
            Protocol::Hls
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_join_evenly() {
        for (whep, hls) in [(0, 0), (3, 0), (0, 2), (150, 150), (1, 7), (20, 3)] {
            let joins: Vec<_> = mixed(whep, hls).collect();
            let count = |some: &[Protocol]| some.iter().filter(|p| **p == Protocol::Whep).count();
            assert_eq!((count(&joins), joins.len()), (whep, whep + hls));
            let half = count(&joins[..joins.len() / 2]);
            assert!(half.abs_diff(whep / 2) <= 1, "{whep} {hls}: {half}");
        }
    }
}
