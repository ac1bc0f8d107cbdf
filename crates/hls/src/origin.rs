//! What an origin remembers of one stream and how it answers requests.

mod answer;
mod directives;
mod media_playlist;
mod multivariant;
mod ranges;
mod reload;
mod shelf;
mod token;

use std::time::Duration;

use bytes::Bytes;
use media::time::span_to_ticks;

pub use self::answer::{
    Body, CacheControl, Object, ObjectAnswer, PLAYLIST_TYPE, Playlist, PlaylistAnswer, Stats,
};
pub use self::directives::{BadDirective, Directives, Skip};
use self::{
    media_playlist::{MediaPlaylist, part_ms},
    ranges::Ranges,
    reload::{Position, Progress},
    shelf::Shelf,
};
use crate::{
    Config,
    names::{self, Place},
    publication::{Msn, Publication, Rendition, Targets},
};

/// The published state of one stream: playlists and objects.
#[derive(Debug)]
pub struct Origin {
    config: Config,
    shelves: [Shelf; 2],
    targets: Option<Targets>,
    listed_from: Msn,
    ranges: Ranges,
    /// Ticks of media published so far by the rendition that leads.
    clock: u64,
    ended: bool,
    not_carried: Option<&'static str>,
    revision: u64,
    evicted: u64,
    /// Rendered playlists without foreign parameters, by rendition, kind of update, and whether a
    /// token is to be sent along.
    cache: [[[Option<Bytes>; 2]; 3]; 2],
}

