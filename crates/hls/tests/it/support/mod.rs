//! Harness: sources of frames, a packager and an origin in a loop, a playlist parser, the rules,
//! and a box reader.

pub(crate) mod boxes;
pub(crate) mod flv;
pub(crate) mod playlist;
pub(crate) mod rules;
pub(crate) mod source;

use std::sync::Arc;

use hls::{
    Config, Directives, Epoch, ObjectAnswer, Origin, Packager, PlaylistAnswer, Publication,
    Rendition, Verdict,
};
use media::{Frame, Pts, UnixMillis, UtcAnchor};

use self::{playlist::MediaPlaylist, source::Source};

/// Where every test's timeline starts in UTC: 2026-11-21T22:00:00.000Z at pts 900000.
pub(crate) const ANCHOR: UtcAnchor = UtcAnchor(UnixMillis(1_795_298_390_000));

/// A packager and an origin joined by the run loop.
pub(crate) struct Stream {
    pub(crate) packager: Packager,
    pub(crate) origin: Origin,
    pub(crate) verdicts: Vec<Verdict>,
    /// Every publication there was, in order.
    pub(crate) log: Vec<Publication>,
}

impl Stream {
    pub(crate) fn new(config: Config) -> Self {
        let (packager, origin) = (Packager::new(config.clone(), "demo"), Origin::new(config));
        Self {
            packager,
            origin,
            verdicts: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A stream that has taken the whole source and goes on.
    pub(crate) fn of(source: &Source) -> Self {
        let mut stream = Self::new(Config::default());
        stream.start(source.epoch(1));
        stream.feed(&source.frames());
        stream
    }

    pub(crate) fn start(&mut self, epoch: Epoch) {
        self.packager.start_epoch(epoch).unwrap();
        self.drain();
    }

    pub(crate) fn feed(&mut self, frames: &[Frame]) {
        for frame in frames {
            self.frame(frame);
        }
    }

    pub(crate) fn frame(&mut self, frame: &Frame) {
        self.packager.frame(frame).unwrap();
        self.drain();
    }

    pub(crate) fn cue(&mut self, cue: &Arc<cues::EncodedCue>) {
        self.packager.cue(Arc::clone(cue));
        self.drain();
    }

    pub(crate) fn end(&mut self) {
        self.packager.end();
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(publication) = self.packager.poll_output() {
            if let Publication::Verdict(verdict) = publication {
                self.verdicts.push(verdict);
            }
            self.log.push(publication.clone());
            self.origin.apply(publication);
        }
    }

    pub(crate) fn ask(&mut self, rendition: Rendition, query: &str) -> PlaylistAnswer {
        self.origin
            .playlist(rendition, &Directives::parse(query).unwrap())
    }

    /// The text of a playlist that is ready.
    pub(crate) fn text(&mut self, rendition: Rendition, query: &str) -> String {
        match self.ask(rendition, query) {
            PlaylistAnswer::Ready(playlist) => String::from_utf8(playlist.body.to_vec()).unwrap(),
            other => panic!("no playlist: {other:?}"),
        }
    }

    /// A playlist that is ready, parsed.
    pub(crate) fn playlist(&mut self, rendition: Rendition) -> MediaPlaylist {
        MediaPlaylist::parse(&self.text(rendition, ""))
    }

    pub(crate) fn multivariant(&self, query: &str) -> String {
        match self.origin.multivariant(&Directives::parse(query).unwrap()) {
            PlaylistAnswer::Ready(playlist) => String::from_utf8(playlist.body.to_vec()).unwrap(),
            other => panic!("no playlist: {other:?}"),
        }
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        match self.origin.object(name) {
            ObjectAnswer::Ready(object) => object.body.to_bytes().to_vec(),
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn parts(&self, rendition: Rendition) -> Vec<&hls::Part> {
        let published = self.log.iter().filter_map(|publication| match publication {
            Publication::Part(part) => Some(part),
            _ => None,
        });
        published
            .filter(|part| part.rendition == rendition)
            .collect()
    }

    pub(crate) fn segments(&self, rendition: Rendition) -> Vec<&hls::Segment> {
        let published = self.log.iter().filter_map(|publication| match publication {
            Publication::Segment(segment) => Some(segment),
            _ => None,
        });
        published
            .filter(|segment| segment.rendition == rendition)
            .collect()
    }
}

/// 90 kHz ticks of seconds after the timeline's start.
pub(crate) fn at(seconds: f64) -> Pts {
    Pts(source::START + (seconds * 90_000.0).round() as i64)
}
