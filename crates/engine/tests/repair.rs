//! What WebRTC viewers cannot be sent as it is goes through a child: which pictures it is given, when it lives, and what is
//! said while it does not. The child's own work is tested with the child.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{AVCC, AVCC_B_FRAMES, Publisher, WALL, World, name, offer};
use engine::{
    ChildEvent, ChildId, ChildKind, Input, OfferError, Output, RepairState, RepairStatus,
    StreamEvent,
};
use media::Pts;
use transcode::{FromChild, Picture, Start, ToChild};

const I: &[u8] = &[0x65, 0x88, 1, 2];
const P: &[u8] = &[0x41, 0x9a, 1, 2];
const B: &[u8] = &[0x01, 0x9e, 1, 2];
const FRAME: i64 = 3_000;
/// 4:2:2, and what a child makes of anything.
const AVCC_422: &[u8] = &[
    0x01, 0x7a, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x7a, 0x00, 0x0d, 0xbc, 0xb4, 0x0a, 0x0c,
    0xfc, 0x6e, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x07, 0x81, 0xe2, 0x85, 0x54,
    0x01, 0x00, 0x04, 0x68, 0xce, 0x0f, 0xc8, 0xfe, 0xf8, 0xf8, 0x00,
];
/// High, level 1.3, 320 x 180, grey.
const AVCC_GREY: &[u8] = &[
    0x01, 0x64, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x0d, 0xf2, 0xc8, 0x0a, 0x0c,
    0xfc, 0x6e, 0x02, 0xd9, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x14,
    0x2a, 0x48, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xc3, 0xcb, 0x22, 0xc0, 0xfc, 0xf8, 0xf8, 0x00,
];
const MADE: &str = "avc1.42c00d";

/// A stream at 30 frames a second, fed in decode order, and the child that repairs it.
struct Show {
    world: World,
    publisher: Publisher,
    child: Option<ChildId>,
    /// Sent so far.
    frames: u32,
    /// The child does its work, at once.
    works: bool,
    /// The last that it was asked for.
    made: Option<Pts>,
}

impl Show {
    fn new(avcc: &[u8]) -> Self {
        Self::with_cores(avcc, 1.0)
    }

    fn with_cores(avcc: &[u8], cores: f64) -> Self {
        let mut world = World::with(WALL, |config| config.repair_cores = cores);
        let publisher = world.publish(1, "show");
        world.send(publisher.conn, publisher.video_config(avcc));
        Self {
            world,
            publisher,
            child: None,
            frames: 0,
            works: false,
            made: None,
        }
    }

    /// Sends a picture that is shown `late` pictures after its turn.
    fn picture(&mut self, late: u8, nal: &[u8]) {
        let ms = self.frames * 1_000 / 30;
        let unit = self.publisher.access_unit(ms, late * 33, &[nal]);
        self.frames += 1;
        self.world.send(self.publisher.conn, unit);
        self.world.pass(Duration::from_nanos(33_333_333));
        self.notice_child();
        self.work();
    }

    /// A group with two B-frames between every two others: `I2 P2+ B B P B B`, in decode order.
    fn group_with_b_frames(&mut self, length: u32) {
        for n in 0..length {
            match n {
                0 => self.picture(1, I),
                n if n % 3 == 1 => self.picture(3, P),
                _ => self.picture(0, B),
            }
        }
    }

    fn notice_child(&mut self) {
        let asked_for = self.world.out.iter().rev().find_map(|output| match output {
            Output::ChildSpawn { child, .. } if child.kind == ChildKind::Video => Some(*child),
            _ => None,
        });
        self.child = asked_for.or(self.child);
    }

    /// Answers with the newest picture that is to come back.
    fn work(&mut self) {
        let asked = self.world.out.iter().rev().find_map(|output| match output {
            Output::ChildSend {
                message: ToChild::Picture(picture),
                ..
            } => picture.wanted.then_some(picture.pts),
            _ => None,
        });
        if let Some(pts) = asked.filter(|_| self.works && asked != self.made) {
            self.made = asked;
            self.answer(pts);
        }
    }

