//! The supervisor in virtual time, driven against a child whose behaviour the test chooses.

use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{MediaTime, Pts, Timescale};

use super::*;
use crate::{
    AacToOpus, Jpeg, OpusChannels, OpusToAac, Picture, VideoSource, VideoToH264, VideoToJpeg,
};

#[test]
fn a_child_is_started_told_and_fed() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(1_000));
    assert_eq!(show.supervisor.status(), Status::Running);
    assert_eq!(show.sent_starts, 1);
    let waited = Config::default().pending_frames_max;
    assert!(show.packets.len() > 30 + waited, "{}", show.packets.len());
    assert!(matches!(show.events[..], [Event::Up { after }] if after == ms(300)));
}

#[test]
fn pictures_go_to_a_running_child_alone() {
    let mut show = Show::new(Child::good());
    show.want_video();
    show.picture(0, true);
    show.input(Input::Keyframe);
    show.run(ms(1_000));
    assert!(
        show.pictures.is_empty(),
        "a picture does not wait for a child"
    );
    assert_eq!(show.keyframes_asked, 0);
    show.picture(1, false);
    show.input(Input::Keyframe);
    show.picture(2, true);
    assert_eq!(show.pictures, [Pts(3_000), Pts(6_000)]);
    assert_eq!((show.keyframes_asked, show.packets.len()), (1, 1));
}

#[test]
fn a_jpeg_answers_its_picture() {
    let config = Config {
        silent_frames_min: 1,
        ..Config::default()
    };
    let mut show = Show::with(config, Child::good());
    show.feeding = false;
    show.input(Input::Want(Start::VideoToJpeg(VideoToJpeg {
        source: VideoSource::Vp9,
        side_max: 640,
    })));
    let early = show.supervisor.handle_input(
        show.now,
        Input::Message(FromChild::Jpeg(Jpeg {
            pts: Pts(0),
            file: Bytes::new(),
        })),
    );
    early.unwrap_err();
    show.run(ms(1_000));
    show.jpegs = true;
    show.picture(1, true);
    assert_eq!(show.stills, [Pts(3_000)]);
    show.run(ms(10_000));
    assert!(show.kills.is_empty(), "what is answered is no silence");
    // One picture alone is a question here.
    show.child.mute = true;
    show.picture(2, true);
    show.run(ms(2_900));
    assert!(show.kills.is_empty());
    show.run(ms(200));
    assert_eq!(show.kills, [Cause::Hung]);
}

#[test]
fn a_child_that_keeps_its_pictures_is_given_up() {
    let mut show = Show::new(Child {
        mute: true,
        ..Child::good()
    });
    show.want_video();
    show.run(ms(1_000));
    for frame in 0..100 {
        show.picture(frame, false);
    }
    show.run(ms(4_000));
    assert!(
        show.kills.is_empty(),
        "what is not to come back is not waited for"
    );
    for frame in 100..200 {
        show.picture(frame, true);
    }
    show.run(ms(4_000));
    assert_eq!(show.kills, [Cause::Hung]);
}

#[test]
fn too_many_pictures_at_once_are_decoded_all_the_same() {
    let mut show = Show::new(Child {
        mute: true,
        ..Child::good()
    });
    show.want_video();
    show.run(ms(1_000));
    for frame in 0..300 {
        show.picture(frame, true);
    }
    assert_eq!(show.pictures.len(), 300, "others refer to them");
    assert_eq!(show.supervisor.counters().frames_dropped, 44);
}

#[test]
fn when_the_child_dies_audio_is_back_within_two_seconds() {
    for start_takes in [ms(50), ms(300), ms(1_200)] {
        let mut show = Show::new(Child {
            ready_after: start_takes,
            ..Child::good()
        });
        show.want(48_000);
        show.run(ms(20_000));
        let died = show.now;
        show.crash();
        show.run(ms(2_000));
        let back = show
            .packets
            .iter()
            .find(|packet| **packet > died)
            .expect("audio is back");
        let gap = *back - died;
        assert!(gap < ms(2_000), "{gap:?}");
        assert!(gap >= start_takes, "not before the new child is ready");
        assert!(show.events.contains(&Event::Down {
            cause: Cause::Exited,
            retry_in: Some(ms(100))
        }));
    }
}

