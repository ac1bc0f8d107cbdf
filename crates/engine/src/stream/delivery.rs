//! What became of a stream's cues on the way to its WebRTC viewers.

use std::{collections::BTreeMap, sync::Arc};

use cues::{
    channel::Told,
    delivery::{Ledger, Refused, Tally, Verdict, Viewer},
    painted,
};
use media::FrameRate;
use sfu::SessionId;

use crate::{
    api::{CueAccepted, CueStep, Output},
    stream::{Effects, Stream},
};

/// The ledger of the data channels, and what each session was sent.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    ledger: Ledger,
    viewers: BTreeMap<SessionId, Viewer>,
}

impl Delivery {
    pub(super) fn joined(&mut self, session: SessionId) {
        self.viewers.insert(session, Viewer::default());
    }

    pub(super) fn left(&mut self, session: SessionId) {
        self.viewers.remove(&session);
    }

    /// Notes that a message with these cues was written; how many of them the session had not been sent.
    fn sent(&mut self, session: SessionId, seqs: &[u64]) -> u64 {
        let viewer = self.viewers.get_mut(&session);
        viewer.map_or(0, |viewer| self.ledger.sent(viewer, seqs))
    }
}

impl Stream {
    /// A cue is accepted: from here on its way is followed.
    pub(super) fn follow_cue(&mut self, fx: &mut Effects<'_>, cue: &cues::Cue) {
        let frame_ticks = self.frame_ticks();
        let ledger = &mut self.delivery.ledger;
        ledger.accept(cue.seq, cue.pts, frame_ticks, self.viewers.len());
        fx.out.push_back(Output::CueAccepted(CueAccepted {
            stream: self.name.clone(),
            seq: cue.seq,
            threshold: cue.pts,
            frame_ticks,
        }));
    }

    /// How long a frame lasts: announced, measured, or a thirtieth of a second.
    fn frame_ticks(&self) -> i64 {
        let measured = || self.video.as_ref()?.meter.frame_rate();
        let rate = self.ingest.frame_rate();
        let rate = rate.or_else(|| FrameRate::from_decimal(measured()?));
        rate.map_or(3_000, |rate| {
            90_000 * i64::from(rate.den) / i64::from(rate.num)
        })
    }

    /// Writes a message to sessions' data channels, and notes whom its cues went to.
    pub(super) fn send_told(
        &mut self,
        fx: &mut Effects<'_>,
        sessions: impl Iterator<Item = SessionId>,
        told: &Told,
    ) {
        let mut sent = 0;
        for session in sessions {
            // Without an open channel a viewer has other carriers; a full one is repaired by the gap in `seq`.
            if told.seqs.is_empty() {
                let _unreached = fx.sfu.send_text(fx.now, session, &told.text);
                continue;
            }
            let mark = Arc::clone(&told.seqs);
            let written = fx.sfu.send_marked(fx.now, session, &told.text, mark);
            if written.is_ok() {
                sent += self.delivery.sent(session, &told.seqs);
            }
        }
        step(fx, CueStep::Sent(sent));
    }

    /// A session's SCTP has acknowledged a message with these cues.
    pub(crate) fn acknowledged(&mut self, fx: &mut Effects<'_>, session: SessionId, seqs: &[u64]) {
        let Delivery { ledger, viewers } = &mut self.delivery;
        if let Some(viewer) = viewers.get_mut(&session) {
            step(fx, CueStep::Acknowledged(ledger.acknowledged(viewer, seqs)));
        }
    }

    /// A viewer has said something. Only what it has painted is listened to, once a second.
    pub(crate) fn said(&mut self, fx: &mut Effects<'_>, session: SessionId, said: &[u8]) {
        let Delivery { ledger, viewers } = &mut self.delivery;
        let Some(viewer) = viewers.get_mut(&session) else {
            return;
        };
        let refused = |refused| CueStep::Said(Verdict::Refused(refused));
        if !viewer.may_report(fx.now) {
            step(fx, refused(Refused::TooMany));
            return;
        }
        match painted::parse(said) {
            Ok(cues) => {
                for one in cues {
                    let verdict = ledger.painted(viewer, self.clock.highest(), one);
                    step(fx, CueStep::Said(verdict));
                }
            }
            Err(_) => step(fx, refused(Refused::Malformed)),
        }
    }

    /// What became of a cue on the way to the WebRTC viewers; `None` when it is not remembered.
    pub(crate) fn delivery(&self, seq: u64) -> Option<Tally> {
        self.delivery.ledger.tally(seq)
    }
}