    fn answer(&mut self, pts: Pts) {
        self.tell(ChildEvent::Message(FromChild::Picture(Picture {
            pts,
            keyframe: true,
            payload: Bytes::from_static(&[0, 0, 0, 4, 0x65, 0x88, 1, 2]),
        })));
    }

    fn tell(&mut self, event: ChildEvent) {
        let child = self.child.expect("a child was asked for");
        self.world.input(Input::Child { child, event });
    }

    /// The child that was asked for comes up.
    fn child_comes_up(&mut self) {
        self.tell(ChildEvent::Spawned);
        self.tell(ChildEvent::Message(FromChild::Ready));
    }

    /// It says that it cannot, and is gone.
    fn fails(&mut self) {
        self.world.out.clear();
        self.tell(ChildEvent::Message(FromChild::Failed {
            message: "no encoder".into(),
        }));
        self.tell(ChildEvent::Exited {
            description: "exit status: 1".into(),
        });
    }

    /// What the child was told since the last time, and the rest is forgotten.
    fn told(&mut self) -> Vec<ToChild> {
        let told = std::mem::take(&mut self.world.out).into_iter();
        told.filter_map(|output| match output {
            Output::ChildSend { child, message } if child.kind == ChildKind::Video => Some(message),
            _ => None,
        })
        .collect()
    }

    /// The pictures among that: time, counted in frames from `zero`, and whether it is to come back.
    fn pictures(&mut self, zero: Pts) -> Vec<(i64, bool)> {
        let told = self.told().into_iter();
        told.filter_map(|message| match message {
            ToChild::Picture(picture) => Some((picture.pts.since(zero) / FRAME, picture.wanted)),
            _ => None,
        })
        .collect()
    }

    fn offer(&mut self) -> Result<(), OfferError> {
        let offer = self
            .world
            .shard
            .offer(self.world.now, &name(), &offer("recvonly"));
        self.world.drain();
        self.notice_child();
        offer.map(|_| ())
    }

    /// The child comes up, and does its work from now on.
    fn child_works(&mut self) {
        self.child_comes_up();
        self.works = true;
        self.tell(ChildEvent::Message(FromChild::Configuration(
            Bytes::from_static(AVCC),
        )));
    }

    /// What LL-HLS was told its pictures are, and where its segments begin.
    fn packaged(&self) -> (Vec<String>, Vec<Pts>) {
        let (mut codecs, mut starts) = (Vec::new(), Vec::new());
        for output in &self.world.out {
            let Output::Hls { publication, .. } = output else {
                continue;
            };
            match publication {
                hls::Publication::Init(init) => codecs.push(init.codecs.clone()),
                hls::Publication::Opened(head) => starts.push(head.first_pts),
                _ => {}
            }
        }
        (codecs, starts)
    }

    fn repair(&self) -> RepairStatus {
        self.try_repair().unwrap()
    }

    /// `None` while nothing is repaired.
    fn try_repair(&self) -> Option<RepairStatus> {
        let status = self.world.shard.stream(self.world.now, &name());
        status?.video?.repair
    }

    /// What a verdict says it costs.
    fn cost(&self, code: &str) -> &'static str {
        let status = self.world.shard.stream(self.world.now, &name()).unwrap();
        let found = status.verdicts.iter().find(|verdict| verdict.code == code);
        found.unwrap().cost
    }

    fn verdicts(&self) -> Vec<&'static str> {
        let status = self.world.shard.stream(self.world.now, &name()).unwrap();
        status.verdicts.iter().map(|verdict| verdict.code).collect()
    }

    fn lived(&self) -> usize {
        let spawned = |output: &&Output| matches!(output, Output::ChildSpawn { child, .. } if child.kind == ChildKind::Video);
        self.world.out.iter().filter(spawned).count()
    }
}

