//! Which pictures LL-HLS has: the source's own, or those that are made for WebRTC viewers.
//!
//! | the source | LL-HLS has |
//! |---|---|
//! | H.264 in 4:2:0 with 8 bits; another codec | its own pictures |
//! | H.264 in other colours, or with more bits | the repaired ones, from the first on |
//! | no key frame in the longest segment there can be, however coded | the repaired ones, from then on |
//!
//! B-frames are nothing to a player of segments, and it joins within two seconds under a key frame every 8.3 s, since each
//! segment begins with one. A group longer than a segment is cut, and who begins in the rest of it waits for the encoder's next
//! key frame. A segment has 10 s at most, and no more than the first group gave occasion for: the target duration stays. A wait
//! of 4 s at most is left to the player. While the repair is not to be had,
//! LL-HLS has the source: a picture for some is better than none.

use std::time::{Duration, Instant};

use media::{Frame, Pts, VideoConfig};

use crate::{
    ingest::AudioSource,
    stream::{Effects, Stream, media_in::GOP_LONG_MS, repair::Need},
};

/// No segment is longer.
const GOP_JOINED_MS: u64 = 10_000;

/// Where the pictures of LL-HLS come from.
#[derive(Debug)]
pub(super) struct Packaging {
    /// In this epoch the repaired pictures serve better.
    wants_repaired: bool,
    from: From,
    /// Shown last of the source's own.
    newest: Option<Pts>,
    /// A segment of the source began in the middle of the group that is coming.
    is_cut: bool,
    /// When the last picture of the source came.
    fed_at: Instant,
    /// When the last repaired picture came.
    made_at: Option<Instant>,
    /// When the last one for LL-HLS did, or began to be waited for.
    heard_at: Instant,
    /// The source's own until then: the repaired ones did not come.
    source_until: Option<Instant>,
    /// What the repaired pictures are.
    repaired: Option<VideoConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Source,
    /// Nothing, until a repaired key frame comes.
    Nothing,
    Repaired,
}

impl Packaging {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            wants_repaired: false,
            from: From::Source,
            newest: None,
            is_cut: false,
            fed_at: now,
            made_at: None,
            heard_at: now,
            source_until: None,
            repaired: None,
        }
    }

    /// A segment has begun without a key frame.
    pub(super) const fn note_cut(&mut self) {
        self.is_cut = true;
    }

    /// Whether who joins would wait for the end of a group that has come to this length.
    pub(super) const fn is_hard_to_join(&self, gop_ms: u64) -> bool {
        gop_ms > GOP_JOINED_MS || (self.is_cut && gop_ms > GOP_LONG_MS)
    }

    /// The repair has viewers that nobody counts.
    pub(super) const fn wants_repaired(&self) -> bool {
        self.wants_repaired
    }

    pub(super) const fn repaired_config(&self) -> Option<&VideoConfig> {
        self.repaired.as_ref()
    }

    pub(super) fn is_repaired(&self) -> bool {
        self.from == From::Repaired
    }

    fn waits(&mut self, now: Instant) {
        self.from = From::Nothing;
        self.heard_at = now;
    }
}

impl Stream {
    /// An epoch begins, and whether its pictures are repaired is known.
    pub(super) fn package_epoch(&mut self, now: Instant) -> Result<(), hls::Error> {
        let possible = self.repair.is_possible();
        let wants_repaired = possible && self.repair.need().is_some_and(Need::hides_it_from_hls);
        self.packaging = Packaging {
            wants_repaired,
            // A child that lives on does not say it again.
            repaired: self.packaging.repaired.take(),
            ..Packaging::new(now)
        };
        if wants_repaired && !self.repair.rests() {
            self.packaging.from = From::Nothing;
            self.packager.pause();
            return Ok(());
        }
        self.package_source()
    }

    /// Tells LL-HLS of the tracks it can carry, if there are any.
    fn package_source(&mut self) -> Result<(), hls::Error> {
        self.packaging.from = From::Source;
        let video = self.ingest.video.clone().filter(hls::carries);
        match (&video, &self.ingest.audio, &self.ingest.video) {
            (None, None, Some(config)) => {
                self.packager.start_nothing(config.codec());
                Ok(())
            }
            _ => self.package(video),
        }
    }

