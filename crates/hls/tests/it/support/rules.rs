//! The rules of draft-pantos-hls-rfc8216bis-22 that a live low-latency playlist must keep, each
//! with its section.

use super::playlist::{MediaPlaylist, Segment};

/// Five decimals are printed: a sum of many is off by at most this.
const ROUNDING: f64 = 0.000_5;

/// Every rule a playlist breaks by itself. `short_parts` excuses parts below 85 %: the packager
/// said so.
pub(crate) fn broken(playlist: &MediaPlaylist, short_parts: bool) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, name: String| {
        if !holds {
            broken.push(name);
        }
    };
    let target = f64::from(playlist.target_duration);
    for segment in playlist.closed() {
        let duration = segment.duration.unwrap();
        rule(
            duration.round() <= target,
            format!("4.4.3.1 EXTINF {duration} over TARGETDURATION {target}"),
        );
        let parts: f64 = segment.parts.iter().map(|part| part.duration).sum();
        let same = segment.parts.is_empty() || (parts - duration).abs() < ROUNDING;
        rule(
            same,
            format!("4.4.4.9 parts of {parts} in a segment of {duration}"),
        );
    }
    for segment in &playlist.segments {
        rule(
            segment.date.is_some(),
            format!("4.4.4.6 no PROGRAM-DATE-TIME at {:?}", segment.uri),
        );
    }
    parts(playlist, short_parts, &mut rule);
    server_control(playlist, &mut rule);
    rule(
        playlist.segments[0].map.is_some(),
        "4.4.4.5 the first segment has no EXT-X-MAP".to_owned(),
    );
    rule(
        playlist.ended || playlist.hint.is_some(),
        "4.4.5.3 no PRELOAD-HINT".to_owned(),
    );
    rule(
        !playlist.ended || playlist.hint.is_none(),
        "4.4.5.3 PRELOAD-HINT after the end".to_owned(),
    );
    rule(
        playlist.skipped.is_none() || playlist.version >= 9,
        "8 EXT-X-SKIP needs version 9".to_owned(),
    );
    rule(
        playlist.recently_removed.is_none() || playlist.version >= 10,
        "8 date ranges need version 10".to_owned(),
    );
    rule(
        !playlist.defines_token || playlist.version >= 11,
        "8 QUERYPARAM needs version 11".to_owned(),
    );
    rule(
        playlist.date_ranges.len() <= 64,
        "more than 64 date ranges".to_owned(),
    );
    broken
}

fn parts(playlist: &MediaPlaylist, short_parts: bool, rule: &mut impl FnMut(bool, String)) {
    let part_target = playlist.part_target;
    for segment in &playlist.segments {
        for (index, part) in segment.parts.iter().enumerate() {
            let duration = part.duration;
            rule(
                duration <= part_target + 0.000_01,
                format!("4.4.4.9 part of {duration} over PART-TARGET {part_target}"),
            );
            let last = segment.uri.is_some() && index + 1 == segment.parts.len();
            let long_enough = duration >= part_target * 0.85 - 0.000_01;
            let excused = last || part.independent || short_parts;
            rule(
                long_enough || excused,
                format!(
                    "4.4.4.9 part of {duration} below 85 % of {part_target}: {}",
                    part.uri
                ),
            );
        }
    }
    // All parts of the open segment and of the last three target durations, and none from further
    // back.
    let total: f64 = playlist.segments.iter().map(length).sum();
    let mut start = 0.0;
    for segment in &playlist.segments {
        let from_end = total - start;
        let near = from_end <= f64::from(playlist.target_duration) * 3.0 + ROUNDING;
        rule(
            near || segment.parts.is_empty(),
            format!("6.2.2 parts {from_end} s before the end"),
        );
        let listed = !segment.parts.is_empty() || segment.gap || playlist.ended;
        let close = from_end <= f64::from(playlist.target_duration) * 3.0 - ROUNDING;
        rule(
            listed || !close,
            format!("parts missing {from_end} s before the end"),
        );
        start += length(segment);
    }
}

