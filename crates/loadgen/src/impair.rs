//! `shopcast-load impair`: a bad network in front of a UDP port, changed while it runs.
//!
//! The only I/O is here and in [`client`]; what becomes of a packet is decided in [`link`], which is told the time.

mod client;
mod counts;
mod flow;
mod link;
mod settings;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::{
    net::{UdpSocket, lookup_host},
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use client::Client;
use counts::Counts;
use settings::{Change, Settings};

/// Clients at once, each with a socket; the packets of others are counted and lost.
const CLIENTS_MAX: usize = 1024;
/// Packets a client's task has not looked at yet; what comes when it is full is lost, and counted.
const WAITING_MAX: usize = 1024;
const DATAGRAM_MAX: usize = 65_535;
/// Bytes; Linux gives as much without being asked twice.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A UDP proxy that loses, delays, reorders and doubles packets, and limits their rate.
///
/// Prints `{"listen", "target"}` when it is ready. Each line of standard input changes settings, as a JSON object:
/// `{"loss": 5, "delay_ms": 100}` in both directions, `{"up": {"loss": 5}}` towards the server, `{"down": {"block": true}}`
/// towards the clients; it prints the settings then in force. When standard input ends, and on SIGTERM and SIGINT, it
/// prints its report.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where clients send to; port 0 lets the system choose.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The server.
    #[arg(long)]
    target: String,
    /// What luck begins with: the same seed and the same packets have the same fate.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    both: Change,
    /// Settings towards the server alone, as JSON: `{"loss": 5}`.
    #[arg(long, value_parser = read_change)]
    up: Option<Change>,
    /// Settings towards the clients alone, as JSON.
    #[arg(long, value_parser = read_change)]
    down: Option<Change>,
}

/// The settings of both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Both {
    up: Settings,
    down: Settings,
}

/// One line of standard input.
#[derive(Debug, Default, Deserialize)]
struct Command {
    up: Option<Change>,
    down: Option<Change>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

fn read_change(text: &str) -> Result<Change, serde_json::Error> {
    serde_json::from_str(text)
}

impl Both {
    fn with(
        &self,
        both: &Change,
        up: Option<&Change>,
        down: Option<&Change>,
    ) -> anyhow::Result<Self> {
        let nothing = Change::default();
        Ok(Self {
            up: self.up.with(both)?.with(up.unwrap_or(&nothing))?,
            down: self.down.with(both)?.with(down.unwrap_or(&nothing))?,
        })
    }

    fn commanded(&self, line: &str) -> anyhow::Result<Self> {
        let Command { up, down, rest } = serde_json::from_str(line)?;
        let both: Change = serde_json::from_value(Value::Object(rest))?;
        self.with(&both, up.as_ref(), down.as_ref())
    }
}

/// Runs until standard input ends or a signal comes.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let both = Both::default().with(&args.both, args.up.as_ref(), args.down.as_ref())?;
    let target = lookup_host(&args.target)
        .await
        .with_context(|| args.target.clone())?
        .next()
        .with_context(|| format!("{} has no address", args.target))?;
    let listener = UdpSocket::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    widen(&listener);
    let (settings, _) = watch::channel(both);
    let mut proxy = Proxy {
        listener: Arc::new(listener),
        target,
        seed: args.seed,
        started: Instant::now(),
        settings,
        clients: BTreeMap::new(),
        tasks: JoinSet::new(),
        done: (Counts::default(), Counts::default()),
        seen: 0,
        refused: 0,
        congested: 0,
    };
    say(&json!({ "listen": proxy.listener.local_addr()?, "target": target }));
    proxy.carry().await?;
    say(&proxy.report().await);
    Ok(())
}

/// What is lost is to be lost by the settings and not in a socket's buffer. The system may give less.
fn widen(socket: &UdpSocket) {
    let _ = SockRef::from(socket).set_recv_buffer_size(RECEIVE_BUFFER);
}

#[allow(
    clippy::print_stdout,
    reason = "a line of standard output is how this program answers"
)]
fn say(value: &Value) {
    println!("{value}");
}

