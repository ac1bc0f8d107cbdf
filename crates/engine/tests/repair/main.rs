//! What WebRTC viewers cannot be sent as it is goes through a child: which pictures it is given, when it lives, and what is
//! said while it does not. The child's own work is tested with the child.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it looks for, and fails by itself"
)]
#[path = "../common/mod.rs"]
mod common;
mod ll_hls;
mod show;

use std::time::Duration;

use common::{AVCC, AVCC_B_FRAMES, name, offer};
use engine::{ChildEvent, Input, OfferError, Output, RepairState, StreamEvent};
use media::Pts;
use show::{AVCC_GREY, B, FRAME, I, P, Show};
use transcode::{FromChild, Start, ToChild};

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