#[test]
fn a_child_that_begins_in_the_middle_is_given_the_group_and_asked_for_what_is_new() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.group_with_b_frames(7);
    assert!(show.told().is_empty(), "it is not there yet");
    show.tell(ChildEvent::Spawned);
    let start = show.told();
    let [ToChild::Start(Start::VideoToH264(start))] = &start[..] else {
        panic!("{start:?}")
    };
    // 320 x 180 at 30 per second would be 172 kbit/s.
    assert_eq!(
        (start.frame_rate_milli, start.bitrate_bps),
        (30_000, 300_000)
    );
    show.tell(ChildEvent::Message(FromChild::Ready));
    let status = show.world.shard.stream(show.world.now, &name()).unwrap();
    let zero = Pts(status.newest_pts.0 - 7 * FRAME);
    // Of the group the last that a decoder needs to show one, and all that come now.
    let group = [
        (1, false),
        (4, true),
        (2, false),
        (3, true),
        (7, true),
        (5, true),
        (6, true),
    ];
    assert_eq!(show.pictures(zero), group);
    show.picture(3, P);
    show.picture(0, B);
    assert_eq!(show.pictures(zero), [(10, true), (8, true)]);
}

#[test]
fn a_source_that_needs_nothing_has_no_child() {
    let mut show = Show::new(AVCC);
    for n in 0..300 {
        show.picture(0, if n % 60 == 0 { I } else { P });
    }
    assert_eq!(show.lived(), 0);
    show.offer().unwrap();
    assert_eq!(show.lived(), 0);
}

#[test]
fn b_frames_that_nothing_announced_are_repaired_from_the_first_on() {
    let mut show = Show::new(AVCC);
    show.picture(1, I);
    show.picture(3, P);
    assert_eq!(show.lived(), 0);
    show.picture(0, B);
    assert_eq!(show.lived(), 1);
    assert_eq!(show.verdicts(), [] as [&str; 0]);
}

#[test]
fn a_group_that_does_not_end_is_repaired_after_four_seconds() {
    let mut show = Show::new(AVCC);
    show.picture(0, I);
    for _ in 0..119 {
        show.picture(0, P);
    }
    assert_eq!(show.lived(), 0);
    for _ in 0..2 {
        show.picture(0, P);
    }
    assert_eq!(show.lived(), 1);
    // The viewers have had the pictures so far, so none of them comes back.
    show.child_comes_up();
    let pictures = show.pictures(Pts(0));
    assert_eq!(pictures.len(), 122);
    assert!(pictures.iter().all(|(_, wanted)| !wanted));
    show.picture(0, P);
    assert!(matches!(show.pictures(Pts(0))[..], [(_, true)]));
}

#[test]
fn nobody_watching_for_ten_seconds_ends_it_and_an_offer_brings_it_back() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.group_with_b_frames(30);
    show.works = true;
    show.child_comes_up();
    for _ in 0..8 {
        show.group_with_b_frames(30);
    }
    assert!(!show.told().contains(&ToChild::Stop));
    show.group_with_b_frames(60);
    assert!(show.told().contains(&ToChild::Stop));
    show.tell(ChildEvent::Exited {
        description: "exit status: 0".into(),
    });
    show.group_with_b_frames(30);
    assert_eq!(show.lived(), 0);
    show.offer().unwrap();
    assert_eq!(show.lived(), 1);
}

#[test]
fn a_child_that_falls_behind_is_ended_and_viewers_are_told_until_it_is_tried_again() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.group_with_b_frames(3);
    show.child_comes_up();
    show.offer().unwrap();
    show.works = true;
    show.group_with_b_frames(3);
    // It makes one picture in two seconds.
    show.works = false;
    let made = show.made.unwrap();
    show.group_with_b_frames(54);
    show.answer(Pts(made.0 + FRAME));
    show.group_with_b_frames(15);
    assert!(!show.verdicts().contains(&"repair_too_slow"));
    show.answer(Pts(made.0 + 2 * FRAME));
    show.group_with_b_frames(54);
    assert!(!show.verdicts().contains(&"repair_too_slow"));
    show.group_with_b_frames(15);
    show.answer(Pts(made.0 + 3 * FRAME));
    show.group_with_b_frames(15);
    assert!(show.verdicts().contains(&"repair_too_slow"));
    assert!(show.told().contains(&ToChild::Stop));
    let Err(OfferError::Refused(sfu::Refusal::Withheld(why))) = show.offer() else {
        panic!("nothing could be sent")
    };
    assert_eq!(why.why, sfu::NotRepaired::Busy);
    show.tell(ChildEvent::Exited {
        description: "killed".into(),
    });
    show.group_with_b_frames(240);
    assert_eq!(show.lived(), 0);
    // Somebody still waits when it may be tried again.
    show.world.out.clear();
    for _ in 0..4 {
        let _ = show.offer();
        show.group_with_b_frames(30);
    }
    assert_eq!(show.lived(), 1);
}

