//! What all viewers saw together.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{clock, hls::Met, whep::Seen};

/// Errors quoted in the report; the count is always whole.
const ERRORS_QUOTED_MAX: usize = 8;

/// Counters shared by all viewers, and what each leaves behind.
#[derive(Debug)]
pub(crate) struct Report {
    started: Instant,
    started_utc: Duration,
    wanted: (usize, usize),
    packets: AtomicU64,
    packet_bytes: AtomicU64,
    parts: AtomicU64,
    hls_bytes: AtomicU64,
    ended: Mutex<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    whep_ok: u64,
    hls_ok: u64,
    errors: u64,
    quoted: Vec<String>,
    lost: u64,
    first_packet_ms: Vec<u64>,
    first_key_ms: Vec<u64>,
    silence_ms: Vec<u64>,
    reload_ms: Vec<u64>,
}

impl Report {
    pub(crate) fn new(whep: usize, hls: usize) -> Self {
        Self {
            started: clock::now(),
            started_utc: clock::utc(),
            wanted: (whep, hls),
            packets: AtomicU64::new(0),
            packet_bytes: AtomicU64::new(0),
            parts: AtomicU64::new(0),
            hls_bytes: AtomicU64::new(0),
            ended: Mutex::default(),
        }
    }

    pub(crate) fn packet(&self, bytes: usize) {
        self.packets.fetch_add(1, Relaxed);
        self.packet_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn hls(&self, met: &Met<'_>) {
        match met {
            Met::Init(bytes) => {
                self.hls_bytes.fetch_add(bytes.len() as u64, Relaxed);
            }
            Met::Part(bytes) => {
                self.parts.fetch_add(1, Relaxed);
                self.hls_bytes.fetch_add(bytes.len() as u64, Relaxed);
            }
            Met::Reload(took) => self.with(|ended| ended.reload_ms.push(ms(*took))),
        }
    }

    pub(crate) fn whep_seen(&self, posted: Instant, seen: &Seen) {
        let (first, key) = seen.join(posted);
        self.with(|ended| {
            ended.lost += seen.lost();
            ended.first_packet_ms.extend(first.map(ms));
            ended.first_key_ms.extend(key.map(ms));
            ended.silence_ms.push(ms(seen.longest_silence()));
            if seen.packets() == 0 {
                ended.fail("a WHEP viewer received no packet".to_owned());
            }
        });
    }

    pub(crate) fn whep_ended(&self, result: anyhow::Result<()>) {
        self.with(|ended| match result {
            Ok(()) => ended.whep_ok += 1,
            Err(error) => ended.fail(format!("whep: {error:#}")),
        });
    }

    pub(crate) fn hls_ended(&self, result: anyhow::Result<()>) {
        self.with(|ended| match result {
            Ok(()) => ended.hls_ok += 1,
            Err(error) => ended.fail(format!("hls: {error:#}")),
        });
    }

    fn with(&self, change: impl FnOnce(&mut Ended)) {
        // A viewer that panicked has left plain numbers behind, which are still worth reporting.
        change(
            &mut self
                .ended
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }

    #[allow(
        clippy::print_stdout,
        reason = "the report is what this program is for"
    )]
    pub(crate) fn print(&self) {
        let mut summary = Value::Null;
        self.with(|ended| {
            summary = json!({
                "started_unix_ms": ms(self.started_utc),
                "seconds": self.started.elapsed().as_secs(),
                "whep": {
                    "viewers": self.wanted.0, "watched_to_the_end": ended.whep_ok,
                    "packets": self.packets.load(Relaxed), "bytes": self.packet_bytes.load(Relaxed), "lost": ended.lost,
                    "first_packet_ms": spread(&mut ended.first_packet_ms),
                    "first_key_frame_ms": spread(&mut ended.first_key_ms),
                    "longest_silence_ms": spread(&mut ended.silence_ms),
                },
                "hls": {
                    "viewers": self.wanted.1, "watched_to_the_end": ended.hls_ok,
                    "parts": self.parts.load(Relaxed), "bytes": self.hls_bytes.load(Relaxed),
                    "blocking_reload_ms": spread(&mut ended.reload_ms),
                },
                "errors": ended.errors,
                "errors_quoted": ended.quoted,
            });
        });
        println!("{summary:#}");
    }
}

impl Ended {
    fn fail(&mut self, error: String) {
        self.errors += 1;
        if self.quoted.len() < ERRORS_QUOTED_MAX {
            self.quoted.push(error);
        }
    }
}

/// Prints a line to standard error every ten seconds.
pub(crate) async fn progress(report: Arc<Report>) {
    let mut pace = tokio::time::interval(Duration::from_secs(10));
    loop {
        pace.tick().await;
        let (packets, parts) = (report.packets.load(Relaxed), report.parts.load(Relaxed));
        let mut errors = 0;
        report.with(|ended| errors = ended.errors);
        eprintln!(
            "{} s: {packets} packets, {parts} parts, {errors} errors",
            report.started.elapsed().as_secs()
        );
    }
}

/// Median, 99th percentile and maximum.
fn spread(values: &mut [u64]) -> Value {
    values.sort_unstable();
    let at = |percent: usize| {
        values.get((values.len() * percent / 100).min(values.len().saturating_sub(1)))
    };
    json!({ "count": values.len(), "p50": at(50), "p99": at(99), "max": values.last() })
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
