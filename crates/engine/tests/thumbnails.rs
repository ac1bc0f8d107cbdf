//! What a stream shows, for whoever asks: when a child lives, which picture it is given, and what is answered meanwhile.
//! The child's own work is tested with the child.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{AVCC, Publisher, WALL, World};
use engine::{
    ChildEvent, ChildId, ChildKind, ConnId, Input, Output, StreamName, Thumbnail, ThumbnailError,
    ThumbnailStep,
};
use media::Pts;
use transcode::{FromChild, Jpeg, Start, ToChild};

/// Streams at 30 frames a second with a key frame each second, and the children that are asked for.
struct Lobby {
    world: World,
    publishers: Vec<Publisher>,
    frames: u32,
    /// What each child has been given and not answered.
    given: Vec<(ChildId, Pts)>,
    /// Those that exist.
    children: Vec<ChildId>,
    /// The most at once.
    children_max: usize,
    spawns: usize,
    /// How children are.
    works: bool,
    starts: bool,
    answers: Vec<(String, Result<Thumbnail, ThumbnailError>)>,
    steps: Vec<ThumbnailStep>,
}

fn stream(n: usize) -> StreamName {
    StreamName::parse(&format!("s{n}")).unwrap()
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Lobby {
    fn new(streams: usize) -> Self {
        Self::with(streams, 4)
    }

    fn with(streams: usize, thumbnails_max: usize) -> Self {
        let mut world = World::with(WALL, |config| config.thumbnails_max = thumbnails_max);
        let publishers = (0..streams).map(|n| {
            let publisher = world.publish(n as u64, stream(n).as_str());
            world.send(publisher.conn, publisher.video_config(AVCC));
            publisher
        });
        let publishers = publishers.collect();
        Self {
            world,
            publishers,
            frames: 0,
            given: Vec::new(),
            children: Vec::new(),
            children_max: 0,
            spawns: 0,
            works: true,
            starts: true,
            answers: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Time passes in which every publisher sends.
    fn live(&mut self, span: Duration) {
        let until = self.world.now + span;
        while self.world.now < until {
            let (ms, keyframe) = (self.frames * 1000 / 30, self.frames.is_multiple_of(30));
            self.frames += 1;
            for publisher in self.publishers.clone() {
                let data = publisher.video(ms, keyframe);
                self.world.send(publisher.conn, data);
            }
            self.quiet(Duration::from_nanos(33_333_333));
        }
    }

    /// Time passes in which nobody sends.
    fn quiet(&mut self, span: Duration) {
        let until = self.world.now + span;
        while self.world.now < until {
            let step = (until - self.world.now).min(ms(10));
            self.world.pass(step);
            self.turn();
        }
    }

    /// The children's turn: they start, work and go as they are.
    fn turn(&mut self) {
        for output in std::mem::take(&mut self.world.out) {
            match output {
                Output::ChildSpawn { child, .. } if child.kind == ChildKind::Thumbnail => {
                    self.spawns += 1;
                    self.children.push(child);
                    self.children_max = self.children_max.max(self.children.len());
                    self.tell(child, ChildEvent::Spawned);
                }
                Output::ChildSend { child, message } if child.kind == ChildKind::Thumbnail => {
                    self.take(child, message);
                }
                Output::ChildKill { child } if child.kind == ChildKind::Thumbnail => {
                    self.die(child)
                }
                Output::Thumbnail { stream, answer } => {
                    self.answers.push((stream.to_string(), answer));
                }
                Output::ThumbnailStep(step) => self.steps.push(step),
                _ => {}
            }
        }
        if self.works {
            for (child, pts) in std::mem::take(&mut self.given) {
                self.make(child, pts);
            }
        }
    }

    fn take(&mut self, child: ChildId, message: ToChild) {
        match message {
            ToChild::Start(Start::VideoToJpeg(start)) => {
                assert_eq!(start.side_max, 640);
                if self.starts {
                    self.tell(child, ChildEvent::Message(FromChild::Ready));
                    self.turn();
                }
            }
            ToChild::Picture(picture) => {
                assert!(picture.wanted);
                // An IDR picture, as the publisher sends it.
                assert_eq!(picture.payload[4], 0x65);
                self.given.push((child, picture.pts));
            }
            ToChild::Stop => self.die(child),
            other => panic!("{other:?}"),
        }
    }

    fn make(&mut self, child: ChildId, pts: Pts) {
        let file = Bytes::from(pts.0.to_be_bytes().to_vec());
        let jpeg = FromChild::Jpeg(Jpeg { pts, file });
        self.tell(child, ChildEvent::Message(jpeg));
        self.turn();
    }

    fn tell(&mut self, child: ChildId, event: ChildEvent) {
        self.world.input(Input::Child { child, event });
    }

    fn die(&mut self, child: ChildId) {
        self.given.retain(|(other, _)| *other != child);
        let before = self.children.len();
        self.children.retain(|other| *other != child);
        if self.children.len() < before {
            let description = "killed".to_owned();
            self.tell(child, ChildEvent::Exited { description });
            self.turn();
        }
    }

    fn ask(&mut self, n: usize) -> Option<Result<Thumbnail, ThumbnailError>> {
        let answer = self.world.shard.thumbnail(self.world.now, &stream(n));
        self.world.drain();
        answer
    }

    /// Asks, and waits as long as it takes.
    fn seen(&mut self, n: usize) -> Result<Thumbnail, ThumbnailError> {
        self.answers.clear();
        if let Some(answer) = self.ask(n) {
            return answer;
        }
        let begun = self.world.now;
        while self.world.now - begun < ms(3_100) {
            self.turn();
            if let Some((_, answer)) = self.answers.iter().find(|it| it.0 == stream(n).as_str()) {
                return answer.clone();
            }
            self.quiet(ms(10));
        }
        panic!("an answer was promised")
    }

    /// How far it is behind the newest picture of the first stream.
    fn seconds_old(&self, shown: &Thumbnail) -> f64 {
        let status = self.world.shard.stream(self.world.now, &stream(0)).unwrap();
        let ticks = i32::try_from(status.newest_pts.since(shown.pts)).unwrap();
        f64::from(ticks) / 90_000.0
    }
}

#[test]
fn nobody_asks_and_there_is_no_child() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(5_000));
    assert_eq!(lobby.spawns, 0);
}

#[test]
fn the_newest_key_frame_is_shown_and_shown_again_for_two_seconds() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(3_500));
    let first = lobby.seen(0).unwrap();
    assert_eq!(lobby.seconds_old(&first), 0.5, "the key frame of second 3");
    assert_eq!(first.jpeg, Bytes::from(first.pts.0.to_be_bytes().to_vec()));
    lobby.live(ms(1_900));
    assert_eq!(lobby.ask(0), Some(Ok(first.clone())), "it is fresh enough");
    lobby.live(ms(200));
    let second = lobby.seen(0).unwrap();
    assert_eq!(second.pts.since(first.pts), 2 * 90_000);
    assert_eq!((lobby.spawns, lobby.children.len()), (1, 1));
    assert_eq!(lobby.steps, [ThumbnailStep::Made; 2]);
    // Ten seconds after the last question the child goes.
    lobby.live(ms(9_900));
    assert_eq!(lobby.children.len(), 1);
    lobby.live(ms(200));
    assert!(lobby.children.is_empty());
    assert!(lobby.seen(0).is_ok());
    assert_eq!(lobby.spawns, 2);
}