#[test]
fn one_that_hangs_is_killed_and_replaced_and_not_called_slow() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.group_with_b_frames(3);
    show.child_comes_up();
    show.offer().unwrap();
    show.works = true;
    show.group_with_b_frames(3);
    // It has made pictures, and makes no other.
    show.works = false;
    show.group_with_b_frames(84);
    assert!(!killed(&show));
    show.group_with_b_frames(15);
    assert!(killed(&show));
    assert!(!show.verdicts().contains(&"repair_too_slow"));
    show.world.out.clear();
    show.tell(ChildEvent::Exited {
        description: "killed".into(),
    });
    show.group_with_b_frames(6);
    assert_eq!(show.lived(), 1, "after the back-off's 100 ms");
}

fn killed(show: &Show) -> bool {
    let mut out = show.world.out.iter();
    out.any(|output| matches!(output, Output::ChildKill { .. }))
}

#[test]
fn one_that_never_makes_a_picture_is_told_of_and_tried_ever_more_rarely() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.group_with_b_frames(30);
    let dies = |show: &mut Show| {
        show.child_comes_up();
        show.group_with_b_frames(6);
        assert!(!show.verdicts().contains(&"repair_fails"));
        show.fails();
        show.group_with_b_frames(30);
    };
    show.offer().unwrap();
    dies(&mut show);
    dies(&mut show);
    assert_eq!(show.lived(), 1);
    show.offer().unwrap();
    dies(&mut show);
    assert_eq!(show.lived(), 0);
    assert!(show.verdicts().contains(&"repair_fails"));
    assert_eq!(show.repair().state, RepairState::Resting);
    let Err(OfferError::Refused(sfu::Refusal::Withheld(why))) = show.offer() else {
        panic!("nothing could be sent")
    };
    assert_eq!(why.why, sfu::NotRepaired::Fails);
    // The fourth death is enough when it is tried again.
    show.world.out.clear();
    show.group_with_b_frames(290);
    show.offer().unwrap();
    assert_eq!(show.lived(), 1);
    show.child_comes_up();
    show.fails();
    show.group_with_b_frames(570);
    assert_eq!(show.lived(), 0, "after ten seconds, then after twenty");
    // And it is forgotten once one makes pictures.
    show.group_with_b_frames(60);
    show.offer().unwrap();
    show.child_works();
    show.group_with_b_frames(30);
    assert!(!show.verdicts().contains(&"repair_fails"));
    assert_eq!(show.repair().state, RepairState::Running);
}

#[test]
fn its_death_is_followed_by_another_and_told_as_no_interruption() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.group_with_b_frames(30);
    for _ in 0..10 {
        show.child_works();
        show.group_with_b_frames(6);
        show.world.out.clear();
        show.works = false;
        show.tell(ChildEvent::Exited {
            description: "signal: 9".into(),
        });
        // The back-off is at most five seconds; then it is given three to come up.
        for _ in 0..6 {
            if show.lived() == 0 {
                show.group_with_b_frames(30);
            }
        }
        assert_eq!(show.lived(), 1);
        let told = show.world.out.iter().any(|output| {
            matches!(
                output,
                Output::Stream {
                    event: StreamEvent::Interrupted,
                    ..
                }
            )
        });
        assert!(!told);
        let _ = show.offer();
    }
}

#[test]
fn what_the_machine_cannot_carry_is_refused_with_a_verdict_before_it_begins() {
    // 320 x 180 at 30 per second takes 0.036 of a core.
    let mut show = Show::with_cores(AVCC_B_FRAMES, 0.03);
    show.group_with_b_frames(30);
    assert_eq!(show.lived(), 0);
    assert!(show.verdicts().contains(&"repair_refused"));
    assert!(matches!(
        show.offer(),
        Err(OfferError::Refused(sfu::Refusal::Withheld(sfu::Withheld {
            why: sfu::NotRepaired::Busy,
            ..
        })))
    ));
}

