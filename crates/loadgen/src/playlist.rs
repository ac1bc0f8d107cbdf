//! As much of a media playlist as a viewer at the live edge needs.

/// A media playlist's newest media.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Playlist {
    /// Media sequence number and part number of the next part.
    pub(crate) next: (u64, u64),
    /// Parts listed, oldest first: `(msn, part, uri)`.
    pub(crate) parts: Vec<(u64, u64, String)>,
    /// `EXT-X-MAP`.
    pub(crate) map: Option<String>,
    /// Nothing more comes.
    pub(crate) ended: bool,
}

impl Playlist {
    /// Reads the tags that matter here; `None` when it is no playlist.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.starts_with("#EXTM3U").then_some(())?;
        let mut playlist = Self::default();
        let (mut msn, mut part) = (0, 0);
        for line in text.lines() {
            if let Some(first) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
                msn = first.parse().ok()?;
            } else if let Some(skipped) = line.strip_prefix("#EXT-X-SKIP:") {
                msn += attribute(skipped, "SKIPPED-SEGMENTS")?
                    .parse::<u64>()
                    .ok()?;
            } else if let Some(map) = line.strip_prefix("#EXT-X-MAP:") {
                playlist.map = attribute(map, "URI").map(str::to_owned);
            } else if let Some(attributes) = line.strip_prefix("#EXT-X-PART:") {
                playlist
                    .parts
                    .push((msn, part, attribute(attributes, "URI")?.to_owned()));
                part += 1;
            } else if line == "#EXT-X-ENDLIST" {
                playlist.ended = true;
            } else if !line.starts_with('#') && !line.is_empty() {
                msn += 1;
                part = 0;
            }
        }
        playlist.next = (msn, part);
        Some(playlist)
    }
}

/// An attribute's value, quotes taken off.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.strip_prefix(',').unwrap_or(next))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key == name {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2.0,\ns7.mp4\n\
                        #EXT-X-PART:DURATION=0.3,URI=\"p8.0.mp4\",INDEPENDENT=YES\n#EXT-X-PART:URI=\"p8.1.mp4\",DURATION=0.3\n\
                        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p8.2.mp4\"\n";

    #[test]
    fn the_next_part_is_the_one_after_the_last_listed() {
        let playlist = Playlist::parse(TEXT).unwrap();
        assert_eq!(playlist.next, (8, 2));
        assert_eq!(playlist.parts[1], (8, 1, "p8.1.mp4".to_owned()));
        assert_eq!(playlist.map.as_deref(), Some("i.mp4"));
    }

    #[test]
    fn what_is_no_playlist_is_not_read() {
        assert_eq!(Playlist::parse("<html>"), None);
        assert_eq!(attribute("A=1,B=\"x,y\",C=2", "C"), Some("2"));
    }
}
