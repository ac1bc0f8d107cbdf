//! A stream's cues: taken in, told to everyone, answered about.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use cues::{
    ActiveCard, ArmError, Armed, At, CancelError, CueRequest, LiveClock, LoggedCue, Receipt,
    channel,
};
use media::{Pts, time};
use sfu::SessionId;

use crate::{
    api::{Output, StreamName, StreamState},
    stream::{CUE_COALESCE, Effects, Stream, media_in::ADRIFT_TICKS, repeats::Repeat},
};

impl Stream {
    pub(crate) fn insert_cue(
        &mut self,
        fx: &mut Effects<'_>,
        request: CueRequest,
    ) -> Result<Receipt, cues::InsertError> {
        let clock = self.live_clock(fx.now);
        let receipt = self.timeline.insert(fx.now, request, &clock)?;
        self.carry(fx, [&receipt]);
        Ok(receipt)
    }

    pub(crate) fn arm(
        &mut self,
        out: &mut VecDeque<Output>,
        name: &str,
        requests: Vec<CueRequest>,
    ) -> Result<(), ArmError> {
        let armed = self.timeline.arm(name, requests);
        self.keep(out);
        armed
    }

    pub(crate) fn disarm(&mut self, out: &mut VecDeque<Output>, name: &str) -> bool {
        let stood = self.timeline.disarm(name);
        self.keep(out);
        stood
    }

    pub(crate) fn armed(&self) -> Vec<(String, Armed)> {
        let armed = self.timeline.armed();
        armed
            .map(|(name, armed)| (name.to_owned(), armed.clone()))
            .collect()
    }

    pub(crate) fn fire(
        &mut self,
        fx: &mut Effects<'_>,
        name: &str,
        at: At,
    ) -> Result<Vec<Receipt>, ArmError> {
        let clock = self.live_clock(fx.now);
        let receipts = self.timeline.fire(fx.now, name, at, &clock)?;
        self.carry(fx, &receipts);
        Ok(receipts)
    }

    pub(crate) fn cancel_cue(
        &mut self,
        fx: &mut Effects<'_>,
        seq: u64,
    ) -> Result<Receipt, CancelError> {
        let clock = self.live_clock(fx.now);
        let receipt = self.timeline.cancel(fx.now, seq, &clock)?;
        self.carry(fx, [&receipt]);
        Ok(receipt)
    }

    /// The receipt of the cue that takes the place of the one taken back.
    pub(crate) fn reschedule_cue(
        &mut self,
        fx: &mut Effects<'_>,
        seq: u64,
        at: At,
    ) -> Result<Receipt, CancelError> {
        let clock = self.live_clock(fx.now);
        let [taken_back, moved] = self.timeline.reschedule(fx.now, seq, at, &clock)?;
        self.carry(fx, [&taken_back, &moved]);
        Ok(moved)
    }

    /// Where a moment of an RTMP publisher's stream is: the newest frame when its stamp is none of the stream's. `None`
    /// before its first picture.
    pub(crate) fn encoder_cue(&self, at_ms: i64) -> Option<(StreamName, Pts)> {
        let pts = self.clock.rtmp_pts(at_ms)?;
        let newest = self.clock.highest();
        let is_near = pts.since(newest).abs() <= ADRIFT_TICKS;
        Some((self.name.clone(), if is_near { pts } else { newest }))
    }

    fn live_clock(&self, now: Instant) -> LiveClock {
        LiveClock {
            epoch: self.clock.epoch(),
            highest_pts: self.clock.highest(),
            live_pts: self.clock.live(now),
            live_utc: self.clock.wall(now),
            anchor: self.clock.anchor(),
        }
    }

