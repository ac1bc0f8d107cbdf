//! A stream at 30 frames a second, and a child that repairs it.

use std::time::Duration;

use bytes::Bytes;
use engine::{ChildEvent, ChildId, ChildKind, Input, OfferError, Output, RepairStatus};
use media::Pts;
use transcode::{FromChild, Picture, ToChild};

use crate::common::{AVCC, Publisher, WALL, World, name, offer};

pub(crate) const I: &[u8] = &[0x65, 0x88, 1, 2];
pub(crate) const P: &[u8] = &[0x41, 0x9a, 1, 2];
pub(crate) const B: &[u8] = &[0x01, 0x9e, 1, 2];
pub(crate) const FRAME: i64 = 3_000;
/// 4:2:2, and what a child makes of anything.
pub(crate) const AVCC_422: &[u8] = &[
    0x01, 0x7a, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x7a, 0x00, 0x0d, 0xbc, 0xb4, 0x0a, 0x0c,
    0xfc, 0x6e, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x07, 0x81, 0xe2, 0x85, 0x54,
    0x01, 0x00, 0x04, 0x68, 0xce, 0x0f, 0xc8, 0xfe, 0xf8, 0xf8, 0x00,
];
/// High, level 1.3, 320 x 180, grey.
pub(crate) const AVCC_GREY: &[u8] = &[
    0x01, 0x64, 0x00, 0x0d, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x0d, 0xf2, 0xc8, 0x0a, 0x0c,
    0xfc, 0x6e, 0x02, 0xd9, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x14,
    0x2a, 0x48, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xc3, 0xcb, 0x22, 0xc0, 0xfc, 0xf8, 0xf8, 0x00,
];
pub(crate) const MADE: &str = "avc1.42c00d";

/// A stream at 30 frames a second, fed in decode order, and the child that repairs it.
pub(crate) struct Show {
    pub(crate) world: World,
    pub(crate) publisher: Publisher,
    pub(crate) child: Option<ChildId>,
    /// Sent so far.
    pub(crate) frames: u32,
    /// The child does its work, at once.
    pub(crate) works: bool,
    /// The last that it was asked for.
    pub(crate) made: Option<Pts>,
}

impl Show {
    pub(crate) fn new(avcc: &[u8]) -> Self {
        Self::with_cores(avcc, 1.0)
    }

    pub(crate) fn with_cores(avcc: &[u8], cores: f64) -> Self {
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
    pub(crate) fn picture(&mut self, late: u8, nal: &[u8]) {
        let ms = self.frames * 1_000 / 30;
        let unit = self.publisher.access_unit(ms, late * 33, &[nal]);
        self.frames += 1;
        self.world.send(self.publisher.conn, unit);
        self.world.pass(Duration::from_nanos(33_333_333));
        self.notice_child();
        self.work();
    }

    /// A group with two B-frames between every two others: `I2 P2+ B B P B B`, in decode order.
    pub(crate) fn group_with_b_frames(&mut self, length: u32) {
        for n in 0..length {
            match n {
                0 => self.picture(1, I),
                n if n % 3 == 1 => self.picture(3, P),
                _ => self.picture(0, B),
            }
        }
    }

    pub(crate) fn notice_child(&mut self) {
        let asked_for = self.world.out.iter().rev().find_map(|output| match output {
            Output::ChildSpawn { child, .. } if child.kind == ChildKind::Video => Some(*child),
            _ => None,
        });
        self.child = asked_for.or(self.child);
    }

    /// Answers with the newest picture that is to come back.
    pub(crate) fn work(&mut self) {
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

    pub(crate) fn answer(&mut self, pts: Pts) {
        self.tell(ChildEvent::Message(FromChild::Picture(Picture {
            pts,
            keyframe: true,
            payload: Bytes::from_static(&[0, 0, 0, 4, 0x65, 0x88, 1, 2]),
        })));
    }

    pub(crate) fn tell(&mut self, event: ChildEvent) {
        let child = self.child.expect("a child was asked for");
        self.world.input(Input::Child { child, event });
    }

    /// The child that was asked for comes up.
    pub(crate) fn child_comes_up(&mut self) {
        self.tell(ChildEvent::Spawned);
        self.tell(ChildEvent::Message(FromChild::Ready));
    }

    /// It says that it cannot, and is gone.
    pub(crate) fn fails(&mut self) {
        self.world.out.clear();
        self.tell(ChildEvent::Message(FromChild::Failed {
            message: "no encoder".into(),
        }));
        self.tell(ChildEvent::Exited {
            description: "exit status: 1".into(),
        });
    }

    /// What the child was told since the last time, and the rest is forgotten.
    pub(crate) fn told(&mut self) -> Vec<ToChild> {
        let told = std::mem::take(&mut self.world.out).into_iter();
        told.filter_map(|output| match output {
            Output::ChildSend { child, message } if child.kind == ChildKind::Video => Some(message),
            _ => None,
        })
        .collect()
    }

    /// The pictures among that: time, counted in frames from `zero`, and whether it is to come back.
    pub(crate) fn pictures(&mut self, zero: Pts) -> Vec<(i64, bool)> {
        let told = self.told().into_iter();
        told.filter_map(|message| match message {
            ToChild::Picture(picture) => Some((picture.pts.since(zero) / FRAME, picture.wanted)),
            _ => None,
        })
        .collect()
    }

    pub(crate) fn offer(&mut self) -> Result<(), OfferError> {
        let offer = self
            .world
            .shard
            .offer(self.world.now, &name(), &offer("recvonly"));
        self.world.drain();
        self.notice_child();
        offer.map(|_| ())
    }

    /// The child comes up, and does its work from now on.
    pub(crate) fn child_works(&mut self) {
        self.child_comes_up();
        self.works = true;
        self.tell(ChildEvent::Message(FromChild::Configuration(
            Bytes::from_static(AVCC),
        )));
    }

    /// What LL-HLS was told its pictures are, and where its segments begin.
    pub(crate) fn packaged(&self) -> (Vec<String>, Vec<Pts>) {
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

    pub(crate) fn repair(&self) -> RepairStatus {
        self.try_repair().unwrap()
    }

    /// `None` while nothing is repaired.
    pub(crate) fn try_repair(&self) -> Option<RepairStatus> {
        let status = self.world.shard.stream(self.world.now, &name());
        status?.video?.repair
    }

    /// What a verdict says it costs.
    pub(crate) fn cost(&self, code: &str) -> &'static str {
        let status = self.world.shard.stream(self.world.now, &name()).unwrap();
        let found = status.verdicts.iter().find(|verdict| verdict.code == code);
        found.unwrap().cost
    }

    pub(crate) fn verdicts(&self) -> Vec<&'static str> {
        let status = self.world.shard.stream(self.world.now, &name()).unwrap();
        status.verdicts.iter().map(|verdict| verdict.code).collect()
    }

    pub(crate) fn lived(&self) -> usize {
        let spawned = |output: &&Output| matches!(output, Output::ChildSpawn { child, .. } if child.kind == ChildKind::Video);
        self.world.out.iter().filter(spawned).count()
    }
}