fn server_control(playlist: &MediaPlaylist, rule: &mut impl FnMut(bool, String)) {
    let number = |name: &str| {
        playlist
            .server_control
            .get(name)
            .map_or(0.0, |value| value.parse::<f64>().unwrap())
    };
    let target = f64::from(playlist.target_duration);
    let yes = playlist
        .server_control
        .get("CAN-BLOCK-RELOAD")
        .is_some_and(|value| value == "YES");
    rule(yes, "4.4.3.8 no CAN-BLOCK-RELOAD".to_owned());
    rule(
        number("PART-HOLD-BACK") >= 3.0 * playlist.part_target - 1e-9,
        "14.3 PART-HOLD-BACK below 3 parts".to_owned(),
    );
    rule(
        number("HOLD-BACK") >= 3.0 * target,
        "4.4.3.8 HOLD-BACK below 3 target durations".to_owned(),
    );
    rule(
        number("CAN-SKIP-UNTIL") >= 6.0 * target,
        "4.4.3.8 CAN-SKIP-UNTIL below 6 target durations".to_owned(),
    );
}

/// Every rule broken by going from one version of a playlist to the next.
pub(crate) fn broken_between(old: &MediaPlaylist, new: &MediaPlaylist) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, name: &str| {
        if !holds {
            broken.push(name.to_owned());
        }
    };
    rule(
        old.target_duration == new.target_duration,
        "6.2.1 TARGETDURATION changed",
    );
    rule(
        old.server_control == new.server_control,
        "SERVER-CONTROL changed",
    );
    rule(
        (old.part_target - new.part_target).abs() < f64::EPSILON,
        "PART-TARGET changed",
    );
    rule(
        old.media_sequence <= new.media_sequence,
        "6.2.2 MEDIA-SEQUENCE went back",
    );
    rule(
        old.discontinuity_sequence <= new.discontinuity_sequence,
        "6.2.2 DISCONTINUITY-SEQUENCE went back",
    );
    let gone = usize::try_from(new.media_sequence - old.media_sequence).unwrap();
    for (was, is) in old.segments.iter().skip(gone).zip(&new.segments) {
        rule(
            was.date == is.date && was.discontinuity == is.discontinuity,
            "6.2.1 a segment's tags changed",
        );
        if was.uri.is_some() {
            rule(
                (&was.uri, was.duration) == (&is.uri, is.duration),
                "6.2.1 a segment changed",
            );
        }
        let kept = was.parts.iter().zip(&is.parts).all(|(was, is)| was == is);
        rule(
            kept && (is.parts.len() >= was.parts.len() || is.parts.is_empty()),
            "6.2.1 a part changed",
        );
    }
    if let Some(hint) = &old.hint {
        // What was hinted is what came.
        let came = new.parts().any(|part| part.uri == *hint);
        rule(
            came || new.hint.as_ref() == Some(hint)
                || new.ended
                || new.segments.iter().any(|segment| segment.gap),
            "6.2.6 a hint was abandoned",
        );
    }
    broken
}

/// Every rule broken between two renditions of one stream (section 6.2.4).
pub(crate) fn broken_across(video: &MediaPlaylist, audio: &MediaPlaylist) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, name: &str| {
        if !holds {
            broken.push(name.to_owned());
        }
    };
    rule(
        video.target_duration == audio.target_duration,
        "6.2.4 target durations differ",
    );
    rule(
        video.server_control == audio.server_control,
        "4.4.3.8 SERVER-CONTROL differs",
    );
    rule(
        video.media_sequence == audio.media_sequence,
        "media sequences differ",
    );
    rule(
        video.discontinuity_sequence == audio.discontinuity_sequence,
        "6.2.4 discontinuity sequences differ",
    );
    for (video, audio) in video.segments.iter().zip(&audio.segments) {
        rule(
            video.discontinuity == audio.discontinuity,
            "6.2.4 discontinuities differ",
        );
    }
    broken
}

fn length(segment: &Segment) -> f64 {
    segment
        .duration
        .unwrap_or_else(|| segment.parts.iter().map(|part| part.duration).sum())
}
