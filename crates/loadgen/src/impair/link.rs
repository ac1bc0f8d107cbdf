//! What becomes of a packet: one direction of one client's way, in the time it is told.
//!
//! ```text
//! block -> loss -> queue and rate -> delay and jitter -> held back -> twice
//! ```
//! Loss comes first, so that what is lost takes none of the rate; the queue before the delay, as in front of a slow
//! access link with a long way behind it.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::settings::{Settings, Shape};

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does not arrive.
    Dropped(Why),
    /// It arrives at `at`, and with `twice` a second time right behind.
    Arrives { at: Duration, twice: bool },
}

/// Why a packet does not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Everything is lost now.
    Blocked,
    /// Bad luck.
    Loss,
    /// The queue in front of the link is full.
    Queue,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Link {
    settings: Settings,
    random: StdRng,
    /// In the state of Gilbert's model in which everything is lost.
    bad: bool,
    /// When the link has sent what is queued.
    free_at: Duration,
    /// When the last packet that keeps its order arrives.
    last_at: Duration,
}

impl Link {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: StdRng::seed_from_u64(seed),
            bad: false,
            free_at: Duration::ZERO,
            last_at: Duration::ZERO,
        }
    }

    /// What is queued or under way already keeps the times it was given.
    pub(crate) fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Decides on a packet of `bytes` that came at `now`, which never goes back.
    pub(crate) fn pass(&mut self, now: Duration, bytes: usize) -> Fate {
        // As many draws for every packet, so that one setting does not change what the others do.
        let [loss, reorder, duplicate, one, other] = std::array::from_fn(|_| self.random.random());
        let settings = self.settings;
        if settings.block {
            return Fate::Dropped(Why::Blocked);
        }
        if self.loses(loss) {
            return Fate::Dropped(Why::Loss);
        }
        let Some(sent) = self.send(now, bytes) else {
            return Fate::Dropped(Why::Queue);
        };
        let in_order = (sent + delay(&settings, one, other)).max(self.last_at);
        let at = if hits(reorder, settings.reorder) {
            in_order + Duration::from_millis(settings.reorder_ms.into())
        } else {
            self.last_at = in_order;
            in_order
        };
        let twice = hits(duplicate, settings.duplicate);
        Fate::Arrives { at, twice }
    }

    /// Gilbert's model: from the bad state, in which everything is lost, back with 1/burst; into it so often that `loss`
    /// percent are lost in the long run. A burst of 1 is independent loss, without a state.
    fn loses(&mut self, random: f64) -> bool {
        let (loss, burst) = (self.settings.loss / 100.0, self.settings.burst);
        if burst <= 1.0 || loss >= 1.0 {
            self.bad = false;
            return random < loss;
        }
        self.bad = if self.bad {
            random >= 1.0 / burst
        } else {
            random < loss / (burst * (1.0 - loss))
        };
        self.bad
    }

    /// When the packet has left the link; `None` when the queue is full. An empty queue takes any packet.
    fn send(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let own = self.settings.serialisation(bytes as u64);
        let waiting = self.free_at.saturating_sub(now);
        if !own.is_zero() && !waiting.is_zero() && waiting + own > self.settings.queue() {
            return None;
        }
        self.free_at = now + waiting + own;
        Some(self.free_at)
    }
}