    /// Hands new cues to every carrier.
    fn carry<'a>(&mut self, fx: &mut Effects<'_>, receipts: impl IntoIterator<Item = &'a Receipt>) {
        for receipt in receipts.into_iter().filter(|receipt| !receipt.replayed) {
            self.follow_cue(fx, &receipt.cue.cue);
            self.packager.cue(Arc::clone(&receipt.cue));
            self.sei.add(Arc::clone(&receipt.cue));
            self.unsent_cues.push(Arc::clone(&receipt.cue));
            self.flush_cues_at.get_or_insert(fx.now + CUE_COALESCE);
        }
        self.keep(fx.out);
        self.drain_packager(fx);
    }

    /// The cues numbered past `seq` that are still known.
    pub(crate) fn cues_after(&self, seq: u64) -> Vec<LoggedCue> {
        let known = seq.max(self.timeline.forgotten_seq());
        self.timeline.after(known).unwrap_or_default()
    }

    pub(crate) fn cue(&self, seq: u64) -> Option<LoggedCue> {
        self.timeline.get(seq)
    }

    /// The state at `pts`, or at the newest frame.
    pub(crate) fn cards(&self, pts: Option<Pts>) -> (Pts, Vec<ActiveCard>) {
        let pts = pts.unwrap_or_else(|| self.clock.highest());
        (pts, self.timeline.state(pts))
    }

    /// What a new follower over HTTP is told first: one message, more when it has many cues.
    pub(crate) fn snapshot(&self, now: Instant) -> Vec<channel::Told> {
        self.snapshot_from(now, channel::SNAPSHOT_BACK)
    }

    fn snapshot_from(&self, now: Instant, back: Duration) -> Vec<channel::Told> {
        let live_pts = self.clock.highest();
        let from = live_pts.offset(-time::span_to_ticks(back));
        let head = channel::Snapshot {
            stream: self.name.to_string(),
            state: self.channel_state(),
            epoch: self.clock.epoch(),
            k: self.rtp_offset,
            anchor: self.clock.anchor(),
            live_pts,
            server_utc: self.clock.wall(now),
            last_seq: self.timeline.last_seq(),
            from,
        };
        channel::snapshot(&head, &self.timeline.snapshot_cues(from))
    }

    /// A viewer's data channel opened. What comes at once comes as fast as the first thing that is lost lets it.
    pub(crate) fn greet(&mut self, fx: &mut Effects<'_>, session: SessionId) {
        for message in self.snapshot_from(fx.now, JOIN_BACK) {
            self.send_told(fx, std::iter::once(session), &message);
        }
    }

    /// The same where it may be lost, and without waiting for what was.
    pub(crate) fn greet_again(&self, fx: &mut Effects<'_>, session: SessionId) {
        for message in self.snapshot_from(fx.now, JOIN_BACK) {
            fx.sfu.repeat_text(fx.now, session, &message.text);
        }
    }

    /// Says again what is due.
    pub(crate) fn repeat_cues(&mut self, fx: &mut Effects<'_>) {
        while let Some(repeat) = self.repeats.take(fx.now) {
            for viewer in &self.viewers {
                let session = SessionId(viewer.session);
                match &repeat {
                    Repeat::Cues(text) => fx.sfu.repeat_text(fx.now, session, text),
                    Repeat::Heartbeat(text) if fx.sfu.is_lossy(fx.now, session) => {
                        fx.sfu.repeat_text(fx.now, session, text);
                    }
                    Repeat::Heartbeat(_) => {}
                }
            }
        }
    }

    /// A new epoch: its anchor differs, so everyone starts afresh.
    pub(super) fn broadcast_snapshot(&mut self, fx: &mut Effects<'_>) {
        for message in self.snapshot_from(fx.now, EPOCH_BACK) {
            self.tell_sessions(fx, &message);
        }
        for message in self.snapshot(fx.now) {
            self.tell_followers(fx, message);
        }
    }

    /// Sends the cues of a burst as one message.
    pub(crate) fn flush_cues(&mut self, fx: &mut Effects<'_>) {
        self.flush_cues_at = None;
        self.keep(fx.out);
        for message in channel::cues(&std::mem::take(&mut self.unsent_cues)) {
            let repeat = Repeat::Cues(Arc::clone(&message.text));
            self.repeats.add(fx.now, &repeat);
            self.broadcast(fx, message);
        }
    }

    /// Once a second, and whenever the state has changed.
    pub(crate) fn heartbeat(&mut self, fx: &mut Effects<'_>, state: channel::State) {
        // It names the newest cue; whoever has not been told of that would ask for it at once.
        self.flush_cues(fx);
        let message = channel::heartbeat(&channel::Heartbeat {
            state,
            epoch: self.clock.epoch(),
            last_seq: self.timeline.last_seq(),
            live_pts: self.clock.highest(),
            server_utc: self.clock.wall(fx.now),
        });
        let seqs = [].into();
        let text: Arc<str> = message.into();
        self.repeats
            .add(fx.now, &Repeat::Heartbeat(Arc::clone(&text)));
        self.broadcast(fx, channel::Told { text, seqs });
    }

    /// Where the stream is in its life, as followers are told.
    pub(super) const fn channel_state(&self) -> channel::State {
        match self.state {
            StreamState::Starting => channel::State::Starting,
            StreamState::Live => channel::State::Live,
            StreamState::Interrupted => channel::State::Interrupted,
        }
    }

    fn broadcast(&mut self, fx: &mut Effects<'_>, told: channel::Told) {
        self.tell_sessions(fx, &told);
        self.tell_followers(fx, told);
    }

    fn tell_sessions(&mut self, fx: &mut Effects<'_>, told: &channel::Told) {
        let viewers = std::mem::take(&mut self.viewers);
        let sessions = viewers.iter().map(|viewer| SessionId(viewer.session));
        self.send_told(fx, sessions, told);
        self.viewers = viewers;
    }

    fn tell_followers(&self, fx: &mut Effects<'_>, told: channel::Told) {
        fx.out.push_back(Output::SideChannel {
            stream: self.name.clone(),
            message: told.text,
            cues: told.seqs,
            live_pts: self.clock.highest(),
        });
    }
}

/// How far behind live a viewer by WebRTC is told of, who sees what it is sent and cannot seek. When it joins, that may
/// be the longest group that is kept (`sfu`'s cache).
const JOIN_BACK: Duration = Duration::from_secs(12);
/// When it is there already, a picture on its way: cues behind a long text wait for all of it.
const EPOCH_BACK: Duration = Duration::from_secs(2);
