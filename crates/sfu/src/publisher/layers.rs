//! A publisher's encodings of one picture (simulcast, RFC 8853): the largest that comes is told, and
//! when it stops the next, from its next key frame on.
//!
//! Their RTP timestamps begin anywhere (RFC 3550 section 5.1), so a change goes on where the last one
//! stopped, by the time that has passed since.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use media::VideoConfig;
use str0m::{
    media::{Mid, Rid},
    rtp::RtpPacket,
};

use crate::{
    Ingest, RtpCodec,
    ingest::Timestamp,
    publisher::{keyframes::Keyframes, video::Video},
};

/// A publisher's video: one encoding, or several of the same picture.
#[derive(Debug)]
pub(crate) struct Layers {
    pub(crate) payload_type: u8,
    pub(crate) mid: Mid,
    layers: Vec<Layer>,
    /// The one that is told.
    chosen: Option<usize>,
    /// When the first key frame was whole, until one is chosen.
    first: Option<Instant>,
    /// The last timestamp told, and when.
    told: Option<(i64, Instant)>,
}

/// One encoding.
#[derive(Debug)]
struct Layer {
    rid: Option<Rid>,
    video: Video,
    /// From its timestamps to those that are told.
    offset: i64,
    /// When a packet last came.
    heard: Option<Instant>,
    config: Option<VideoConfig>,
    /// What has come of a key frame that is being received while another layer is told; until one is, of all since the last
    /// key frame.
    held: VecDeque<Ingest>,
}

impl Layer {
    fn is_live(&self, now: Instant) -> bool {
        self.heard
            .is_some_and(|at| now.saturating_duration_since(at) < SILENT)
    }

    /// Luma samples; unknown until its first key frame.
    fn area(&self) -> u64 {
        let size = self.config.as_ref().map(VideoConfig::size);
        size.map_or(0, |(width, height)| u64::from(width) * u64::from(height))
    }
}

impl Layers {
    /// One encoding without a name, or one of each name.
    pub(crate) fn new(codec: RtpCodec, payload_type: u8, mid: Mid, rids: &[Rid]) -> Self {
        let layer = |rid| Layer {
            rid,
            video: Video::new(codec),
            offset: 0,
            heard: None,
            config: None,
            held: VecDeque::new(),
        };
        let named = rids.iter().copied().map(Some).map(layer);
        let mut layers: Vec<Layer> = named.collect();
        let chosen = layers.is_empty().then_some(0);
        if layers.is_empty() {
            layers.push(layer(None));
        }
        Self {
            payload_type,
            mid,
            layers,
            chosen,
            first: None,
            told: None,
        }
    }

    /// Parameter sets that the offer names; of several encodings it cannot say whose they are.
    pub(crate) fn know(&mut self, parameter_sets: &[Bytes]) {
        if let [layer] = self.layers.as_mut_slice() {
            layer.video.know(parameter_sets);
        }
    }

    /// The told layer's timestamps, and what to add to them.
    pub(crate) fn stamps(&self) -> Option<(Timestamp, i64)> {
        let layer = &self.layers[self.chosen?];
        Some((layer.video.stamps(), layer.offset))
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadlines = self.layers.iter().map(|layer| layer.video.deadline());
        let choice = self.first.map(|first| first + CHOICE);
        deadlines.chain([choice]).flatten().min()
    }

    /// The layers that key frames are asked of: all that come, so that any can be changed to.
    pub(crate) fn live(&self, now: Instant) -> impl Iterator<Item = Option<Rid>> {
        let is_only = self.layers.len() == 1;
        let live = self
            .layers
            .iter()
            .filter(move |layer| is_only || layer.is_live(now));
        live.map(|layer| layer.rid)
    }

    /// Takes a packet of the layer `rid`. True if it is the one that is told.
    pub(crate) fn push(&mut self, now: Instant, rid: Option<Rid>, packet: RtpPacket) -> bool {
        let found = self.layers.iter().position(|layer| layer.rid == rid);
        let Some(n) = found else { return false };
        let layer = &mut self.layers[n];
        layer.heard = Some(now);
        layer.video.push(now, packet);
        self.chosen == Some(n)
    }

    /// Hands on what is in order. True if it goes on with another layer.
    pub(crate) fn release(
        &mut self,
        now: Instant,
        keyframes: &mut Keyframes,
        out: &mut VecDeque<Ingest>,
    ) -> bool {
        let before = self.chosen;
        for n in 0..self.layers.len() {
            let mut released = VecDeque::new();
            let layer = &mut self.layers[n];
            if self.chosen == Some(n) {
                layer.video.release(now, keyframes, &mut released);
            } else {
                // What is wrong with a layer nobody sees is nothing to ask for.
                let mut unasked = Keyframes::new(now);
                layer.video.release(now, &mut unasked, &mut released);
            }
            for item in released {
                self.take(now, n, item, keyframes, out);
            }
        }
        if self.chosen.is_none() && self.can_choose(now) {
            self.choose(now, keyframes, out);
        }
        self.chosen != before
    }