#[test]
fn who_comes_when_nobody_has_asked_for_long_is_refused_too_while_there_is_no_room() {
    let mut show = Show::with_cores(AVCC_B_FRAMES, 0.03);
    for _ in 0..12 {
        show.group_with_b_frames(30);
    }
    assert!(
        !show.verdicts().contains(&"repair_refused"),
        "nobody knows what there would be room for now"
    );
    let refused = show.offer();
    assert!(matches!(
        refused,
        Err(OfferError::Refused(sfu::Refusal::Withheld(_)))
    ));
    show.group_with_b_frames(30);
    assert!(show.verdicts().contains(&"repair_refused"));
    assert_eq!(show.lived(), 0);
}

#[test]
fn a_publisher_who_comes_back_without_what_needed_repair_is_told_of_no_trouble() {
    let mut show = Show::with_cores(AVCC_B_FRAMES, 0.03);
    show.group_with_b_frames(30);
    assert!(show.verdicts().contains(&"repair_refused"));
    let conn = show.publisher.conn;
    show.world.input(Input::RtmpClosed { conn });
    show.publisher = show.world.publish(2, "show");
    let config = show.publisher.video_config(AVCC);
    show.world.send(show.publisher.conn, config);
    show.frames = 0;
    for n in 0..60 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.verdicts(), [] as [&str; 0]);
    show.offer().unwrap();
}

#[test]
fn where_it_is_turned_off_viewers_are_told_the_setting() {
    let mut show = Show::with_cores(AVCC_B_FRAMES, 0.0);
    show.group_with_b_frames(30);
    assert_eq!(show.lived(), 0);
    let refusal = show.offer().unwrap_err().to_string();
    assert!(refusal.contains("bframes=0"), "{refusal}");
    let cost = show.cost("b_frames");
    assert!(cost.contains("transcoder.repair_percent"), "{cost}");
    // Key frames too far apart keep nobody from watching.
    let mut show = Show::with_cores(AVCC, 0.0);
    show.picture(0, I);
    for _ in 0..150 {
        show.picture(0, P);
    }
    show.offer().unwrap();
    assert_eq!(show.lived(), 0);
}

#[test]
fn one_stream_makes_room_for_the_next() {
    let mut show = Show::with_cores(AVCC_B_FRAMES, 0.05);
    show.group_with_b_frames(3);
    assert_eq!(show.lived(), 1);
    let second = show.world.publish(2, "second");
    let send = |show: &mut Show, ms: u32, nal: &[u8]| {
        show.world
            .send(second.conn, second.access_unit(ms, 0, &[nal]));
    };
    show.world
        .send(second.conn, second.video_config(AVCC_B_FRAMES));
    show.world.out.clear();
    send(&mut show, 0, I);
    assert_eq!(show.lived(), 0);
    // The first ends for good; whoever then asks for the second is served once it may be tried again.
    show.world.input(Input::RtmpClosed {
        conn: show.publisher.conn,
    });
    for n in 1..40 {
        send(&mut show, n * 1_000, if n % 2 == 0 { I } else { P });
        show.world.pass(Duration::from_secs(1));
        let name = engine::StreamName::parse("second").unwrap();
        let _ = show
            .world
            .shard
            .offer(show.world.now, &name, &offer("recvonly"));
        show.world.drain();
    }
    assert_eq!(show.lived(), 1);
}

#[test]
fn colours_that_browsers_do_not_show_are_repaired_for_ll_hls_from_the_first_picture_on() {
    let mut show = Show::new(AVCC_422);
    show.picture(0, I);
    show.picture(0, P);
    assert_eq!(show.packaged(), (vec![], vec![]), "nothing yet");
    show.child_works();
    // Nobody watches by WebRTC, and LL-HLS goes on.
    for n in 0..600 {
        show.picture(0, if n % 60 == 0 { I } else { P });
    }
    let (codecs, starts) = show.packaged();
    assert_eq!(codecs, [MADE]);
    assert!(starts.len() >= 8, "{starts:?}");
    assert!(show.repair().ll_hls);
    assert_eq!(show.verdicts(), ["profile", "no_sound"]);
    assert!(!show.told().contains(&ToChild::Stop));
}