/// Tells the counters, if there is anything to tell.
fn step(fx: &mut Effects<'_>, step: CueStep) {
    if !matches!(step, CueStep::Sent(0) | CueStep::Acknowledged(0)) {
        fx.out.push_back(Output::CueStep(step));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        time::{Duration, Instant},
    };

    use cues::painted::{Painted, text};
    use cues::{At, CueRequest, Op};
    use media::{Pts, UnixMillis};
    use sfu::{Sfu, StreamId};

    use super::*;
    use crate::{Config, api::StreamName, budget::Budget};

    struct World {
        now: Instant,
        out: VecDeque<Output>,
        sfu: Sfu,
        budget: Budget,
        stream: Stream,
    }

    impl World {
        fn new() -> Self {
            #[expect(
                clippy::disallowed_methods,
                reason = "where virtual time begins does not matter"
            )]
            let now = Instant::now();
            let config = Config::new(sfu::Config::new(vec!["127.0.0.1:8189".parse().unwrap()]));
            let name = StreamName::parse("show").unwrap();
            let wall = UnixMillis(1_700_000_000_000);
            let mut stream = Stream::new(name, StreamId(1), [0, 0], &config, now, wall);
            stream.clock.start_epoch(now, 0, None, None);
            Self {
                now,
                out: VecDeque::new(),
                sfu: Sfu::new(config.sfu.clone(), now).unwrap(),
                budget: Budget::new(1.0, 4),
                stream,
            }
        }

        fn with<T>(&mut self, act: impl FnOnce(&mut Stream, &mut Effects<'_>) -> T) -> T {
            let fx = &mut Effects {
                now: self.now,
                out: &mut self.out,
                sfu: &mut self.sfu,
                budget: &mut self.budget,
            };
            act(&mut self.stream, fx)
        }

        /// A clear, which needs nothing on screen; its number and threshold.
        fn cue(&mut self) -> (u64, Pts) {
            let request = CueRequest {
                card_id: String::new(),
                op: Op::Clear,
                duration: None,
                payload: None,
                at: At::Now,
                ends: None,
                if_rev: None,
                idempotency_key: None,
            };
            let receipt = self.with(|stream, fx| stream.insert_cue(fx, request));
            let cue = receipt.unwrap().cue;
            (cue.cue.seq, cue.cue.pts)
        }

        fn joins(&mut self, session: u64) -> SessionId {
            let session = SessionId(session);
            self.with(|stream, fx| stream.viewer_connected(fx, session));
            session
        }

        fn says(&mut self, session: SessionId, said: &[u8]) -> Vec<CueStep> {
            self.out.clear();
            self.with(|stream, fx| stream.said(fx, session, said));
            let steps = self.out.drain(..).filter_map(|output| {
                if let Output::CueStep(step) = output {
                    Some(step)
                } else {
                    None
                }
            });
            steps.collect()
        }
    }

    fn painted(seq: u64, pts: Pts) -> Vec<u8> {
        let painted = Painted {
            seq,
            pts,
            first: pts,
            late_ms: 0,
        };
        text(&[painted]).into()
    }

    fn numbers(world: &World, seq: u64) -> [u64; 4] {
        let tally = world.stream.delivery(seq).unwrap();
        [
            tally.sessions,
            tally.sent,
            tally.acknowledged,
            tally.painted,
        ]
    }

    #[test]
    fn who_is_there_counts_and_who_has_no_channel_is_sent_nothing() {
        let mut world = World::new();
        let (quick, slow) = (world.joins(1), world.joins(2));
        let plain = world.joins(3);
        let (seq, pts) = world.cue();
        // Nobody has a data channel here, so the burst reaches no one.
        world.with(|stream, fx| stream.flush_cues(fx));
        assert_eq!(numbers(&world, seq), [3, 0, 0, 0]);
        for session in [quick, slow] {
            assert_eq!(world.stream.delivery.sent(session, &[seq]), 1);
        }
        world.with(|stream, fx| stream.acknowledged(fx, quick, &[seq]));
        assert_eq!(numbers(&world, seq), [3, 2, 1, 0]);
        let counted = |steps: &[CueStep]| {
            matches!(
                steps,
                [CueStep::Said(Verdict::Counted { frame_error: 0, .. })]
            )
        };
        assert!(counted(&world.says(quick, &painted(seq, pts))));
        assert_eq!(
            world.says(plain, &painted(seq, pts)),
            [CueStep::Said(Verdict::Refused(Refused::NotSent))]
        );
        assert_eq!(numbers(&world, seq), [3, 2, 1, 1]);
    }

    #[test]
    fn who_has_left_counts_no_further_and_what_it_did_stays() {
        let mut world = World::new();
        let session = world.joins(1);
        let (seq, pts) = world.cue();
        world.stream.delivery.sent(session, &[seq]);
        world.stream.viewer_gone(world.now, session);
        world.with(|stream, fx| stream.acknowledged(fx, session, &[seq]));
        assert!(world.says(session, &painted(seq, pts)).is_empty());
        assert_eq!(numbers(&world, seq), [1, 1, 0, 0]);
        // The same number again would be another session.
        let again = world.joins(1);
        assert_eq!(world.stream.delivery.sent(again, &[seq]), 1);
    }

    #[test]
    fn what_is_no_report_and_what_comes_too_often_is_left_out() {
        let mut world = World::new();
        let session = world.joins(1);
        let (seq, pts) = world.cue();
        world.stream.delivery.sent(session, &[seq]);
        let malformed = [CueStep::Said(Verdict::Refused(Refused::Malformed))];
        for said in [&b""[..], b"hello", b"{\"type\":\"cues\",\"cues\":[]}"] {
            assert_eq!(world.says(session, said), malformed);
        }
        assert!(
            world
                .says(session, &painted(seq, pts.offset(-1)))
                .contains(&CueStep::Said(Verdict::Refused(Refused::Impossible)))
        );
        assert_eq!(world.says(session, b""), malformed);
        let too_many = [CueStep::Said(Verdict::Refused(Refused::TooMany))];
        assert_eq!(world.says(session, &painted(seq, pts)), too_many);
        world.now += Duration::from_secs(1);
        assert_eq!(world.says(session, &painted(seq, pts)).len(), 1);
        assert_eq!(numbers(&world, seq)[3], 1);
    }
}