#[test]
fn without_a_newer_key_frame_nothing_is_made_again() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(3_500));
    let shown = lobby.seen(0).unwrap();
    lobby.world.input(Input::RtmpClosed { conn: ConnId(0) });
    lobby.quiet(ms(15_000));
    assert_eq!(
        lobby.ask(0),
        Some(Ok(shown)),
        "interrupted, it shows its last picture"
    );
    assert_eq!(lobby.steps.len(), 1);
    lobby.quiet(ms(10_000));
    let gone = ThumbnailError::NoStream("s0".to_owned());
    assert_eq!(lobby.ask(0), Some(Err(gone)), "over, it shows nothing");
}

#[test]
fn a_stream_interrupted_before_anybody_asked_still_shows_its_last_picture() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(2_500));
    lobby.world.input(Input::RtmpClosed { conn: ConnId(0) });
    lobby.quiet(ms(5_000));
    let shown = lobby.seen(0).unwrap();
    assert_eq!(lobby.seconds_old(&shown), 0.5);
}

#[test]
fn all_who_ask_meanwhile_are_answered_by_one_picture() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(1_500));
    for _ in 0..100 {
        assert_eq!(lobby.ask(0), None);
    }
    lobby.quiet(ms(100));
    assert_eq!(lobby.answers.len(), 1);
    assert_eq!((lobby.spawns, lobby.steps.len()), (1, 1));
}

