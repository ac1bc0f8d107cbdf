//! Which pictures LL-HLS has of a source that is repaired.

use std::time::Duration;

use engine::{ChildEvent, Output};
use media::Pts;
use transcode::ToChild;

use crate::{
    common::AVCC,
    show::{AVCC_422, FRAME, I, MADE, P, Show},
};

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