#[test]
fn a_child_that_keeps_dying_is_started_ever_more_rarely() {
    let mut show = Show::new(Child {
        dies_after: Some(ms(10)),
        ..Child::good()
    });
    show.want(48_000);
    show.run(ms(60_000));
    let gaps: Vec<_> = show
        .spawns
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let expected = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000];
    for (gap, wait) in gaps.iter().zip(expected) {
        let life = ms(310);
        assert!(
            gap.abs_diff(ms(wait) + life) <= ms(10),
            "{gap:?} instead of {wait} ms + {life:?}"
        );
    }
    assert!(gaps.len() >= expected.len());
}

#[test]
fn ten_healthy_seconds_wipe_out_the_failures() {
    let mut show = Show::new(Child {
        dies_after: Some(ms(10)),
        ..Child::good()
    });
    show.want(48_000);
    show.run(ms(5_000));
    show.child = Child::good();
    show.run(ms(20_000));
    show.crash();
    assert_eq!(show.last_retry(), Some(ms(100)));
    show.run(ms(5_000));
    show.crash();
    assert_eq!(
        show.last_retry(),
        Some(ms(200)),
        "five seconds are not enough"
    );
}

#[test]
fn a_process_that_cannot_be_started_is_tried_again() {
    let mut show = Show::new(Child {
        exists: false,
        ..Child::good()
    });
    show.want(48_000);
    show.run(ms(1_000));
    assert!(show.spawns.len() >= 4, "{}", show.spawns.len());
    assert_eq!(show.supervisor.counters().deaths, show.spawns.len() as u64);
}

#[test]
fn no_ready_in_three_seconds_is_a_kill() {
    let mut show = Show::new(Child {
        ready_after: ms(60_000),
        ..Child::good()
    });
    show.want(48_000);
    show.run(ms(2_990));
    assert!(show.kills.is_empty());
    assert_eq!(show.supervisor.poll_timeout().unwrap().1, Reason::StartUp);
    show.run(ms(20));
    assert_eq!(show.kills, [Cause::NotReady]);
    show.run(ms(200));
    assert_eq!(show.spawns.len(), 2);
}

#[test]
fn three_silent_seconds_are_a_hang() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(5_000));
    show.child.mute = true;
    show.run(ms(2_950));
    assert!(show.kills.is_empty());
    assert_eq!(show.supervisor.poll_timeout().unwrap().1, Reason::Hang);
    show.run(ms(100));
    assert_eq!(show.kills, [Cause::Hung]);
    show.child.mute = false;
    let before = show.packets.len();
    show.run(ms(1_000));
    assert!(show.packets.len() > before);
}

#[test]
fn a_paused_publisher_is_no_hang() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(1_000));
    show.child.mute = true;
    show.run(ms(100));
    show.feeding = false;
    show.run(ms(60_000));
    assert!(show.kills.is_empty());
    assert_eq!(show.supervisor.poll_timeout(), None);
}

#[test]
fn before_the_child_is_ready_only_the_newest_frames_are_kept() {
    let mut show = Show::new(Child {
        ready_after: ms(2_000),
        ..Child::good()
    });
    show.want(48_000);
    show.run(ms(1_990));
    let fed = show.frames;
    assert!(show.sent.is_empty());
    show.run(ms(20));
    let kept = show.sent.len() as u64;
    assert!((10..=11).contains(&kept), "{kept}");
    assert_eq!(
        show.sent.last().unwrap().ticks(),
        (show.frames.cast_signed() - 1) * 1024
    );
    assert_eq!(
        show.supervisor.counters().frames_dropped,
        show.frames - kept
    );
    assert!(fed > 80);
}