#[test]
fn whoever_waits_is_answered_within_three_seconds() {
    let mut lobby = Lobby::new(1);
    lobby.starts = false;
    lobby.live(ms(1_500));
    let asked = lobby.world.now;
    let answer = lobby.seen(0);
    assert!(answer.is_err(), "{answer:?}");
    assert!(lobby.world.now - asked <= ms(3_020));
    // A child that is never ready is not tried in vain all the time.
    let spawns = lobby.spawns;
    for _ in 0..5 {
        assert!(lobby.ask(0).unwrap().is_err());
    }
    assert_eq!(lobby.spawns, spawns);
    lobby.starts = true;
    lobby.live(ms(1_100));
    assert!(lobby.seen(0).is_ok());
}

#[test]
fn a_key_frame_that_kills_its_child_is_not_tried_again() {
    let mut lobby = Lobby::new(1);
    lobby.works = false;
    lobby.live(ms(1_500));
    assert_eq!(lobby.ask(0), None);
    lobby.quiet(ms(50));
    let (child, bad) = lobby.given[0];
    lobby.die(child);
    assert!(lobby.answers[0].1.is_err(), "who waited is told at once");
    assert_eq!(lobby.steps, [ThumbnailStep::Failed]);
    lobby.world.input(Input::RtmpClosed { conn: ConnId(0) });
    for _ in 0..15 {
        lobby.quiet(ms(1_000));
        assert!(matches!(lobby.ask(0), Some(Err(ThumbnailError::Failed(_)))));
    }
    assert_eq!(lobby.spawns, 1);
    // The publisher returns, and with it another key frame.
    let publisher = lobby.world.publish(7, "s0");
    lobby
        .world
        .send(publisher.conn, publisher.video_config(AVCC));
    (lobby.publishers, lobby.frames, lobby.works) = (vec![publisher], 0, true);
    lobby.live(ms(200));
    assert!(lobby.seen(0).unwrap().pts > bad);
}

#[test]
fn a_child_that_hangs_is_killed_and_each_failure_is_waited_after_for_longer() {
    let mut lobby = Lobby::new(1);
    lobby.works = false;
    lobby.live(ms(1_500));
    let mut tries = Vec::new();
    let begun = lobby.world.now;
    while lobby.world.now - begun < Duration::from_secs(60) {
        if lobby.ask(0).is_none() && lobby.spawns > tries.len() {
            tries.push(lobby.world.now);
        }
        lobby.live(ms(100));
        if lobby.spawns > tries.len() {
            tries.push(lobby.world.now);
        }
    }
    let gaps: Vec<u64> = tries
        .windows(2)
        .map(|two| (two[1] - two[0]).as_secs())
        .collect();
    // Three seconds of silence, and a wait that doubles.
    assert!(tries.len() >= 4, "{gaps:?}");
    assert!(gaps.windows(2).all(|two| two[1] > two[0]), "{gaps:?}");
    assert!(lobby.children_max == 1);
    lobby.works = true;
    lobby.live(Duration::from_secs(61));
    assert!(lobby.seen(0).is_ok());
}

#[test]
fn one_that_died_idle_is_replaced_at_the_next_question() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(1_500));
    let first = lobby.seen(0).unwrap();
    let child = lobby.children[0];
    lobby.die(child);
    lobby.live(ms(2_100));
    assert_eq!(lobby.spawns, 1, "nobody asks");
    let asked = lobby.world.now;
    assert!(lobby.seen(0).unwrap().pts > first.pts);
    assert!(
        lobby.world.now - asked < ms(100),
        "there is nothing to wait for"
    );
    assert_eq!(lobby.steps, [ThumbnailStep::Made; 2]);
}

