//! The writer of media playlists (section 4.4.3 to 4.4.5).

use std::fmt::{self, Write as _};

use bytes::Bytes;
use cues::rfc3339_millis;

use super::{
    directives::Skip,
    ranges::Ranges,
    shelf::{Entry, Shelf},
};
use crate::publication::{MediaSpan, Msn, Rendition, Targets};

/// Everything a media playlist says.
#[derive(Debug, Clone, Copy)]
pub(super) struct MediaPlaylist<'a> {
    pub(super) shelf: &'a Shelf,
    /// The other renditions, for reports.
    pub(super) others: &'a [&'a Shelf],
    pub(super) listed_from: Msn,
    pub(super) targets: Targets,
    pub(super) ranges: &'a Ranges,
    /// Ticks of media published so far.
    pub(super) clock: u64,
    pub(super) ended: bool,
    pub(super) skip: Option<Skip>,
    /// Behind every URI.
    pub(super) suffix: &'a str,
}

impl MediaPlaylist<'_> {
    /// The playlist's text.
    pub(super) fn write(&self) -> Bytes {
        let mut out = String::with_capacity(CAPACITY);
        self.put(&mut out).expect("writing to a String cannot fail");
        out.into()
    }

    fn put(&self, out: &mut String) -> fmt::Result {
        let skipped = self.skippable();
        // Without a skipped segment a delta would say more than the full playlist.
        let skip = self.skip.filter(|_| skipped > 0 && !self.ended);
        self.put_header(out, skip)?;
        if let Some(skip) = skip {
            self.put_skip(out, skip, skipped)?;
        }
        self.put_ranges(out, skip)?;
        let end = self.shelf.listed_ticks(self.listed_from);
        let mut start = 0;
        let mut init = None;
        for (count, entry) in self.shelf.listed(self.listed_from).enumerate() {
            if skip.is_none() || count >= skipped {
                if init != Some(&entry.head.init) {
                    init = Some(&entry.head.init);
                    self.put_head(out, entry, true)?;
                } else {
                    self.put_head(out, entry, false)?;
                }
                // Section 6.2.2: parts further than three target durations from the end should not
                // be listed.
                let near = end - start <= self.target_ticks() * 3;
                self.put_segment(out, entry, near && !self.ended)?;
            }
            start += entry.ticks;
        }
        self.put_tail(out)
    }

    fn put_header(&self, out: &mut String, skip: Option<Skip>) -> fmt::Result {
        // Section 8: EXT-X-SKIP needs 9, its RECENTLY-REMOVED-DATERANGES 10. Full playlists say 9
        // too, so that a playlist and its updates are of one version.
        let version = if skip == Some(Skip::SegmentsAndDateRanges) {
            10
        } else {
            9
        };
        writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{version}")?;
        let listed = || self.shelf.listed(self.listed_from);
        if self.shelf.independent {
            writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
        }
        let Targets {
            target_duration_s: target,
            ..
        } = self.targets;
        writeln!(out, "#EXT-X-TARGETDURATION:{target}")?;
        // Section 4.4.3.8: the same in every rendition. Hold-backs are three times the targets,
        // which Apple's authoring specification (section 14.3) requires for parts.
        let hold_back = Milli(u64::from(longest_part_ms(self.targets)) * 3);
        writeln!(
            out,
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={},CAN-SKIP-DATERANGES=YES,\
             HOLD-BACK={},PART-HOLD-BACK={hold_back}",
            skip_seconds(self.targets),
            u64::from(target) * 3
        )?;
        writeln!(
            out,
            "#EXT-X-PART-INF:PART-TARGET={}",
            Milli(part_ms(self.targets, self.shelf.rendition).into())
        )?;
        let first = listed().next();
        writeln!(
            out,
            "#EXT-X-MEDIA-SEQUENCE:{}",
            first.map_or(self.listed_from, |entry| entry.head.msn)
        )?;
        // Section 6.2.1: a segment's number is this one plus the EXT-X-DISCONTINUITY tags before
        // it, its own included.
        let before = first.map_or(0, |entry| {
            entry.head.discontinuity_sequence - u64::from(entry.head.discontinuity)
        });
        writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{before}")
    }

    /// Segments whose end lies further from the end of the playlist than the skip boundary (section
    /// 6.2.5.1).
    fn skippable(&self) -> usize {
        let mut left = self.shelf.listed_ticks(self.listed_from);
        let boundary = u64::from(skip_seconds(self.targets)) * TICKS_PER_SECOND;
        self.shelf
            .listed(self.listed_from)
            .take_while(|entry| {
                left -= entry.ticks;
                entry.closed.is_some() && left > boundary
            })
            .count()
    }

    fn put_skip(&self, out: &mut String, skip: Skip, skipped: usize) -> fmt::Result {
        write!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")?;
        if skip == Skip::SegmentsAndDateRanges {
            let removed: Vec<&str> = self.ranges.removed_since(self.skip_boundary()).collect();
            write!(
                out,
                ",RECENTLY-REMOVED-DATERANGES=\"{}\"",
                removed.join("\t")
            )?;
        }
        writeln!(out)
    }

    fn put_ranges(&self, out: &mut String, skip: Option<Skip>) -> fmt::Result {
        let older = skip == Some(Skip::SegmentsAndDateRanges);
        for listed in self
            .ranges
            .listed()
            .filter(|listed| !older || listed.added >= self.skip_boundary())
        {
            writeln!(out, "{}", listed.range.line)?;
        }
        Ok(())
    }

    /// What must stand before a segment's first part (section 4.4.4).
    fn put_head(&self, out: &mut String, entry: &Entry, map: bool) -> fmt::Result {
        let head = &entry.head;
        if head.discontinuity {
            writeln!(out, "#EXT-X-DISCONTINUITY")?;
        }
        if map || head.discontinuity {
            writeln!(out, "#EXT-X-MAP:URI=\"{}{}\"", head.init, self.suffix)?;
        }
        writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", rfc3339_millis(head.utc))
    }

    fn put_segment(&self, out: &mut String, entry: &Entry, parts: bool) -> fmt::Result {
        for part in entry.parts.iter().filter(|_| parts) {
            let independent = if part.independent {
                ",INDEPENDENT=YES"
            } else {
                ""
            };
            let (duration, name) = (Seconds(part.duration), &part.name);
            writeln!(
                out,
                "#EXT-X-PART:DURATION={duration},URI=\"{name}{}\"{independent}",
                self.suffix
            )?;
        }
        let Some(closed) = &entry.closed else {
            return Ok(());
        };
        if closed.segment.gap {
            writeln!(out, "#EXT-X-GAP")?;
        }
        let (duration, name) = (Seconds(closed.segment.duration), &closed.segment.name);
        writeln!(out, "#EXTINF:{duration},\n{name}{}", self.suffix)
    }

    fn put_tail(&self, out: &mut String) -> fmt::Result {
        if self.ended {
            return writeln!(out, "#EXT-X-ENDLIST");
        }
        if let Some((_, name)) = self.shelf.hint() {
            writeln!(
                out,
                "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{name}{}\"",
                self.suffix
            )?;
        }
        for other in self.others {
            if let Some((msn, part)) = other.report() {
                let name = other.rendition.playlist_name();
                writeln!(
                    out,
                    "#EXT-X-RENDITION-REPORT:URI=\"{name}{}\",LAST-MSN={msn},LAST-PART={part}",
                    self.suffix
                )?;
            }
        }
        Ok(())
    }

    fn target_ticks(&self) -> u64 {
        u64::from(self.targets.target_duration_s) * TICKS_PER_SECOND
    }

    /// The media clock at the skip boundary.
    fn skip_boundary(&self) -> u64 {
        self.clock
            .saturating_sub(u64::from(skip_seconds(self.targets)) * TICKS_PER_SECOND)
    }
}

