//! A server that is killed and started again goes on with its shows: one kept what it was told to keep.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{AVCC, WALL, World, name, notice};
use cues::{Armed, At, Change, CueRequest, LoggedCue, Memory, Saved, SavedAnswer};
use engine::{CueError, Keep, Output, SavedStream, Show, StreamEvent, StreamState};
use hls::Publication;
use media::{Pts, UnixMillis};

const SECOND: i64 = 90_000;

/// What was told to be kept, summed up.
#[derive(Debug, Default)]
struct Kept {
    show: Option<Show>,
    cues: BTreeMap<u64, LoggedCue>,
    answers: Vec<SavedAnswer>,
    armed: BTreeMap<String, Armed>,
    memory: Memory,
    ended: bool,
}

impl Kept {
    fn take(&mut self, keep: &Keep) {
        match keep {
            Keep::Show(show) => self.show = Some(*show),
            Keep::Ended => self.ended = true,
            Keep::Cues(changes) => changes.iter().cloned().for_each(|it| self.change(it)),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Accepted(logged) => drop(self.cues.insert(logged.cue.cue.seq, logged)),
            Change::Answered { request, receipt } => self.answers.push(SavedAnswer {
                age: Duration::from_secs(20),
                request,
                receipt,
            }),
            Change::Armed { name, armed } => drop(self.armed.insert(name, armed)),
            Change::Disarmed { name } => drop(self.armed.remove(&name)),
            Change::Settled { seq, frame_pts } => {
                self.cues.get_mut(&seq).unwrap().frame_pts = Some(frame_pts);
            }
            Change::Forgotten { seqs, memory } => {
                self.memory = memory;
                self.cues.retain(|seq, _| !seqs.contains(seq));
            }
        }
    }

    fn stream(self) -> SavedStream {
        SavedStream {
            name: name(),
            show: self.show.unwrap(),
            cues: Saved {
                cues: self.cues.into_values().collect(),
                answers: self.answers,
                armed: self.armed.into_iter().collect(),
                memory: self.memory,
                highest: Pts(0),
            },
            numbers_used: 1004,
        }
    }
}

fn kept(world: &World) -> Kept {
    let mut kept = Kept::default();
    for output in &world.out {
        if let Output::Keep { stream, keep } = output {
            assert_eq!(stream, &name());
            kept.take(keep);
        }
    }
    kept
}

fn cards(world: &World, pts: Pts) -> Vec<String> {
    let (_, cards) = world.shard.state(&name(), Some(pts)).unwrap();
    cards.into_iter().map(|card| card.card_id).collect()
}

fn publish(world: &mut World, frames: u32) {
    let publisher = world.publish(1, "show");
    world.send(publisher.conn, publisher.video_config(AVCC));
    world.frames(&publisher, 0, frames, 30);
}

fn insert(world: &mut World, request: CueRequest) -> cues::Receipt {
    let inserted = world.shard.insert_cue(world.now, &name(), request);
    world.drain();
    inserted.unwrap()
}

/// Number and discontinuity sequence of each video segment that began.
fn segments(world: &World) -> Vec<(u64, u64, bool)> {
    let head = |output: &Output| match output {
        Output::Hls {
            publication: Publication::Opened(head),
            ..
        } => Some((head.msn.0, head.discontinuity_sequence, head.discontinuity)),
        _ => None,
    };
    world.out.iter().filter_map(head).collect()
}

/// Nine seconds of a show with a card on screen, one to come and one prepared, and the server that comes after it 20 s
/// after its beginning.
fn killed() -> (World, World) {
    let mut first = World::new();
    publish(&mut first, 200);
    insert(&mut first, notice("shown", At::Now));
    let later = Pts(10 * SECOND + 60 * SECOND);
    insert(&mut first, notice("later", At::Pts(later)));
    let armed = vec![notice("armed", At::Now)];
    first.shard.arm(&name(), "scene", armed).unwrap();
    let taken_back = insert(&mut first, notice("back", At::Pts(later)));
    first
        .shard
        .cancel_cue(first.now, &name(), taken_back.cue.cue.seq)
        .unwrap();
    first.drain();
    first.pass(Duration::from_secs(2));
    let saved = kept(&first).stream();
    let mut second = World::at(UnixMillis(WALL.0 + 20_000));
    assert!(second.shard.restore(second.now, saved));
    second.drain();
    (first, second)
}

