//! What a direction does to its packets, and how that is changed.

use std::time::Duration;

use anyhow::bail;
use serde::{Deserialize, Serialize};

/// Longest delay, jitter or queue that can be asked for, ms: past it a packet is as good as lost.
const SPAN_MS_MAX: u32 = 60_000;
/// The default of `queue_ms`: what an access link's buffer holds.
const QUEUE_MS: u32 = 200;
/// The default of `reorder_ms`: longer than the gaps between the packets of a picture.
const REORDER_MS: u32 = 20;

/// The shape of the jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// Any delay within the jitter, either way, is as likely as any other.
    #[default]
    Uniform,
    /// The jitter is the standard deviation.
    Normal,
}

/// What one direction does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Settings {
    pub(crate) loss: f64,
    pub(crate) burst: f64,
    pub(crate) delay_ms: u32,
    pub(crate) jitter_ms: u32,
    pub(crate) jitter: Shape,
    pub(crate) reorder: f64,
    pub(crate) reorder_ms: u32,
    pub(crate) duplicate: f64,
    pub(crate) rate_kbit: u32,
    pub(crate) queue_ms: u32,
    pub(crate) queue_bytes: u32,
    pub(crate) block: bool,
}

impl Default for Settings {
    /// A wire.
    fn default() -> Self {
        Self {
            loss: 0.0,
            burst: 1.0,
            delay_ms: 0,
            jitter_ms: 0,
            jitter: Shape::Uniform,
            reorder: 0.0,
            reorder_ms: REORDER_MS,
            duplicate: 0.0,
            rate_kbit: 0,
            queue_ms: QUEUE_MS,
            queue_bytes: 0,
            block: false,
        }
    }
}

/// Settings to change; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Packets lost, percent.
    #[arg(long)]
    pub(crate) loss: Option<f64>,
    /// How many packets are lost in a row on average, from 1: with 1 each is lost or not by itself.
    #[arg(long)]
    pub(crate) burst: Option<f64>,
    /// Delay of every packet, ms.
    #[arg(long)]
    pub(crate) delay_ms: Option<u32>,
    /// How much the delay varies, ms; packets keep their order all the same.
    #[arg(long)]
    pub(crate) jitter_ms: Option<u32>,
    /// How the delay varies.
    #[arg(long, value_enum)]
    pub(crate) jitter: Option<Shape>,
    /// Packets held back so that later ones overtake them, percent.
    #[arg(long)]
    pub(crate) reorder: Option<f64>,
    /// For how long those are held back, ms.
    #[arg(long)]
    pub(crate) reorder_ms: Option<u32>,
    /// Packets that come twice, percent.
    #[arg(long)]
    pub(crate) duplicate: Option<f64>,
    /// Rate of each client's link, kbit/s of UDP payload; 0: no limit.
    #[arg(long)]
    pub(crate) rate_kbit: Option<u32>,
    /// What the link's queue holds, in ms at its rate; what comes when it is full is lost.
    #[arg(long)]
    pub(crate) queue_ms: Option<u32>,
    /// What the link's queue holds, in bytes; 0: as `queue_ms` says, else the smaller of both.
    #[arg(long)]
    pub(crate) queue_bytes: Option<u32>,
    /// Lose everything.
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) block: Option<bool>,
}

impl Settings {
    /// These settings with what `change` says.
    ///
    /// # Errors
    /// Names the setting that is out of its range.
    pub(crate) fn with(&self, change: &Change) -> anyhow::Result<Self> {
        let next = Self {
            loss: change.loss.unwrap_or(self.loss),
            burst: change.burst.unwrap_or(self.burst),
            delay_ms: change.delay_ms.unwrap_or(self.delay_ms),
            jitter_ms: change.jitter_ms.unwrap_or(self.jitter_ms),
            jitter: change.jitter.unwrap_or(self.jitter),
            reorder: change.reorder.unwrap_or(self.reorder),
            reorder_ms: change.reorder_ms.unwrap_or(self.reorder_ms),
            duplicate: change.duplicate.unwrap_or(self.duplicate),
            rate_kbit: change.rate_kbit.unwrap_or(self.rate_kbit),
            queue_ms: change.queue_ms.unwrap_or(self.queue_ms),
            queue_bytes: change.queue_bytes.unwrap_or(self.queue_bytes),
            block: change.block.unwrap_or(self.block),
        };
        next.check()?;
        Ok(next)
    }