#[test]
fn grey_pictures_are_repaired_and_the_broadcaster_is_told() {
    let mut show = Show::new(AVCC_GREY);
    show.picture(0, I);
    show.child_works();
    for n in 0..60 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.repair().why, "chroma");
    assert!(show.verdicts().contains(&"profile"));
    assert!(show.cost("profile").contains("encodes the picture again"));
}

#[test]
fn where_the_child_does_not_come_ll_hls_has_the_source_after_five_seconds() {
    let mut show = Show::new(AVCC_422);
    for n in 0..145 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.packaged(), (vec![], vec![]));
    for n in 145..260 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.packaged().0, ["avc1.7a000d"]);
    assert!(!show.repair().ll_hls);
    // It comes later: ten seconds after the source took its place.
    show.tell(ChildEvent::Exited {
        description: "signal: 9".into(),
    });
    for _ in 0..10 {
        show.picture(0, P);
    }
    show.child_works();
    for n in 0..300 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.packaged().0, ["avc1.7a000d", MADE]);
}

#[test]
fn where_repair_is_turned_off_ll_hls_has_the_source_at_once() {
    let mut show = Show::with_cores(AVCC_422, 0.0);
    for n in 0..40 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.packaged().0, ["avc1.7a000d"]);
}

#[test]
fn without_a_key_frame_for_ten_seconds_ll_hls_goes_over_to_pictures_that_have_them() {
    let mut show = Show::new(AVCC);
    show.picture(0, I);
    for _ in 0..125 {
        show.picture(0, P);
    }
    // A WebRTC viewer has them since four seconds; LL-HLS players still join quickly.
    show.offer().unwrap();
    show.child_works();
    for _ in 125..300 {
        show.picture(0, P);
    }
    assert!(!show.repair().ll_hls);
    for _ in 0..60 {
        show.picture(0, P);
    }
    assert!(show.repair().ll_hls);
    let (codecs, starts) = show.packaged();
    assert_eq!(
        codecs,
        [MADE, MADE],
        "the source's are the same in this test"
    );
    assert_eq!(starts.len(), 2, "{starts:?}");
    let seam = starts[1].since(starts[0]) / FRAME;
    assert!((301..=303).contains(&seam), "{seam}");
    // Nobody is left by WebRTC for long, and the source does not get better: not even when its group is too long to be kept.
    for _ in 0..1_500 {
        show.picture(0, P);
    }
    assert!(show.repair().ll_hls);
    assert!(show.packaged().1.len() > 20);
    assert!(matches!(show.told().last(), Some(ToChild::Picture(picture)) if picture.wanted));
}

#[test]
fn a_group_that_outgrows_the_segments_of_the_first_one_is_repaired_for_ll_hls() {
    let mut show = Show::new(AVCC);
    // A scene that begins soon after the stream does: the target duration is two seconds for good.
    for group in [30, 250] {
        show.picture(0, I);
        for _ in 1..group.min(110) {
            show.picture(0, P);
        }
    }
    assert_eq!(show.try_repair(), None, "a wait of less than 4 s");
    for _ in 110..130 {
        show.picture(0, P);
    }
    show.child_works();
    for _ in 130..250 {
        show.picture(0, P);
    }
    assert!(show.repair().ll_hls);
    assert_eq!(show.packaged().0, [MADE, MADE]);
}

#[test]
fn groups_of_eight_seconds_from_the_first_on_are_segments_of_their_own() {
    let mut show = Show::new(AVCC);
    for _ in 0..3 {
        show.picture(0, I);
        for _ in 1..250 {
            show.picture(0, P);
        }
    }
    assert!(!show.repair().ll_hls, "long_gop is for WebRTC viewers");
    assert_eq!(show.packaged().0, [MADE]);
}

#[test]
fn a_child_that_cannot_begin_takes_nothing_from_the_viewers() {
    let mut show = Show::new(AVCC);
    show.picture(0, I);
    for _ in 0..200 {
        show.picture(0, P);
    }
    // It is asked for, and does not come before the group is too long to be kept.
    for _ in 0..900 {
        let _ = show.offer();
        show.picture(0, P);
    }
    show.tell(ChildEvent::Exited {
        description: "not ready".into(),
    });
    for _ in 0..10 {
        show.picture(0, P);
    }
    show.told();
    show.child_comes_up();
    show.picture(0, P);
    assert_eq!(show.pictures(Pts(0)), [], "without its beginning");
    show.picture(0, I);
    assert!(matches!(show.pictures(Pts(0))[..], [(_, true)]));
}