/// The delay of one packet, from two numbers of [0, 1).
fn delay(settings: &Settings, one: f64, other: f64) -> Duration {
    let (delay, jitter) = (f64::from(settings.delay_ms), f64::from(settings.jitter_ms));
    let swing = match settings.jitter {
        Shape::Uniform => 2.0 * one - 1.0,
        // Box and Muller's transform; 1 - one is never 0.
        Shape::Normal => (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos(),
    };
    Duration::from_secs_f64((delay + jitter * swing).max(0.0) / 1000.0)
}

fn hits(random: f64, percent: f64) -> bool {
    random * 100.0 < percent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn settings() -> Settings {
        Settings::default()
    }

    /// Arrivals of `count` packets, one each millisecond.
    fn arrivals(link: &mut Link, count: u32) -> Vec<Option<Duration>> {
        (0..count)
            .map(|n| match link.pass(MS * n, 1200) {
                Fate::Arrives { at, .. } => Some(at),
                Fate::Dropped(_) => None,
            })
            .collect()
    }

    fn lost(settings: Settings, seed: u64, count: u32) -> Vec<bool> {
        let mut link = Link::new(settings, seed);
        arrivals(&mut link, count)
            .iter()
            .map(Option::is_none)
            .collect()
    }

    #[test]
    fn a_wire_passes_everything_at_once() {
        let mut link = Link::new(settings(), 1);
        let fate = Fate::Arrives {
            at: MS,
            twice: false,
        };
        assert_eq!(link.pass(MS, 60_000), fate);
        assert_eq!(link.pass(MS, 1), fate);
    }

    #[test]
    fn a_blocked_way_loses_all_until_it_is_opened() {
        let blocked = Settings {
            block: true,
            ..settings()
        };
        let mut link = Link::new(blocked, 1);
        assert_eq!(link.pass(MS, 100), Fate::Dropped(Why::Blocked));
        link.set(settings());
        assert!(matches!(link.pass(MS, 100), Fate::Arrives { .. }));
    }

    #[test]
    fn a_full_queue_loses_what_comes_last() {
        // 1000 kbit/s send 1250 bytes in 10 ms; 25 ms hold two of them.
        let slow = Settings {
            rate_kbit: 1000,
            queue_ms: 25,
            ..settings()
        };
        let mut link = Link::new(slow, 1);
        let fates: Vec<_> = (0..3).map(|_| link.pass(Duration::ZERO, 1250)).collect();
        let at = |at| Fate::Arrives { at, twice: false };
        assert_eq!(fates, [at(MS * 10), at(MS * 20), Fate::Dropped(Why::Queue)]);
        assert_eq!(link.pass(MS * 20, 1250), at(MS * 30));
    }

    #[test]
    fn one_setting_does_not_change_what_another_does() {
        let lossy = Settings {
            loss: 10.0,
            ..settings()
        };
        let more = Settings {
            delay_ms: 50,
            jitter_ms: 10,
            jitter: Shape::Normal,
            duplicate: 5.0,
            ..lossy
        };
        assert_eq!(lost(lossy, 3, 5000), lost(more, 3, 5000));
        assert_ne!(lost(lossy, 3, 5000), lost(lossy, 4, 5000));
    }

    #[test]
    fn loss_is_within_binomial_bounds() {
        const COUNT: u32 = 20_000;
        for (seed, percent) in [(1, 1.0), (2, 5.0), (3, 20.0), (4, 50.0), (5, 99.0)] {
            let lossy = Settings {
                loss: percent,
                ..settings()
            };
            let lost = lost(lossy, seed, COUNT);
            let lost = lost.iter().filter(|lost| **lost).count() as f64;
            let (n, p) = (f64::from(COUNT), percent / 100.0);
            let deviation = (n * p * (1.0 - p)).sqrt();
            assert!((lost - n * p).abs() <= 3.0 * deviation, "{lost} of {n}");
        }
    }

    #[test]
    fn bursts_have_the_length_and_the_loss_that_were_asked_for() {
        let bursty = Settings {
            loss: 5.0,
            burst: 4.0,
            ..settings()
        };
        let lost = lost(bursty, 7, 200_000);
        let all = lost.iter().filter(|lost| **lost).count();
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let (share, length) = (all as f64 / 200_000.0, all as f64 / bursts as f64);
        assert!((0.045..0.055).contains(&share), "{share}");
        assert!((3.7..4.3).contains(&length), "{length}");
    }

    #[test]
    fn jitter_has_its_mean_and_spread() {
        for (jitter, deviation) in [(Shape::Uniform, 10.0 / 3f64.sqrt()), (Shape::Normal, 10.0)] {
            let settings = Settings {
                delay_ms: 100,
                jitter_ms: 10,
                jitter,
                ..settings()
            };
            let mut link = Link::new(settings, 5);
            // A second apart, so that keeping the order moves none.
            let delays: Vec<f64> = (0..20_000)
                .map(|n| match link.pass(Duration::from_secs(n), 100) {
                    Fate::Arrives { at, .. } => (at - Duration::from_secs(n)).as_secs_f64() * 1e3,
                    Fate::Dropped(why) => panic!("{why:?}"),
                })
                .collect();
            let mean = delays.iter().sum::<f64>() / 20_000.0;
            let spread = delays.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 20_000.0;
            assert!((mean - 100.0).abs() < 0.5, "{jitter:?}: {mean}");
            assert!(
                (spread.sqrt() - deviation).abs() < 0.3,
                "{jitter:?}: {spread}"
            );
        }
    }

    #[test]
    fn what_is_held_back_is_overtaken() {
        let held = Settings {
            reorder: 10.0,
            ..settings()
        };
        let arrivals = arrivals(&mut Link::new(held, 2), 10_000);
        let overtaken = (0u32..)
            .zip(&arrivals)
            .filter(|(n, at)| at.unwrap() == MS * (n + 20))
            .count();
        assert!((900..1100).contains(&overtaken), "{overtaken}");
    }

    #[test]
    fn duplicates_are_as_many_as_were_asked_for() {
        let twice = Settings {
            duplicate: 20.0,
            ..settings()
        };
        let mut link = Link::new(twice, 2);
        let copies = (0..10_000)
            .filter(|n| matches!(link.pass(MS * *n, 100), Fate::Arrives { twice: true, .. }))
            .count();
        assert!((1850..2150).contains(&copies), "{copies}");
    }

    proptest! {
        /// In any window no more leaves the link than its rate and one packet.
        #[test]
        fn the_rate_is_never_exceeded(
            rate_kbit in 50u32..20_000,
            queue_ms in 1u32..500,
            queue_bytes in prop_oneof![Just(0), 1000u32..50_000],
            packets in prop::collection::vec((0u64..20_000, 1usize..1500), 1..200),
        ) {
            let slow = Settings { rate_kbit, queue_ms, queue_bytes, ..settings() };
            let (mut link, mut now) = (Link::new(slow, 1), Duration::ZERO);
            let mut sent = Vec::new();
            for (gap_us, bytes) in packets {
                now += Duration::from_micros(gap_us);
                if let Fate::Arrives { at, .. } = link.pass(now, bytes) {
                    prop_assert!(at - now <= slow.queue().max(slow.serialisation(bytes as u64)));
                    sent.push((at, bytes));
                }
            }
            // What leaves behind a packet, up to any later one, fits into the time between the two.
            for (from, (begun, _)) in sent.iter().enumerate() {
                let mut bytes = 0;
                for (at, size) in &sent[from + 1..] {
                    bytes += *size as u64;
                    prop_assert!(slow.serialisation(bytes) <= *at - *begun);
                }
            }
        }

        /// Whatever the jitter and however the settings change, without reordering nobody overtakes.
        #[test]
        fn the_order_is_kept_without_reordering(
            seed: u64,
            changes in prop::collection::vec((0u32..200, 0u32..200, 0u32..2000, any::<bool>()), 1..5),
            gaps_us in prop::collection::vec(0u64..10_000, 50..200),
        ) {
            let (mut link, mut now, mut last) = (Link::new(settings(), seed), Duration::ZERO, Duration::ZERO);
            for (n, gap) in gaps_us.iter().enumerate() {
                if n % 50 == 0 {
                    let (delay_ms, jitter_ms, rate_kbit, normal) = changes[n / 50 % changes.len()];
                    let jitter = if normal { Shape::Normal } else { Shape::Uniform };
                    link.set(Settings { delay_ms, jitter_ms, rate_kbit, jitter, loss: 5.0, ..settings() });
                }
                now += Duration::from_micros(*gap);
                if let Fate::Arrives { at, .. } = link.pass(now, 1000) {
                    prop_assert!(at >= last && at >= now);
                    last = at;
                }
            }
        }

        /// The same seed and packets, the same fates.
        #[test]
        fn a_run_repeats(seed: u64, loss in 0f64..50.0, jitter_ms in 0u32..100) {
            let settings = Settings { loss, burst: 2.0, jitter_ms, delay_ms: 50, ..settings() };
            prop_assert_eq!(
                arrivals(&mut Link::new(settings, seed), 300),
                arrivals(&mut Link::new(settings, seed), 300)
            );
        }
    }
}