    fn check(&self) -> anyhow::Result<()> {
        let percents = [
            ("loss", self.loss),
            ("reorder", self.reorder),
            ("duplicate", self.duplicate),
        ];
        for (name, percent) in percents {
            if !(0.0..=100.0).contains(&percent) {
                bail!("{name} is {percent}: give 0 to 100 percent");
            }
        }
        if !(1.0..=1000.0).contains(&self.burst) {
            bail!("burst is {}: give 1 to 1000 packets", self.burst);
        }
        // Even a single good packet between two bursts makes the loss smaller than this.
        let (loss, burst) = (self.loss / 100.0, self.burst);
        if burst > 1.0 && loss < 1.0 && loss > burst * (1.0 - loss) {
            bail!(
                "burst is {burst}: with {} % loss bursts are longer",
                self.loss
            );
        }
        let spans = [
            ("delay_ms", self.delay_ms),
            ("jitter_ms", self.jitter_ms),
            ("reorder_ms", self.reorder_ms),
            ("queue_ms", self.queue_ms),
        ];
        for (name, span) in spans {
            if span > SPAN_MS_MAX {
                bail!("{name} is {span}: give at most {SPAN_MS_MAX}");
            }
        }
        Ok(())
    }

    /// How long `bytes` occupy the link; nothing without a rate.
    pub(crate) fn serialisation(&self, bytes: u64) -> Duration {
        if self.rate_kbit == 0 {
            return Duration::ZERO;
        }
        // bits / (kbit/s) = ms; a million times that in ns. A datagram has at most 2^16 bytes.
        Duration::from_nanos((bytes * 8 * 1_000_000).div_ceil(u64::from(self.rate_kbit)))
    }

    /// What the queue holds, as the time it takes to empty it.
    pub(crate) fn queue(&self) -> Duration {
        let by_time = Duration::from_millis(self.queue_ms.into());
        match self.queue_bytes {
            0 => by_time,
            bytes => by_time.min(self.serialisation(bytes.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_alone_what_it_does_not_name() {
        let change: Change = serde_json::from_str(r#"{"loss": 5, "jitter": "normal"}"#).unwrap();
        let settings = Settings::default().with(&change).unwrap();
        let block: Change = serde_json::from_str(r#"{"block": true}"#).unwrap();
        let blocked = settings.with(&block).unwrap();
        assert_eq!(
            blocked,
            Settings {
                loss: 5.0,
                jitter: Shape::Normal,
                block: true,
                ..Settings::default()
            }
        );
    }

    #[test]
    fn what_is_out_of_its_range_is_named() {
        for (text, name) in [
            (r#"{"loss": 101}"#, "loss"),
            (r#"{"duplicate": -1}"#, "duplicate"),
            (r#"{"burst": 0.5}"#, "burst"),
            (r#"{"burst": 2, "loss": 80}"#, "burst"),
            (r#"{"delay_ms": 60001}"#, "delay_ms"),
        ] {
            let change: Change = serde_json::from_str(text).unwrap();
            let error = Settings::default().with(&change).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
        assert!(serde_json::from_str::<Change>(r#"{"delay": 1}"#).is_err());
    }

    #[test]
    fn the_queue_is_the_smaller_of_time_and_bytes() {
        let rate = |queue_bytes| Settings {
            rate_kbit: 1000,
            queue_bytes,
            ..Settings::default()
        };
        assert_eq!(rate(0).queue(), Duration::from_millis(200));
        assert_eq!(rate(1250).queue(), Duration::from_millis(10));
        assert_eq!(rate(1_000_000).queue(), Duration::from_millis(200));
    }
}
