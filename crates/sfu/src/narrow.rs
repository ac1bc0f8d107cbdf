//! A viewer whose link does not carry the stream, by its own receiver reports (RFC 3550 section
//! 6.4.1).
//!
//! More of the same would only be lost, and asked for again. Such a viewer is sent what its link
//! bears: whole frames from an IDR on, spread over time, and when they fall a second behind what is
//! live, nothing until the next IDR. Its sound goes on. Nothing is queued for it but the rest of one
//! frame: the others wait in the cache that is there for all.
//!
//! Loss alone does not narrow a link. One that loses a third of everything and still brings more than
//! the stream has (a group sent at once to someone who joins) is left alone: NACK repairs it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{RenditionPacket, track::Track};

/// What a viewer's reports of the last seconds say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkReport {
    /// The share of its video's packets that did not arrive, 0 to 1.
    pub(crate) loss: f32,
    /// Bytes of video sent to it since it came, those sent again too.
    pub(crate) sent: u64,
    /// Those sent again.
    pub(crate) resent: u64,
}

/// A viewer's link as its reports tell it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    last: Option<Mark>,
    /// When a report last told of a packet that did not arrive.
    lost: Option<Instant>,
    /// The last report alone would have made it narrow.
    suspect: bool,
    pace: Option<Pace>,
}

/// What had been sent, and what there was to send, when the last report was judged.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Instant,
    sent: u64,
    offered: u64,
}

/// How fast a narrow link is sent to.
#[derive(Debug)]
struct Pace {
    bytes_per_second: f64,
    /// No more is tried before.
    hold_until: Instant,
    /// How long that is after the next report of heavy loss.
    hold: Duration,
    /// More is being tried.
    raised: bool,
    /// Bytes that may go now; negative after a packet that was larger.
    credit: f64,
    since: Instant,
    /// Bytes sent again until then.
    resent: u64,
    due: Instant,
    /// The rest of a frame that was begun.
    frame: VecDeque<RenditionPacket>,
}

impl Link {
    /// The link is narrower than the stream.
    pub(crate) fn is_narrow(&self) -> bool {
        self.pace.is_some()
    }

    /// Packets have got lost of late.
    pub(crate) fn is_lossy(&self, now: Instant) -> bool {
        let lately = |at: Instant| now.saturating_duration_since(at) < LOSSY_FOR;
        self.lost.is_some_and(lately)
    }

    /// When the next packets are due, if they are held back at all.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.pace.as_ref().map(|pace| pace.due)
    }

    /// What is lost now says nothing of the link: its packets went a way that is no more.
    pub(crate) fn excuse(&mut self) {
        (self.last, self.suspect) = (None, false);
    }

    /// Takes a report; `offered` is how many bytes of video the stream has had so far. True if the
    /// link was narrow and is so no longer.
    pub(crate) fn judge(&mut self, now: Instant, report: LinkReport, offered: u64) -> bool {
        let LinkReport { loss, sent, resent } = report;
        if loss > 0.0 {
            self.lost = Some(now);
        }
        let mark = Mark {
            at: now,
            sent,
            offered,
        };
        let Some(last) = self.last.replace(mark) else {
            return false;
        };
        let span = now.saturating_duration_since(last.at);
        let offered = per_second(offered.saturating_sub(last.offered), span);
        let sent = per_second(sent.saturating_sub(last.sent), span);
        let arrived = sent * (1.0 - f64::from(loss));
        let too_little = loss >= HEAVY_LOSS && arrived < offered;
        // Once is an interruption, which is over when it is told of.
        let again = std::mem::replace(&mut self.suspect, too_little);
        match &mut self.pace {
            None if too_little && again => {
                self.pace = Some(Pace::new(now, arrived, resent));
            }
            Some(pace) if loss >= HEAVY_LOSS => pace.lower(now, arrived),
            Some(pace) if sent > 0.0 && (loss < LIGHT_LOSS || pace.is_patient(now)) => {
                pace.raise(now);
                let is_wide = pace.bytes_per_second > offered * RAISE;
                if is_wide && pace.frame.is_empty() {
                    self.pace = None;
                    return true;
                }
            }
            _ => {}
        }
        false
    }

    /// Begins again with the cached group, which the viewer asked for, unless its IDR is on the way.
    pub(crate) fn restart(&mut self, track: &mut Track, first: &RenditionPacket) {
        let Some(pace) = &mut self.pace else { return };
        let is_under_way = pace.frame.front().is_some_and(|next| next.pts == first.pts);
        if !is_under_way {
            pace.frame.clear();
            track.restart_at(first);
        }
    }

    /// The packets that are due now, of one frame; call until there are none.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        resent: u64,
        track: &mut Track,
        cached: &[RenditionPacket],
    ) -> Vec<RenditionPacket> {
        let Some(pace) = self.pace.as_mut().filter(|pace| pace.due <= now) else {
            return Vec::new();
        };
        pace.earn(now, resent);
        if pace.frame.is_empty() {
            pace.frame.extend(next_frame(track, cached).iter().cloned());
        }
        let taken = pace.spend();
        if let Some(last) = taken.last() {
            track.next = Some(last.index + 1);
        } else {
            pace.due = now + STEP;
        }
        taken
    }
}

