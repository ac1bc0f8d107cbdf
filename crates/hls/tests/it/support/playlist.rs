//! A strict parser of media playlists: an unknown tag or attribute is a failure.

use std::collections::BTreeMap;

/// A media playlist as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct MediaPlaylist {
    pub(crate) version: u32,
    pub(crate) defines_token: bool,
    pub(crate) independent_segments: bool,
    pub(crate) target_duration: u32,
    pub(crate) server_control: BTreeMap<String, String>,
    pub(crate) part_target: f64,
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) skipped: Option<u64>,
    pub(crate) recently_removed: Option<Vec<String>>,
    pub(crate) date_ranges: Vec<String>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) hint: Option<String>,
    pub(crate) reports: Vec<Report>,
    pub(crate) ended: bool,
}

/// A segment with the tags before it; the last one may have parts and no URI.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Segment {
    pub(crate) discontinuity: bool,
    pub(crate) map: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) gap: bool,
    pub(crate) parts: Vec<Part>,
    pub(crate) duration: Option<f64>,
    pub(crate) uri: Option<String>,
}

/// A part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) duration: f64,
    pub(crate) uri: String,
    pub(crate) independent: bool,
}

/// A rendition report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) uri: String,
    pub(crate) last_msn: u64,
    pub(crate) last_part: u64,
}

impl MediaPlaylist {
    pub(crate) fn parse(text: &str) -> Self {
        assert!(
            text.ends_with('\n') && !text.contains('\r') && !text.contains("\n\n"),
            "lines: {text}"
        );
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#EXTM3U"));
        let mut playlist = Self::default();
        let mut open = Segment::default();
        for line in lines {
            assert!(!playlist.ended, "nothing follows the end: {line}");
            match line.split_once(':') {
                _ if !line.starts_with('#') => {
                    open.uri = Some(line.to_owned());
                    assert!(open.duration.is_some(), "EXTINF before {line}");
                    playlist.segments.push(std::mem::take(&mut open));
                }
                Some((tag, value)) if playlist.header(tag, value) || playlist.tail(tag, value) => {}
                Some((tag, value)) => open.tag(tag, value),
                None => match line {
                    "#EXT-X-INDEPENDENT-SEGMENTS" => playlist.independent_segments = true,
                    "#EXT-X-DISCONTINUITY" => open.discontinuity = true,
                    "#EXT-X-GAP" => open.gap = true,
                    "#EXT-X-ENDLIST" => playlist.ended = true,
                    other => panic!("unknown line {other}"),
                },
            }
        }
        if open != Segment::default() {
            playlist.segments.push(open);
        }
        playlist
    }

    /// Complete segments.
    pub(crate) fn closed(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.uri.is_some())
    }

    /// The segment that has parts only.
    pub(crate) fn open(&self) -> Option<&Segment> {
        self.segments.last().filter(|segment| segment.uri.is_none())
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.segments.iter().flat_map(|segment| &segment.parts)
    }

    /// Number of the last complete segment.
    pub(crate) fn last_msn(&self) -> u64 {
        self.media_sequence + self.skipped.unwrap_or(0) + self.closed().count() as u64 - 1
    }

    fn header(&mut self, tag: &str, value: &str) -> bool {
        match tag {
            "#EXT-X-VERSION" => self.version = value.parse().unwrap(),
            "#EXT-X-DEFINE" => {
                assert_eq!(value, "QUERYPARAM=\"token\"");
                assert!(!self.defines_token, "defined twice");
                self.defines_token = true;
            }
            "#EXT-X-TARGETDURATION" => self.target_duration = value.parse().unwrap(),
            "#EXT-X-SERVER-CONTROL" => self.server_control = attributes(value),
            "#EXT-X-PART-INF" => {
                self.part_target = only(value, &["PART-TARGET"])["PART-TARGET"]
                    .parse()
                    .unwrap()
            }
            "#EXT-X-MEDIA-SEQUENCE" => self.media_sequence = value.parse().unwrap(),
            "#EXT-X-DISCONTINUITY-SEQUENCE" => self.discontinuity_sequence = value.parse().unwrap(),
            "#EXT-X-DATERANGE" => self.date_ranges.push(value.to_owned()),
            "#EXT-X-SKIP" => {
                let skip = only(value, &["SKIPPED-SEGMENTS", "RECENTLY-REMOVED-DATERANGES"]);
                self.skipped = Some(skip["SKIPPED-SEGMENTS"].parse().unwrap());
                let removed = skip.get("RECENTLY-REMOVED-DATERANGES");
                let ids = |ids: &String| {
                    ids.split('\t')
                        .filter(|id| !id.is_empty())
                        .map(str::to_owned)
                        .collect()
                };
                self.recently_removed = removed.map(ids);
            }
            _ => return false,
        }
        true
    }

    fn tail(&mut self, tag: &str, value: &str) -> bool {
        match tag {
            "#EXT-X-PRELOAD-HINT" => {
                let hint = only(value, &["TYPE", "URI"]);
                assert_eq!(hint["TYPE"], "PART");
                assert_eq!(self.hint.replace(hint["URI"].clone()), None, "one hint");
            }
            "#EXT-X-RENDITION-REPORT" => {
                let report = only(value, &["URI", "LAST-MSN", "LAST-PART"]);
                self.reports.push(Report {
                    uri: report["URI"].clone(),
                    last_msn: report["LAST-MSN"].parse().unwrap(),
                    last_part: report["LAST-PART"].parse().unwrap(),
                });
            }
            _ => return false,
        }
        true
    }
}

impl Segment {
    fn tag(&mut self, tag: &str, value: &str) {
        match tag {
            "#EXT-X-MAP" => {
                assert!(
                    self.parts.is_empty(),
                    "the map stands before the first part"
                );
                self.map = Some(only(value, &["URI"])["URI"].clone());
            }
            "#EXT-X-PROGRAM-DATE-TIME" => {
                assert!(
                    self.parts.is_empty(),
                    "the date stands before the first part"
                );
                self.date = Some(value.to_owned());
            }
            "#EXT-X-PART" => {
                let part = only(value, &["DURATION", "URI", "INDEPENDENT"]);
                self.parts.push(Part {
                    duration: decimals(&part["DURATION"]),
                    uri: part["URI"].clone(),
                    independent: part.get("INDEPENDENT").is_some_and(|yes| yes == "YES"),
                });
            }
            "#EXTINF" => self.duration = Some(decimals(value.strip_suffix(',').unwrap())),
            other => panic!("unknown tag {other}"),
        }
    }
}

/// A duration, which has five decimals.
fn decimals(value: &str) -> f64 {
    assert_eq!(value.split_once('.').unwrap().1.len(), 5, "{value}");
    value.parse().unwrap()
}

fn only(value: &str, known: &[&str]) -> BTreeMap<String, String> {
    let attributes = attributes(value);
    for name in attributes.keys() {
        assert!(
            known.contains(&name.as_str()),
            "unknown attribute {name} in {value}"
        );
    }
    attributes
}

/// An attribute list (section 4.2); quotes are taken off.
pub(crate) fn attributes(mut list: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    while !list.is_empty() {
        let (name, rest) = list.split_once('=').unwrap();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, rest) = quoted.split_once('"').unwrap();
                (value, rest.strip_prefix(',').unwrap_or(rest))
            }
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        assert_eq!(
            attributes.insert(name.to_owned(), value.to_owned()),
            None,
            "{name} twice"
        );
        list = rest;
    }
    attributes
}