#[test]
fn a_driver_that_forgets_the_time_still_sends_a_bounded_number() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(500));
    show.child.mute = true;
    for ticks in 0..1_000 {
        show.input(Input::Frame {
            pts: pts(ticks),
            payload: Bytes::from_static(&[1]),
        });
    }
    let counters = show.supervisor.counters();
    assert!(counters.frames_dropped >= 1_000 - 256, "{counters:?}");
}

#[test]
fn a_child_no_longer_wanted_is_asked_and_after_a_second_killed() {
    let mut show = Show::new(Child {
        obeys: false,
        ..Child::good()
    });
    show.want(48_000);
    show.run(ms(1_000));
    show.input(Input::Unwant);
    assert_eq!(show.sent_stops, 1);
    show.run(ms(990));
    assert!(show.kills.is_empty());
    show.run(ms(20));
    assert_eq!(show.kills, [Cause::Asked]);
    assert_eq!(show.supervisor.status(), Status::Idle);
    show.run(ms(10_000));
    assert_eq!(show.spawns.len(), 1);
    assert_eq!(show.supervisor.counters().deaths, 0);
}

#[test]
fn a_child_not_yet_ready_is_killed_at_once_when_unwanted() {
    for after in [0, 100] {
        let mut show = Show::new(Child::good());
        show.want(48_000);
        show.run(ms(after));
        show.input(Input::Unwant);
        assert_eq!(show.kills, [Cause::Asked]);
        show.run(ms(1_000));
        assert_eq!(show.supervisor.status(), Status::Idle);
    }
}

#[test]
fn wanted_again_while_stopping_it_comes_back_without_a_wait() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(1_000));
    show.input(Input::Unwant);
    show.want(48_000);
    show.run(ms(500));
    assert_eq!(show.spawns.len(), 2);
    assert_eq!(show.supervisor.status(), Status::Running);
}

#[test]
fn another_configuration_replaces_the_child_and_the_same_does_not() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(1_000));
    show.want(48_000);
    show.run(ms(100));
    assert_eq!(show.spawns.len(), 1);
    show.want(44_100);
    show.run(ms(400));
    assert_eq!(
        (show.spawns.len(), show.sent_stops, show.sent_starts),
        (2, 1, 2)
    );
    assert_eq!(show.supervisor.status(), Status::Running);
    assert!(show.kills.is_empty());
}

#[test]
fn the_other_direction_is_another_child() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(1_000));
    let other = Start::OpusToAac(OpusToAac::new(OpusChannels::Stereo));
    for _ in 0..2 {
        show.input(Input::Want(other.clone()));
        show.run(ms(1_000));
        assert_eq!(show.spawns.len(), 2);
    }
    assert_eq!(show.supervisor.status(), Status::Running);
    assert!(show.kills.is_empty());
}

#[test]
fn a_publisher_of_short_frames_that_pauses_is_no_hang() {
    let mut show = Show::new(Child::good());
    show.want(48_000);
    show.run(ms(1_000));
    show.child.mute = true;
    show.feeding = false;
    // 2.5 ms each: not yet enough for the AAC encoder's first packet.
    for n in 0..18 {
        let pts = pts(n * 120);
        let payload = Bytes::from_static(&[0xe0]);
        show.input(Input::Frame { pts, payload });
    }
    show.run(ms(60_000));
    assert!(show.kills.is_empty());
}

#[test]
fn a_failure_it_reports_and_garbage_it_writes_end_it() {
    let failed = FromChild::Failed {
        message: "no decoder".to_owned(),
    };
    let reports = [
        (
            Input::Message(failed),
            Cause::Failed("no decoder".to_owned()),
        ),
        (Input::Garbled, Cause::Garbled),
    ];
    for (report, cause) in reports {
        let mut show = Show::new(Child::good());
        show.want(48_000);
        show.run(ms(1_000));
        show.input(report);
        assert_eq!(show.kills, std::slice::from_ref(&cause));
        show.run(ms(10));
        assert!(show.events.contains(&Event::Down {
            cause,
            retry_in: Some(ms(100))
        }));
    }
}