    fn package(&mut self, video: Option<VideoConfig>) -> Result<(), hls::Error> {
        self.packager.start_epoch(hls::Epoch {
            number: self.clock.epoch(),
            video,
            video_rate: self.ingest.frame_rate(),
            audio: self.ingest.audio.as_ref().map(AudioSource::aac),
            anchor: self.clock.anchor(),
        })
    }

    /// One picture of the source, in decode order.
    pub(super) fn package_picture(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        if let Err(error) = self.choose_pictures(fx, frame.keyframe) {
            self.packaged(fx, Err(error));
        }
        if frame.keyframe {
            self.packaging.is_cut = false;
        }
        if self.packaging.from == From::Source {
            let newest = &mut self.packaging.newest;
            *newest = (*newest).max(Some(frame.stream_pts()));
            let packaged = self.packager.frame(frame);
            self.packaged(fx, packaged);
        }
    }

    /// Sound, which waits with the pictures.
    pub(super) fn package_sound(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        if self.packaging.from != From::Nothing {
            let packaged = self.packager.frame(frame);
            self.packaged(fx, packaged);
        }
    }

    /// One picture that was made, of this epoch.
    pub(super) fn package_repaired(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        self.packaging.made_at = Some(fx.now);
        let begins = self.packaging.from == From::Nothing;
        if begins {
            let fits = frame.keyframe && Some(frame.stream_pts()) > self.packaging.newest;
            let Some(config) = self.packaging.repaired.clone().filter(|_| fits) else {
                self.refresh(fx);
                return;
            };
            self.packaging.from = From::Repaired;
            let begun = self.package(Some(config));
            self.packaged(fx, begun);
        }
        if self.packaging.from == From::Repaired {
            self.packaging.heard_at = fx.now;
            let packaged = self.packager.frame(frame);
            self.packaged(fx, packaged);
        }
    }

    /// What the child makes, before the first of it.
    pub(super) fn repaired_is(&mut self, now: Instant, config: VideoConfig) {
        let packaging = &mut self.packaging;
        let same = packaging.repaired.as_ref() == Some(&config);
        packaging.repaired = Some(config);
        if !same && packaging.from == From::Repaired {
            packaging.waits(now);
        }
    }

    /// No key frame for so long that a player would not wait for it.
    pub(super) fn is_hard_to_join(&mut self, fx: &mut Effects<'_>) {
        if !self.packaging.wants_repaired && self.repair.is_possible() {
            self.packaging.wants_repaired = true;
            self.want_repair(fx);
        }
    }

    /// Goes over to the repaired pictures once they are being made, and back when they are not: where a player can begin.
    fn choose_pictures(&mut self, fx: &mut Effects<'_>, keyframe: bool) -> Result<(), hls::Error> {
        let packaging = &mut self.packaging;
        // A source that pauses is no fault of the child's.
        if fx.now.saturating_duration_since(packaging.fed_at) > PAUSE {
            packaging.heard_at = fx.now;
        }
        packaging.fed_at = fx.now;
        if !packaging.wants_repaired {
            return Ok(());
        }
        let is_silent = fx.now.saturating_duration_since(packaging.heard_at) >= PATIENCE;
        let rests = self.repair.rests();
        match packaging.from {
            From::Source => {
                let stays = packaging.source_until.is_some_and(|until| fx.now < until);
                let ago = |at| fx.now.saturating_duration_since(at);
                let comes = packaging.made_at.is_some_and(|at| ago(at) < PAUSE);
                if comes && !stays && !rests {
                    packaging.waits(fx.now);
                    self.refresh(fx);
                }
                Ok(())
            }
            From::Nothing | From::Repaired if keyframe && (is_silent || rests) => {
                packaging.source_until = Some(fx.now + SOURCE_FOR);
                self.package_source()
            }
            From::Nothing | From::Repaired => Ok(()),
        }
    }
}

/// Between two pictures of a source that goes on, be it of slides.
const PAUSE: Duration = Duration::from_secs(4);
/// Longer than it takes to notice that a child hangs, and to put another in its place.
const PATIENCE: Duration = Duration::from_secs(5);
/// Each change costs a discontinuity.
const SOURCE_FOR: Duration = Duration::from_secs(10);