#[test]
fn what_comes_in_one_burst_after_a_pause_is_no_lag() {
    let mut show = Show::new(AVCC_B_FRAMES);
    show.picture(0, I);
    show.offer().unwrap();
    show.child_works();
    for _ in 0..30 {
        show.picture(0, P);
    }
    show.works = false;
    show.world.pass(Duration::from_secs(4));
    let made = show.made.unwrap();
    // All that the line had kept back.
    let conn = show.publisher.conn;
    for n in 0..120 {
        let unit = show
            .publisher
            .access_unit((show.frames + n) * 1_000 / 30, 0, &[P]);
        show.world.send(conn, unit);
    }
    for n in 0..120 {
        show.answer(Pts(made.0 + (1 + n) * FRAME));
        show.world.pass(Duration::from_millis(5));
    }
    show.frames += 120;
    show.works = true;
    for n in 0..90 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert!(!show.verdicts().contains(&"repair_too_slow"));
    assert!(!show.told().contains(&ToChild::Stop));
}

#[test]
fn a_source_that_pauses_does_not_lose_its_repair() {
    let mut show = Show::new(AVCC_422);
    show.picture(0, I);
    show.child_works();
    for n in 0..60 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    show.world.pass(Duration::from_secs(5));
    for n in 0..60 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    assert_eq!(show.packaged().0, [MADE]);
    assert!(show.repair().ll_hls);
}

#[test]
fn a_child_that_falls_behind_gives_ll_hls_back_to_the_source() {
    let mut show = Show::new(AVCC_422);
    show.picture(0, I);
    show.child_works();
    for n in 0..60 {
        show.picture(0, if n % 30 == 0 { I } else { P });
    }
    show.works = false;
    let made = show.made.unwrap();
    for _ in 0..70 {
        show.picture(0, P);
    }
    show.answer(Pts(made.0 + FRAME));
    for _ in 0..65 {
        show.picture(0, P);
    }
    show.answer(Pts(made.0 + 2 * FRAME));
    for n in 0..40 {
        show.picture(0, if n == 10 { I } else { P });
    }
    assert_eq!(show.packaged().0, [MADE, "avc1.7a000d"]);
    assert!(show.verdicts().contains(&"repair_too_slow"));
}

#[test]
fn a_child_that_makes_nothing_does_not_take_ll_hls_away_again_and_again() {
    let mut show = Show::new(AVCC_422);
    show.picture(0, I);
    show.child_comes_up();
    let mut paused = 0;
    for n in 1..1_800 {
        show.picture(0, if n % 30 == 0 { I } else { P });
        paused += usize::from(show.repair().ll_hls);
    }
    let (codecs, starts) = show.packaged();
    assert_eq!((codecs, paused), (vec!["avc1.7a000d".to_owned()], 0));
    let longest = starts.windows(2).map(|pair| pair[1].since(pair[0])).max();
    assert!(longest < Some(4 * 90_000), "{starts:?}");
}

#[test]
fn where_the_source_has_no_key_frame_ll_hls_waits_for_the_next_child() {
    let mut show = Show::new(AVCC);
    show.picture(0, I);
    for _ in 0..125 {
        show.picture(0, P);
    }
    show.offer().unwrap();
    show.child_works();
    for _ in 0..300 {
        show.picture(0, P);
    }
    assert!(show.repair().ll_hls);
    // It hangs, and its successor takes its time.
    show.works = false;
    for _ in 0..100 {
        show.picture(0, P);
    }
    show.tell(ChildEvent::Exited {
        description: "signal: 9".into(),
    });
    for _ in 0..70 {
        show.picture(0, P);
    }
    assert!(show.repair().ll_hls, "the source could not be joined");
    show.child_works();
    show.world.out.clear();
    for _ in 0..60 {
        show.picture(0, P);
    }
    let is_part = |output: &Output| {
        matches!(
            output,
            Output::Hls {
                publication: hls::Publication::Part(_),
                ..
            }
        )
    };
    assert!(show.world.out.iter().any(is_part));
}