impl Pace {
    fn new(now: Instant, bytes_per_second: f64, resent: u64) -> Self {
        Self {
            bytes_per_second: bytes_per_second.max(RATE_MIN),
            hold_until: now + HOLD,
            hold: HOLD,
            raised: false,
            credit: 0.0,
            resent,
            since: now,
            due: now,
            frame: VecDeque::new(),
        }
    }

    /// It has been held back for so long that more is tried whatever is lost meanwhile.
    fn is_patient(&self, now: Instant) -> bool {
        now >= self.hold_until + HOLD_MAX
    }

    fn lower(&mut self, now: Instant, arrived: f64) {
        self.bytes_per_second = arrived.clamp(RATE_MIN, self.bytes_per_second);
        if std::mem::take(&mut self.raised) {
            self.hold = (self.hold * 2).min(HOLD_MAX);
        }
        self.hold_until = now + self.hold;
    }

    fn raise(&mut self, now: Instant) {
        if now >= self.hold_until {
            self.bytes_per_second *= RAISE;
            self.raised = true;
        }
    }

    /// What is sent again is sent out of the same credit.
    fn earn(&mut self, now: Instant, resent: u64) {
        let span = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        let most = self.bytes_per_second * BURST.as_secs_f64();
        self.credit = (self.credit + span * self.bytes_per_second).min(most);
        let again = resent.saturating_sub(self.resent);
        self.resent = resent;
        self.credit -= f64::from(u32::try_from(again).unwrap_or(u32::MAX));
        // Repairs of what was lost before it was known to be narrow do not hold up pictures for long.
        self.credit = self.credit.max(-self.bytes_per_second * DEBT.as_secs_f64());
    }

    fn spend(&mut self) -> Vec<RenditionPacket> {
        let mut taken = Vec::new();
        while self.credit > 0.0
            && let Some(packet) = self.frame.pop_front()
        {
            self.credit -= bytes(packet.payload.len());
            taken.push(packet);
        }
        taken
    }
}

/// The frame to go next: none when all went, or when what is left is too old to be of use.
fn next_frame<'a>(track: &mut Track, cached: &'a [RenditionPacket]) -> &'a [RenditionPacket] {
    let rest = track.rest_of(cached);
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else {
        return &[];
    };
    if !first.starts_keyframe && last.pts.since(first.pts) > BEHIND_MAX {
        return &[];
    }
    let length = rest.iter().take_while(|it| it.pts == first.pts).count();
    &rest[..length]
}

fn per_second(count: u64, span: Duration) -> f64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    f64::from(count) / span.as_secs_f64().max(0.001)
}

fn bytes(length: usize) -> f64 {
    u32::try_from(length).unwrap_or(u32::MAX).into()
}

/// What repair does not make good: it costs at most as much as the stream itself, and what is sent
/// again is lost as often.
const HEAVY_LOSS: f32 = 0.25;
/// A report of loss stands for this long: five reports.
const LOSSY_FOR: Duration = Duration::from_secs(10);
/// Below it a narrow link is asked to bear more: loss of another cause than its width, which repair
/// makes good, must not keep it narrow for ever.
const LIGHT_LOSS: f32 = 0.15;
/// How many times as much a link is asked to bear after a report with little loss.
const RAISE: f64 = 2.0;
/// Until then repairs of what was lost have come or are given up.
const HOLD: Duration = Duration::from_secs(6);
/// After trials that failed, each of which costs a picture or two.
const HOLD_MAX: Duration = Duration::from_secs(48);
/// 100 kbit/s: a picture now and then, on whatever link.
const RATE_MIN: f64 = 12_500.0;
/// How much may go at once: what the shortest queues on the way hold.
const BURST: Duration = Duration::from_millis(50);
/// At most this much time goes by for what is sent again.
const DEBT: Duration = Duration::from_millis(500);
/// Between packets.
const STEP: Duration = Duration::from_millis(10);
/// In ticks of 90 kHz.
const BEHIND_MAX: i64 = 90_000;
