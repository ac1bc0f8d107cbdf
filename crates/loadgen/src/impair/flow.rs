//! One direction of one client: what is under way, in the order in which it is due.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use bytes::Bytes;

use super::{
    counts::Counts,
    link::{Fate, Link},
    settings::Settings,
};

/// Packets under way in one direction of one client: 10 Mbit/s of 1200 bytes for a minute are 62 500.
const UNDER_WAY_MAX: usize = 65_536;

/// One direction.
#[derive(Debug)]
pub(crate) struct Flow {
    link: Link,
    /// When it is due, its number, and the number of what stands in `packets`.
    due: BinaryHeap<Reverse<(Duration, u64)>>,
    packets: BTreeMap<u64, Packet>,
    next: u64,
    /// The latest to come in of those delivered.
    newest: Option<u64>,
    counts: Counts,
}

#[derive(Debug)]
struct Packet {
    /// Which of those that came in it is.
    came: u64,
    at: Duration,
    bytes: Bytes,
}

impl Flow {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            link: Link::new(settings, seed),
            due: BinaryHeap::new(),
            packets: BTreeMap::new(),
            next: 0,
            newest: None,
            counts: Counts::default(),
        }
    }

    pub(crate) fn set(&mut self, settings: Settings) {
        self.link.set(settings);
    }

    /// Takes a packet in.
    pub(crate) fn take(&mut self, now: Duration, bytes: Bytes) {
        self.counts.packets += 1;
        self.counts.bytes += bytes.len() as u64;
        let (at, twice) = match self.link.pass(now, bytes.len()) {
            Fate::Dropped(why) => return self.counts.drop(why),
            Fate::Arrives { at, twice } => (at, twice),
        };
        if self.packets.len() + usize::from(twice) >= UNDER_WAY_MAX {
            self.counts.overflowed += 1;
            return;
        }
        let came = self.counts.packets;
        if twice {
            self.counts.duplicated += 1;
            self.keep(at, now, came, bytes.clone());
        }
        self.keep(at, now, came, bytes);
    }

    fn keep(&mut self, due: Duration, at: Duration, came: u64, bytes: Bytes) {
        self.due.push(Reverse((due, self.next)));
        self.packets.insert(self.next, Packet { came, at, bytes });
        self.next += 1;
    }

    /// When the next packet is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// A packet that is due, of those the one that has been for longest.
    pub(crate) fn due(&mut self, now: Duration) -> Option<Bytes> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((_, number)) = self.due.pop()?;
        let packet = self.packets.remove(&number)?;
        self.counts.deliver(now.saturating_sub(packet.at));
        if self.newest.is_some_and(|newest| newest > packet.came) {
            self.counts.reordered += 1;
        }
        self.newest = self.newest.max(Some(packet.came));
        Some(packet.bytes)
    }

    /// The socket refused what `due` gave last.
    pub(crate) fn unsent(&mut self) {
        self.counts.unsent += 1;
    }

    pub(crate) const fn counts(&self) -> &Counts {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// One packet each ms for `count` ms, and whatever is due at each; then everything that is left.
    fn run(settings: Settings, count: u8) -> (Vec<u8>, Counts) {
        let mut flow = Flow::new(settings, 11);
        let mut out = Vec::new();
        for n in 0..3 * u32::from(count) {
            if let Ok(n @ 0..250) = u8::try_from(n) {
                flow.take(MS * n.into(), Bytes::copy_from_slice(&[n]));
            }
            out.extend(std::iter::from_fn(|| flow.due(MS * n)).map(|bytes| bytes[0]));
        }
        assert_eq!(flow.next_due(), None);
        (out, flow.counts().clone())
    }

    #[test]
    fn packets_come_out_when_they_are_due_and_in_order() {
        let settings = Settings {
            delay_ms: 40,
            ..Settings::default()
        };
        let mut flow = Flow::new(settings, 1);
        flow.take(MS, Bytes::from_static(b"one"));
        flow.take(MS * 2, Bytes::from_static(b"two"));
        assert_eq!(flow.next_due(), Some(MS * 41));
        assert_eq!(flow.due(MS * 40), None);
        assert_eq!(flow.due(MS * 42).as_deref(), Some(&b"one"[..]));
        assert_eq!(flow.due(MS * 42).as_deref(), Some(&b"two"[..]));
        assert_eq!(flow.counts().to_json()["delay_ms"]["max"], 41);
    }

    #[test]
    fn what_is_counted_is_what_came_out() {
        let settings = Settings {
            loss: 10.0,
            reorder: 10.0,
            reorder_ms: 5,
            duplicate: 10.0,
            delay_ms: 10,
            jitter_ms: 5,
            ..Settings::default()
        };
        let (out, counts) = run(settings, 250);
        let mut sorted = out.clone();
        sorted.sort_unstable();
        let copies = sorted.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        let behind = (1..out.len())
            .filter(|&n| out[..n].iter().any(|earlier| *earlier > out[n]))
            .count() as u64;
        assert_eq!(counts.packets, 250);
        assert_eq!(counts.duplicated, copies);
        assert_eq!(counts.reordered, behind);
        assert_eq!(counts.delivered, out.len() as u64);
        assert_eq!(counts.lost, 250 + copies - counts.delivered);
        assert!(copies > 0 && behind > 0 && counts.lost > 0, "{counts:?}");
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let settings = Settings {
            delay_ms: 1000,
            ..Settings::default()
        };
        let mut flow = Flow::new(settings, 1);
        for _ in 0..UNDER_WAY_MAX + 5 {
            flow.take(MS, Bytes::from_static(b"x"));
        }
        assert_eq!(flow.counts().overflowed, 5);
    }
}