    fn take(
        &mut self,
        now: Instant,
        n: usize,
        item: Ingest,
        keyframes: &mut Keyframes,
        out: &mut VecDeque<Ingest>,
    ) {
        let layer = &mut self.layers[n];
        let mut whole_keyframe = false;
        let mut begins = false;
        match &item {
            Ingest::VideoUnit(unit) => {
                if let Some(config) = &unit.config {
                    layer.config = Some(config.clone());
                }
                whole_keyframe = unit.keyframe;
            }
            Ingest::VideoPacket(packet) => begins = packet.starts_keyframe,
            Ingest::VideoDamaged => layer.held.clear(),
            // Of a layer that nobody sees as well.
            Ingest::Forged { .. } => return out.push_back(item),
            Ingest::Audio { .. } | Ingest::Together { .. } => {}
        }
        if self.chosen == Some(n) {
            return self.tell(now, n, item, out);
        }
        if begins {
            layer.held.clear();
        }
        if begins || whole_keyframe || !layer.held.is_empty() {
            layer.held.push_back(item);
        }
        if layer.held.len() > HELD_MAX {
            layer.held.clear();
        }
        if !whole_keyframe {
            return;
        }
        if self.chosen.is_none() {
            self.first.get_or_insert(now);
        } else if self.is_better(now, n) {
            self.change(now, n, out);
            keyframes.came(now);
        } else {
            self.layers[n].held.clear();
        }
    }

    /// The smallest comes first as a rule; each change would be another size, and another epoch.
    fn can_choose(&self, now: Instant) -> bool {
        let all = self.layers.iter().all(|layer| layer.config.is_some());
        self.first.is_some_and(|first| all || now >= first + CHOICE)
    }

    /// Begins with the largest there is.
    fn choose(&mut self, now: Instant, keyframes: &mut Keyframes, out: &mut VecDeque<Ingest>) {
        let begun = |layer: &Layer| {
            let is_unit = |item: &Ingest| matches!(item, Ingest::VideoUnit(_));
            layer.held.iter().any(is_unit)
        };
        let ready = (0..self.layers.len()).filter(|n| begun(&self.layers[*n]));
        let largest = ready.max_by_key(|n| self.layers[*n].area());
        // If none is ready, each waits for its next key frame.
        self.first = None;
        let Some(largest) = largest else { return };
        self.change(now, largest, out);
        keyframes.came(now);
        for (n, layer) in self.layers.iter_mut().enumerate() {
            if n != largest {
                layer.held.clear();
            }
        }
    }

    /// Whether a layer of which a key frame has come is to be told instead.
    fn is_better(&self, now: Instant, n: usize) -> bool {
        let chosen = self.chosen.map(|chosen| &self.layers[chosen]);
        chosen.is_none_or(|chosen| !chosen.is_live(now) || self.layers[n].area() > chosen.area())
    }

    fn change(&mut self, now: Instant, n: usize, out: &mut VecDeque<Ingest>) {
        if self.chosen.replace(n).is_some() {
            // Of the other layer's last picture there may be a part.
            out.push_back(Ingest::VideoDamaged);
        }
        let layer = &mut self.layers[n];
        let held = std::mem::take(&mut layer.held);
        let first = held.iter().find_map(time_of);
        layer.offset = match (self.told, first) {
            (Some((last, at)), Some(first)) => {
                let passed = media::time::span_to_ticks(now.saturating_duration_since(at));
                last + passed.max(1) - first
            }
            _ => 0,
        };
        for mut item in held {
            if let Ingest::VideoUnit(unit) = &mut item
                && unit.keyframe
            {
                // Its parameter sets may have come long ago.
                unit.config = unit.config.take().or_else(|| self.layers[n].config.clone());
            }
            self.tell(now, n, item, out);
        }
    }

    fn tell(&mut self, now: Instant, n: usize, mut item: Ingest, out: &mut VecDeque<Ingest>) {
        let offset = self.layers[n].offset;
        match &mut item {
            Ingest::VideoPacket(packet) => packet.rtp_time += offset,
            Ingest::VideoUnit(unit) => unit.rtp_time += offset,
            Ingest::VideoDamaged
            | Ingest::Forged { .. }
            | Ingest::Audio { .. }
            | Ingest::Together { .. } => {}
        }
        if let Some(time) = time_of(&item) {
            self.told = Some((time, now));
        }
        out.push_back(item);
    }
}

fn time_of(item: &Ingest) -> Option<i64> {
    match item {
        Ingest::VideoPacket(packet) => Some(packet.rtp_time),
        Ingest::VideoUnit(unit) => Some(unit.rtp_time),
        Ingest::VideoDamaged
        | Ingest::Forged { .. }
        | Ingest::Audio { .. }
        | Ingest::Together { .. } => None,
    }
}

/// Thirty pictures long: a layer that is only late is not given up.
const SILENT: Duration = Duration::from_secs(1);
/// How long larger encodings are waited for.
const CHOICE: Duration = Duration::from_millis(300);
/// Packets of one picture; a key frame of 4 MiB is larger than any.
const HELD_MAX: usize = 4_096;