/// CAN-SKIP-UNTIL: the Skip Boundary "MUST be at least six times the Target Duration" (section
/// 4.4.3.8).
fn skip_seconds(targets: Targets) -> u32 {
    targets.target_duration_s * 6
}

/// PART-TARGET of a rendition, milliseconds.
pub(super) fn part_ms(targets: Targets, rendition: Rendition) -> u32 {
    let own = match rendition {
        Rendition::Video => targets.video_part_ms,
        Rendition::Audio => targets.audio_part_ms,
    };
    own.unwrap_or_else(|| longest_part_ms(targets))
}

fn longest_part_ms(targets: Targets) -> u32 {
    targets
        .video_part_ms
        .max(targets.audio_part_ms)
        .unwrap_or(1000)
}

/// A number of milliseconds as seconds.
struct Milli(u64);

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// A span as seconds with five decimals, rounded to the nearest.
struct Seconds(MediaSpan);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = u128::from(self.0.timescale.max(1));
        let fifth = (u128::from(self.0.ticks) * 200_000 + scale) / (scale * 2);
        write!(f, "{}.{:05}", fifth / 100_000, fifth % 100_000)
    }
}

const TICKS_PER_SECOND: u64 = 90_000;
/// A default playlist: 30 segments of 130 bytes, 18 parts of 90, and a few date ranges.
const CAPACITY: usize = 8 * 1024;