#[test]
fn inputs_that_cannot_be_are_counted_and_change_nothing() {
    let mut supervisor = Supervisor::new(Config::default(), zero());
    for input in [
        Input::Spawned,
        Input::Exited,
        Input::Garbled,
        Input::Message(FromChild::Ready),
    ] {
        supervisor.handle_input(zero(), input).unwrap_err();
    }
    assert_eq!(supervisor.counters().inputs_unexpected, 4);
    assert_eq!(supervisor.status(), Status::Idle);
    assert_eq!(supervisor.poll_output(), None);
    supervisor
        .handle_input(
            zero(),
            Input::Frame {
                pts: pts(0),
                payload: Bytes::new(),
            },
        )
        .unwrap();
    assert_eq!(
        supervisor.poll_output(),
        None,
        "frames nobody wants are nobody's"
    );
}

/// A publisher that sends an AAC frame every 1024/48000 s, the supervisor, and a child; all in one loop
/// that moves the time by one millisecond a turn.
struct Show {
    supervisor: Supervisor,
    child: Child,
    now: Instant,
    feeding: bool,
    frames: u64,
    since_frame: Duration,
    process: Option<Process>,
    spawns: Vec<Instant>,
    kills: Vec<Cause>,
    packets: Vec<Instant>,
    events: Vec<Event>,
    sent: Vec<MediaTime>,
    sent_starts: u32,
    sent_stops: u32,
    pictures: Vec<Pts>,
    stills: Vec<Pts>,
    /// What comes back is a JPEG.
    jpegs: bool,
    keyframes_asked: u32,
}

/// How a child behaves.
#[derive(Clone, Copy)]
struct Child {
    exists: bool,
    ready_after: Duration,
    dies_after: Option<Duration>,
    mute: bool,
    obeys: bool,
}

impl Child {
    fn good() -> Self {
        Self {
            exists: true,
            ready_after: ms(300),
            dies_after: None,
            mute: false,
            obeys: true,
        }
    }
}

struct Process {
    since: Instant,
    announced: bool,
    ready: bool,
    gone: bool,
}

impl Show {
    fn new(child: Child) -> Self {
        Self::with(Config::default(), child)
    }

    fn with(config: Config, child: Child) -> Self {
        Self {
            supervisor: Supervisor::new(config, zero()),
            child,
            now: zero(),
            feeding: true,
            frames: 0,
            since_frame: Duration::ZERO,
            process: None,
            spawns: Vec::new(),
            kills: Vec::new(),
            packets: Vec::new(),
            events: Vec::new(),
            sent: Vec::new(),
            sent_starts: 0,
            sent_stops: 0,
            pictures: Vec::new(),
            stills: Vec::new(),
            jpegs: false,
            keyframes_asked: 0,
        }
    }

    fn want_video(&mut self) {
        self.feeding = false;
        self.input(Input::Want(Start::VideoToH264(VideoToH264 {
            source: VideoSource::H264(Bytes::from_static(&[1; 16])),
            frame_rate_milli: 30_000,
            bitrate_bps: 2_500_000,
        })));
    }

    fn picture(&mut self, frame: i64, wanted: bool) {
        self.input(Input::Picture(SourcePicture {
            pts: Pts(frame * 3_000),
            wanted,
            payload: Bytes::from_static(&[0, 0, 0, 1, 0x65]),
        }));
    }

    fn want(&mut self, rate: u32) {
        self.input(Input::Want(Start::AacToOpus(AacToOpus {
            asc: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: Timescale::new(rate).unwrap(),
            channels: 2,
            bitrate_bps: 96_000,
        })));
    }