#[test]
fn a_show_goes_on_after_a_kill() {
    let (first, mut second) = killed();
    let before = first.shard.stream(first.now, &name()).unwrap();
    let after = second.shard.stream(second.now, &name()).unwrap();
    assert_eq!(after.state, StreamState::Interrupted);
    assert_eq!((after.epoch, after.rtp_offset), (1, before.rtp_offset));
    assert!(after.newest_pts >= before.newest_pts);
    let told = second.shard.snapshot(second.now, &name()).unwrap();
    let snapshot: String = told.iter().map(|one| one.text.as_ref()).collect();
    for part in [
        "\"state\":\"interrupted\",\"epoch\":1,",
        &format!("\"k\":{},\"anchor_utc_ms\":", before.rtp_offset),
        "\"last_seq\":1004,",
    ] {
        assert!(snapshot.contains(part), "{part} in {snapshot}");
    }
    assert_eq!(cards(&second, after.newest_pts), ["shown"]);
    let offer = second.shard.offer(second.now, &name(), "v=0\r\n");
    assert!(matches!(offer, Err(engine::OfferError::Interrupted(_))));
    // Its publisher is back 5 s later: the timeline has gone on by the wall clock.
    second.pass(Duration::from_secs(5));
    publish(&mut second, 150);
    let live = second.shard.stream(second.now, &name()).unwrap();
    assert_eq!((live.state, live.epoch), (StreamState::Live, 2));
    assert_eq!(live.rtp_offset, before.rtp_offset);
    let begun = second.out.iter().find_map(|output| match output {
        Output::Stream {
            event: StreamEvent::Live { epoch: 2 },
            pts,
            ..
        } => Some(*pts),
        _ => None,
    });
    // Its first frame, on the line of the first epoch.
    let anchored = Pts(10 * SECOND).0 + 25 * SECOND;
    assert!(
        (begun.unwrap().0 - anchored).abs() < SECOND / 30,
        "{begun:?}"
    );
    assert_eq!(cards(&second, live.newest_pts), ["shown"]);
    assert_eq!(cards(&second, Pts(70 * SECOND)), ["shown", "later"]);
    let fired = second
        .shard
        .fire(second.now, &name(), "scene", At::Now)
        .unwrap();
    assert_eq!(fired[0].cue.cue.seq, 1005);
    assert_eq!(fired[0].cue.cue.epoch, 2);
}

#[test]
fn a_card_that_was_to_come_is_in_its_picture() {
    let (_, mut second) = killed();
    // To 72 s of the show, and the card is due at 70 s.
    publish(&mut second, 30 * 52);
    let head = [&media::sei::OWN_UUID[..], b"\x11{\"v\":1,"].concat();
    let parts = second.out.iter().filter_map(|output| match output {
        Output::Hls {
            publication: Publication::Part(part),
            ..
        } => Some(&part.body),
        _ => None,
    });
    let in_pictures = parts
        .flat_map(|body| body.windows(head.len() + 60))
        .filter(|window| window.starts_with(&head))
        .map(|window| String::from_utf8_lossy(&window[head.len()..]).into_owned());
    let told: Vec<String> = in_pictures.collect();
    // And that another one is taken back.
    let numbers = ["\"seq\":2,", "\"seq\":4,"];
    assert_eq!(told.len(), numbers.len(), "{told:?}");
    for (told, number) in told.iter().zip(numbers) {
        assert!(told.contains(number), "{told}");
    }
}

#[test]
fn whoever_asks_again_gets_the_same_answer() {
    let (_, mut second) = killed();
    let again = insert(&mut second, notice("shown", At::Now));
    assert!(again.replayed);
    assert_eq!(again.cue.cue.seq, 1);
    let other = CueRequest {
        at: At::Pts(Pts(1)),
        ..notice("shown", At::Now)
    };
    let refused = second.shard.insert_cue(second.now, &name(), other);
    assert!(matches!(
        refused,
        Err(CueError::Refused(cues::InsertError::KeyReused))
    ));
}

#[test]
fn playlists_go_on_past_what_they_were_and_say_of_cards_what_they_said() {
    let (first, mut second) = killed();
    publish(&mut second, 150);
    let (before, after) = (segments(&first), segments(&second));
    let (last, next) = (before.last().unwrap(), after[0]);
    assert!(
        next.0 > last.0 && next.1 > last.1 && next.2,
        "{last:?} {next:?}"
    );
    let ranges = |world: &World| {
        let mut lines = BTreeMap::new();
        for output in &world.out {
            if let Output::Hls { publication, .. } = output {
                match publication {
                    Publication::DateRange(range) => {
                        lines.insert(range.id.clone(), range.line.clone());
                    }
                    Publication::DateRangeTakenBack(id) => drop(lines.remove(id)),
                    _ => {}
                }
            }
        }
        lines
    };
    assert_eq!(ranges(&second), ranges(&first));
    assert_eq!(ranges(&second).len(), 2, "shown and later");
}

#[test]
fn a_show_that_nobody_returns_to_is_over_and_no_longer_kept() {
    let (_, mut second) = killed();
    second.pass(Duration::from_secs(19));
    assert!(second.shard.stream(second.now, &name()).is_some());
    second.pass(Duration::from_secs(2));
    assert!(second.shard.stream(second.now, &name()).is_none());
    assert!(kept(&second).ended);
}

#[test]
fn where_a_show_stands_is_told_about_once_a_second_and_its_cues_at_once() {
    let mut world = World::new();
    publish(&mut world, 300);
    let shows = |world: &World| {
        let is_show = |output: &&Output| {
            matches!(
                output,
                Output::Keep {
                    keep: Keep::Show(_),
                    ..
                }
            )
        };
        world.out.iter().filter(is_show).count()
    };
    // Made, begun, two constants, ten seconds, five segments.
    assert!((10..=20).contains(&shows(&world)), "{}", shows(&world));
    world.out.clear();
    insert(&mut world, notice("a", At::Now));
    let first = world.out.iter().find_map(|output| match output {
        Output::Keep {
            keep: Keep::Cues(changes),
            ..
        } => Some(changes.len()),
        _ => None,
    });
    assert_eq!(first, Some(2), "the cue and its answer are one");
}

#[test]
fn a_show_killed_twice_before_its_publisher_is_back_is_the_same_show() {
    let (_, second) = killed();
    // Nothing new was told of where it stands, so the next start has what this one had.
    assert!(kept(&second).show.is_none());
}