#[test]
fn so_many_children_at_once_and_each_stream_in_its_turn() {
    let mut lobby = Lobby::with(12, 4);
    lobby.live(ms(1_500));
    let mut shown = [0; 12];
    for _ in 0..30 {
        for n in 0..12 {
            if let Some(answer) = lobby.ask(n) {
                answer.unwrap();
            }
        }
        lobby.live(ms(1_000));
        for (name, answer) in std::mem::take(&mut lobby.answers) {
            if answer.is_ok() {
                let n: usize = name[1..].parse().unwrap();
                shown[n] += 1;
            }
        }
    }
    assert_eq!(lobby.children_max, 4);
    assert!(shown.iter().all(|count| *count >= 2), "{shown:?}");
    // To start one costs more than a picture: each serves for two seconds at least.
    assert!(lobby.spawns <= 4 * 16, "{}", lobby.spawns);
}

#[test]
fn who_finds_no_place_is_shown_an_older_picture_or_waits() {
    let mut lobby = Lobby::with(2, 1);
    lobby.live(ms(1_500));
    let first = lobby.seen(0).unwrap();
    // The place is idle, but was not for long.
    let asked = lobby.world.now;
    lobby.seen(1).unwrap();
    assert!((ms(1_900)..ms(2_300)).contains(&(lobby.world.now - asked)));
    // Now the other one has it.
    lobby.live(ms(1_000));
    assert_eq!(lobby.ask(0), Some(Ok(first.clone())));
    lobby.live(ms(2_500));
    let Some(Ok(second)) = lobby.ask(0) else {
        panic!("it stood in line meanwhile")
    };
    assert!(second.pts > first.pts);
}

#[test]
fn what_cannot_be_shown_is_said() {
    let mut lobby = Lobby::with(1, 0);
    lobby.live(ms(1_500));
    assert_eq!(lobby.ask(0), Some(Err(ThumbnailError::Off)));
    let mut lobby = Lobby::new(1);
    let name = || "s0".to_owned();
    assert_eq!(lobby.ask(0), Some(Err(ThumbnailError::NotLive(name()))));
    let unknown = ThumbnailError::NoStream("s9".to_owned());
    assert_eq!(lobby.ask(9), Some(Err(unknown)));
    assert_eq!(lobby.spawns, 0);
}

#[test]
fn sound_alone_shows_nothing() {
    let mut world = World::new();
    let publisher = world.publish(1, "s0");
    world.send(publisher.conn, publisher.audio_config());
    for n in 0..200 {
        world.send(publisher.conn, publisher.audio(n * 21));
        world.pass(ms(21));
    }
    let answer = world.shard.thumbnail(world.now, &stream(0));
    assert_eq!(answer, Some(Err(ThumbnailError::NoVideo("s0".to_owned()))));
}

#[test]
fn a_stream_that_ends_lets_nobody_wait() {
    let mut lobby = Lobby::new(1);
    lobby.works = false;
    lobby.live(ms(1_500));
    assert_eq!(lobby.ask(0), None);
    lobby.quiet(ms(50));
    lobby
        .world
        .shard
        .end_stream(lobby.world.now, &stream(0))
        .unwrap();
    lobby.world.drain();
    lobby.turn();
    let gone = ThumbnailError::NoStream("s0".to_owned());
    assert_eq!(lobby.answers, [("s0".to_owned(), Err(gone))]);
    assert_eq!(
        (lobby.spawns, lobby.children.len()),
        (1, 0),
        "it was killed"
    );
}

#[test]
fn a_picture_that_was_not_asked_for_is_not_shown() {
    let mut lobby = Lobby::new(1);
    lobby.live(ms(1_500));
    let shown = lobby.seen(0).unwrap();
    let child = lobby.children[0];
    lobby.make(child, Pts(shown.pts.0 + 90_000));
    assert_eq!(lobby.ask(0), Some(Ok(shown)));
}