    fn crash(&mut self) {
        self.process = None;
        self.input(Input::Exited);
    }

    fn last_retry(&self) -> Option<Duration> {
        match self.events.last() {
            Some(Event::Down { retry_in, .. }) => *retry_in,
            Some(Event::Up { .. }) | None => None,
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += ms(1);
            self.child_turn();
            self.since_frame += ms(1);
            if self.feeding && self.since_frame * 48_000 >= Duration::from_secs(1024) {
                self.since_frame -= Duration::from_secs(1024) / 48_000;
                let pts = pts(self.frames.cast_signed() * 1024);
                self.frames += 1;
                self.input(Input::Frame {
                    pts,
                    payload: Bytes::from_static(&[0x21]),
                });
            }
            self.supervisor.handle_timeout(self.now);
            self.drain();
        }
    }

    fn child_turn(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        let age = self.now - process.since;
        if process.gone || !self.child.exists {
            self.crash();
        } else if !process.announced {
            process.announced = true;
            self.input(Input::Spawned);
        } else if !process.ready && age >= self.child.ready_after {
            process.ready = true;
            self.input(Input::Message(FromChild::Ready));
        } else if process.ready
            && self
                .child
                .dies_after
                .is_some_and(|life| age >= self.child.ready_after + life)
        {
            self.crash();
        }
    }

    fn input(&mut self, input: Input) {
        self.supervisor.handle_input(self.now, input).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.supervisor.poll_output() {
            match output {
                Output::Spawn => self.spawned(),
                Output::Kill(cause) => {
                    self.kills.push(cause);
                    self.process.as_mut().expect("only a child is killed").gone = true;
                }
                Output::Packet { .. } | Output::Picture(_) => self.packets.push(self.now),
                Output::Jpeg(jpeg) => self.stills.push(jpeg.pts),
                Output::Configuration(_) => {}
                Output::Event(event) => self.events.push(event),
                Output::Send(message) => self.deliver(message),
            }
        }
    }

    fn spawned(&mut self) {
        assert!(self.process.is_none(), "never two at once");
        self.spawns.push(self.now);
        self.process = Some(Process {
            since: self.now,
            announced: false,
            ready: false,
            gone: false,
        });
    }

    fn deliver(&mut self, message: ToChild) {
        let process = self.process.as_mut().expect("only a child is sent to");
        assert!(process.announced && !process.gone);
        match message {
            ToChild::Start(_) => self.sent_starts += 1,
            ToChild::Stop => {
                self.sent_stops += 1;
                process.gone = self.child.obeys;
            }
            ToChild::Frame { pts, .. } => {
                assert!(process.ready);
                self.sent.push(pts);
                if !self.child.mute {
                    let payload = Bytes::from_static(&[0xfc]);
                    self.input(Input::Message(FromChild::Packet { pts, payload }));
                }
            }
            ToChild::Picture(picture) => {
                assert!(process.ready);
                self.pictures.push(picture.pts);
                if !self.child.mute && picture.wanted {
                    self.input(Input::Message(if self.jpegs {
                        FromChild::Jpeg(Jpeg {
                            pts: picture.pts,
                            file: picture.payload,
                        })
                    } else {
                        FromChild::Picture(Picture {
                            pts: picture.pts,
                            keyframe: false,
                            payload: picture.payload,
                        })
                    }));
                }
            }
            ToChild::Keyframe => self.keyframes_asked += 1,
        }
    }
}

fn pts(ticks: i64) -> MediaTime {
    MediaTime::new(ticks, Timescale::OPUS)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn zero() -> Instant {
    thread_local! {
        #[expect(clippy::disallowed_methods, reason = "an arbitrary zero; from here time is virtual")]
        static ZERO: Instant = Instant::now();
    }
    ZERO.with(|zero| *zero)
}