/// The lines of standard input, read on a thread of their own, since reading it cannot be given up.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The proxy and who uses it.
#[derive(Debug)]
struct Proxy {
    listener: Arc<UdpSocket>,
    target: SocketAddr,
    seed: u64,
    started: Instant,
    settings: watch::Sender<Both>,
    clients: BTreeMap<SocketAddr, mpsc::Sender<Bytes>>,
    tasks: JoinSet<(SocketAddr, (Counts, Counts))>,
    /// Of clients that are gone.
    done: (Counts, Counts),
    seen: u64,
    /// Packets of clients for which there was no place.
    refused: u64,
    /// Packets that came faster than a client's task took them.
    congested: u64,
}

impl Proxy {
    async fn carry(&mut self) -> anyhow::Result<()> {
        let (mut terminate, mut interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        let mut commands = lines();
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            tokio::select! {
                received = self.listener.recv_from(&mut buffer) => {
                    // Linux reports an ICMP error of an earlier packet here; clients come and go.
                    let Ok((length, from)) = received else { continue };
                    self.take(from, Bytes::copy_from_slice(&buffer[..length])).await?;
                }
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    let (address, counts) = ended?;
                    self.clients.remove(&address);
                    self.add(&counts);
                }
                line = commands.recv() => match line {
                    Some(line) => self.command(&line),
                    None => return Ok(()),
                },
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    async fn take(&mut self, from: SocketAddr, packet: Bytes) -> anyhow::Result<()> {
        if !self.clients.contains_key(&from) {
            if self.clients.len() >= CLIENTS_MAX {
                self.refused += 1;
                return Ok(());
            }
            self.welcome(from).await?;
        }
        let Some(client) = self.clients.get(&from) else {
            return Ok(());
        };
        if client.try_send(packet).is_err() {
            self.congested += 1;
        }
        Ok(())
    }

    async fn welcome(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let any: SocketAddr = if self.target.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let upstream = UdpSocket::bind(any).await?;
        upstream.connect(self.target).await?;
        widen(&upstream);
        self.seen += 1;
        let client = Client {
            address,
            listener: Arc::clone(&self.listener),
            upstream,
            settings: self.settings.subscribe(),
            started: self.started,
            // Each client's luck is its own, so that it does not depend on what others send; two numbers for its directions.
            seed: self
                .seed
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .wrapping_add(2 * self.seen),
        };
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        self.clients.insert(address, sender);
        self.tasks
            .spawn(async move { (address, client.run(receiver).await) });
        Ok(())
    }

    fn command(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let next = self.settings.borrow().commanded(line);
        match next {
            Ok(both) => {
                self.settings.send_replace(both);
                say(&json!(both));
            }
            Err(error) => say(&json!({ "error": format!("{error:#}") })),
        }
    }

    fn add(&mut self, (up, down): &(Counts, Counts)) {
        self.done.0.add(up);
        self.done.1.add(down);
    }

    async fn report(&mut self) -> Value {
        self.clients.clear();
        while let Some(ended) = self.tasks.join_next().await {
            if let Ok((_, counts)) = ended {
                self.add(&counts);
            }
        }
        json!({
            "seconds": self.started.elapsed().as_secs_f64(),
            "seed": self.seed,
            "clients": self.seen,
            "refused": self.refused,
            "congested": self.congested,
            "up": self.done.0.to_json(),
            "down": self.done.1.to_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_changes_both_directions_or_one() {
        let both = Both::default()
            .commanded(r#"{"loss": 5, "down": {"loss": 1, "block": true}}"#)
            .unwrap();
        assert_eq!((both.up.loss, both.down.loss), (5.0, 1.0));
        assert_eq!((both.up.block, both.down.block), (false, true));
        let error = both.commanded(r#"{"los": 5}"#).unwrap_err().to_string();
        assert!(error.contains("los"), "{error}");
        assert!(both.commanded("5").is_err());
    }
}