impl Origin {
    /// An origin with nothing published.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            shelves: Rendition::ALL.map(Shelf::new),
            targets: None,
            listed_from: Msn(0),
            ranges: Ranges::default(),
            clock: 0,
            ended: false,
            not_carried: None,
            revision: 0,
            evicted: 0,
            cache: Default::default(),
        }
    }

    /// Takes over one fact. Apply a whole drain of the packager before answering requests.
    pub fn apply(&mut self, publication: Publication) {
        if self.ended {
            return;
        }
        self.revision += 1;
        self.cache = Default::default();
        match publication {
            Publication::Targets(targets) => self.targets = Some(targets),
            Publication::Init(init) => {
                self.not_carried = None;
                self.shelf_mut(init.rendition).add_init(init);
            }
            Publication::Opened(head) => {
                if self.shelves.iter().all(|shelf| shelf.entries.is_empty()) {
                    self.listed_from = head.msn;
                }
                self.shelf_mut(head.rendition).open(head);
            }
            Publication::Part(part) => {
                self.shelf_mut(part.rendition).add_part(part);
                self.keep_within_bytes();
            }
            Publication::Segment(segment) => {
                let rendition = segment.rendition;
                self.shelf_mut(rendition).close(segment);
                if rendition == self.lead().rendition {
                    self.clock += self.lead().entries.back().map_or(0, |entry| entry.ticks);
                }
                self.trim();
            }
            Publication::DateRange(range) => self.ranges.add(range, self.clock),
            Publication::DateRangeTakenBack(id) => self.ranges.take_back(id, self.clock),
            Publication::NotCarried(codec) => self.not_carried = Some(codec),
            Publication::Ended => self.ended = true,
            Publication::Verdict(_) => {}
        }
    }

    /// Grows with every change that can turn a `Wait` into another answer.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// `index.m3u8`. Delivery directives do not apply to it; other query parameters are kept in its
    /// URIs, and a token is referred to.
    pub fn multivariant(&self, directives: &Directives) -> PlaylistAnswer {
        let announced = || self.shelves.iter().filter(|shelf| !shelf.inits.is_empty());
        if self.targets.is_none() || announced().any(|shelf| shelf.entries.is_empty()) {
            return if self.ended {
                PlaylistAnswer::NotFound
            } else {
                self.not_yet()
            };
        }
        let live: Vec<&Shelf> = self.live().collect();
        let independent = live.iter().all(|shelf| shelf.independent);
        match multivariant::write(&live, self.listed_from, independent, directives.suffix()) {
            Some(body) => PlaylistAnswer::Ready(Playlist {
                body: finished(body, directives),
                cache_control: CacheControl::MaxAge(1),
            }),
            None => PlaylistAnswer::NotYet,
        }
    }

    /// While there is no media.
    fn not_yet(&self) -> PlaylistAnswer {
        self.not_carried
            .map_or(PlaylistAnswer::NotYet, PlaylistAnswer::NotCarried)
    }

    /// `video.m3u8` or `audio.m3u8`.
    pub fn playlist(&mut self, rendition: Rendition, directives: &Directives) -> PlaylistAnswer {
        let shelf = self.shelf(rendition);
        if let Some(bad) = directives.bad().filter(|_| !self.ended) {
            return PlaylistAnswer::BadRequest(bad);
        }
        let Some(targets) = self.targets.filter(|_| shelf.has_media) else {
            // A rendition that is announced may still come; the other one's media says that this
            // one does not.
            let never = shelf.inits.is_empty() && self.live().next().is_some();
            return if never || self.ended {
                PlaylistAnswer::NotFound
            } else {
                self.not_yet()
            };
        };
        let mut cache_control = CacheControl::MaxAge(1);
        if self.ended {
            cache_control = CacheControl::MaxAge(targets.target_duration_s * 6);
        } else if let Some(position) = Position::of(directives) {
            match Progress::of(shelf, part_ms(targets, rendition)).judge(position) {
                reload::Verdict::TooFarAhead => {
                    return PlaylistAnswer::BadRequest(BadDirective::TooFarAhead);
                }
                reload::Verdict::Wait => return PlaylistAnswer::Wait,
                // Appendix B.1: successful responses to blocking requests live for six target
                // durations.
                reload::Verdict::AtEdge => {
                    cache_control = CacheControl::MaxAge(targets.target_duration_s * 6);
                }
                reload::Verdict::Past => {}
            }
        }
        let body = self.render(rendition, targets, directives);
        PlaylistAnswer::Ready(Playlist {
            body,
            cache_control,
        })
    }

    /// An initialisation segment, a segment or a part by its name, the last element of the path.
    pub fn object(&self, name: &str) -> ObjectAnswer {
        let Some((rendition, place)) = names::place(name) else {
            return ObjectAnswer::NotFound;
        };
        let shelf = self.shelf(rendition);
        let body = match place {
            Place::Init => {
                let init = shelf.inits.iter().find(|init| &*init.name == name);
                init.map(|init| Body::new([init.body.clone()]))
            }
            Place::Segment(msn) => {
                let closed = shelf.entry(msn).and_then(|entry| entry.closed.as_ref());
                let closed =
                    closed.filter(|closed| closed.segment.name == name && !closed.segment.gap);
                closed.map(|closed| closed.body.clone())
            }
            Place::Part(msn, index) => {
                let parts = shelf.entry(msn).map(|entry| &entry.parts);
                let part = parts.and_then(|parts| parts.get(usize::try_from(index).ok()?));
                part.filter(|part| part.name == name)
                    .map(|part| Body::new([part.body.clone()]))
            }
        };
        match body {
            Some(body) => {
                let content_type = content_type(rendition);
                ObjectAnswer::Ready(Object {
                    content_type,
                    cache_control: CacheControl::Immutable,
                    body,
                })
            }
            // Section 6.2.6: a request for a hinted part blocks.
            None if !self.ended
                && shelf
                    .hint()
                    .is_some_and(|hint| hint == (place, name.to_owned())) =>
            {
                ObjectAnswer::Wait
            }
            None => ObjectAnswer::NotFound,
        }
    }

    /// How long a request answered with `Wait` or `NotYet` is held before it gets 503: three target
    /// durations (section 6.2.5.2).
    pub fn block_timeout(&self) -> Duration {
        let target = self
            .targets
            .map(|targets| Duration::from_secs(targets.target_duration_s.into()));
        target.unwrap_or(self.config.target_duration_max) * 3
    }

    /// Figures for metrics.
    pub fn stats(&self) -> Stats {
        Stats {
            stored_bytes: self.stored_bytes(),
            listed_segments: self
                .shelves
                .iter()
                .map(|shelf| shelf.listed(self.listed_from).count())
                .max()
                .unwrap_or(0),
            evicted_segments: self.evicted,
            refused_date_ranges: self.ranges.refused,
        }
    }

    fn render(&mut self, rendition: Rendition, targets: Targets, directives: &Directives) -> Bytes {
        let skip = directives.skip();
        let kind = match skip {
            None => 0,
            Some(Skip::Segments) => 1,
            Some(Skip::SegmentsAndDateRanges) => 2,
        };
        let has_token = directives.has_token();
        let own = if has_token { token::SUFFIX } else { "" };
        let plain = directives.suffix() == own;
        let cached = [slot(rendition), kind, usize::from(has_token)];
        if plain && let Some(body) = &self.cache[cached[0]][cached[1]][cached[2]] {
            return body.clone();
        }
        let others: Vec<&Shelf> = self
            .live()
            .filter(|shelf| shelf.rendition != rendition)
            .collect();
        let body = MediaPlaylist {
            shelf: self.shelf(rendition),
            others: &others,
            listed_from: self.listed_from,
            targets,
            ranges: &self.ranges,
            clock: self.clock,
            ended: self.ended,
            skip,
            suffix: directives.suffix(),
        }
        .write();
        let body = finished(body, directives);
        if plain {
            self.cache[cached[0]][cached[1]][cached[2]] = Some(body.clone());
        }
        body
    }

    /// Keeps playlists within their window and the store within its bytes.
    fn trim(&mut self) {
        let Some(targets) = self.targets else { return };
        let target = u64::from(targets.target_duration_s) * 90_000;
        // Six target durations can be skipped; one more makes it worth while.
        let window = u64::try_from(span_to_ticks(self.config.window))
            .unwrap_or(0)
            .max(target * 7);
        while self.can_unlist(window) {
            self.unlist();
        }
        for shelf in &mut self.shelves {
            // Section 6.2.2: a segment can be fetched for its own duration plus that of the longest
            // playlist from when it was first listed, a part for three target durations after its
            // tag went. Both are less than this.
            while shelf.entries.front().is_some_and(|front| {
                let rest = shelf.listed_ticks(front.head.msn) - front.ticks;
                front.head.msn < self.listed_from && rest >= window + target * 3
            }) {
                shelf.drop_front();
            }
        }
        self.keep_within_bytes();
    }

    fn keep_within_bytes(&mut self) {
        // Section 6.2.2: a live playlist lists three target durations at least.
        let keep = self.targets.map_or(u64::MAX, |targets| {
            u64::from(targets.target_duration_s) * 3 * 90_000
        });
        while self.stored_bytes() > self.config.store_bytes_max && self.evict(keep) {
            self.evicted += 1;
        }
    }

    /// Whether the oldest listed segment can go and leave that many ticks listed.
    fn can_unlist(&self, keep: u64) -> bool {
        // A rendition that began later loses nothing.
        let affected = || {
            self.shelves
                .iter()
                .filter_map(|shelf| Some((shelf, shelf.entry(self.listed_from)?)))
        };
        affected().next().is_some()
            && affected().all(|(shelf, oldest)| {
                let rest = shelf.listed_ticks(self.listed_from) - oldest.ticks;
                oldest.closed.is_some() && rest >= keep
            })
    }

    fn unlist(&mut self) {
        self.listed_from = self.listed_from.next();
        let starts = self
            .shelves
            .iter()
            .filter_map(|shelf| shelf.listed(self.listed_from).next());
        if let Some(start) = starts.map(|entry| entry.head.first_pts).min() {
            self.ranges.trim(start, self.clock);
        }
    }

    /// Drops the oldest segment of all renditions, out of the playlists if it must; `false` if that
    /// would leave less than `keep` ticks listed.
    fn evict(&mut self, keep: u64) -> bool {
        let oldest = self
            .shelves
            .iter()
            .filter_map(|shelf| shelf.entries.front())
            .map(|entry| entry.head.msn)
            .min();
        let Some(oldest) = oldest else { return false };
        if oldest >= self.listed_from {
            if !self.can_unlist(keep) {
                return false;
            }
            self.unlist();
        }
        for shelf in &mut self.shelves {
            if shelf
                .entries
                .front()
                .is_some_and(|front| front.head.msn == oldest)
            {
                shelf.drop_front();
            }
        }
        true
    }

    fn stored_bytes(&self) -> u64 {
        self.shelves.iter().map(|shelf| shelf.bytes).sum()
    }

    /// The renditions with media, video first.
    fn live(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.iter().filter(|shelf| shelf.has_media)
    }

    fn lead(&self) -> &Shelf {
        self.live().next().unwrap_or(&self.shelves[0])
    }

    fn shelf(&self, rendition: Rendition) -> &Shelf {
        &self.shelves[slot(rendition)]
    }

    fn shelf_mut(&mut self, rendition: Rendition) -> &mut Shelf {
        &mut self.shelves[slot(rendition)]
    }
}

/// The variant that leads the player to send its token, when it came with one.
fn finished(body: Bytes, directives: &Directives) -> Bytes {
    if !directives.has_token() {
        return body;
    }
    let text = str::from_utf8(&body).expect("playlists are written as text");
    token::define(text).into()
}

const fn slot(rendition: Rendition) -> usize {
    match rendition {
        Rendition::Video => 0,
        Rendition::Audio => 1,
    }
}

const fn content_type(rendition: Rendition) -> &'static str {
    match rendition {
        Rendition::Video => "video/mp4",
        Rendition::Audio => "audio/mp4",
    }
}
