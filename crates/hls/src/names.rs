//! Names of objects: unique for ever, predictable for the hinted part.
//!
//! A name is made of the rendition, the stream's tag and the media sequence number, which goes on
//! over epochs. So a part that was hinted before a publisher left is the first part published after
//! it comes back.

use media::UtcAnchor;

use crate::publication::{Msn, Rendition};

/// What tells this stream's objects from those of the same name before a restart: the first epoch
/// and the UTC its timeline started at.
pub(crate) fn tag(epoch: u32, anchor: UtcAnchor) -> String {
    format!("{epoch}{}", base36(anchor.0.0.unsigned_abs()))
}

/// The `count`th initialisation segment of a rendition.
pub(crate) fn init(rendition: Rendition, tag: &str, count: u32) -> String {
    format!("{}-{tag}-init{count}.mp4", letter(rendition))
}

/// A segment.
pub(crate) fn segment(rendition: Rendition, tag: &str, msn: Msn) -> String {
    format!("{}-{tag}-{msn}.m4s", letter(rendition))
}

/// A part.
pub(crate) fn part(rendition: Rendition, tag: &str, msn: Msn, index: u32) -> String {
    format!("{}-{tag}-{msn}.{index}.m4s", letter(rendition))
}

/// The place in a rendition that a name points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Some initialisation segment.
    Init,
    /// A segment.
    Segment(Msn),
    /// A part.
    Part(Msn, u32),
}

/// Where to look for a name. The caller compares the whole name with what it finds there.
pub(crate) fn place(name: &str) -> Option<(Rendition, Place)> {
    let mut fields = name.splitn(3, '-');
    let rendition = match fields.next()? {
        "v" => Rendition::Video,
        "a" => Rendition::Audio,
        _ => return None,
    };
    let _tag = fields.next()?;
    let last = fields.next()?;
    if last.ends_with(".mp4") {
        return Some((rendition, Place::Init));
    }
    let numbers = last.strip_suffix(".m4s")?;
    let place = match numbers.split_once('.') {
        Some((msn, index)) => Place::Part(Msn(msn.parse().ok()?), index.parse().ok()?),
        None => Place::Segment(Msn(numbers.parse().ok()?)),
    };
    Some((rendition, place))
}

const fn letter(rendition: Rendition) -> char {
    match rendition {
        Rendition::Video => 'v',
        Rendition::Audio => 'a',
    }
}

fn base36(mut value: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(
            char::from_digit((value % 36) as u32, 36)
                .expect("a remainder of 36 is a digit of base 36"),
        );
        value /= 36;
        if value == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use media::UnixMillis;

    use super::*;

    #[test]
    fn names_lead_back_to_their_place() {
        let tag = tag(3, UtcAnchor(UnixMillis(1_795_300_000_123)));
        for rendition in Rendition::ALL {
            let (msn, index) = (Msn(u64::MAX), 17);
            assert_eq!(
                place(&init(rendition, &tag, 4)),
                Some((rendition, Place::Init))
            );
            assert_eq!(
                place(&segment(rendition, &tag, msn)),
                Some((rendition, Place::Segment(msn)))
            );
            assert_eq!(
                place(&part(rendition, &tag, msn, index)),
                Some((rendition, Place::Part(msn, index)))
            );
        }
    }

    #[test]
    fn other_names_have_no_place() {
        for name in [
            "",
            "v",
            "v-",
            "v-x-",
            "v-x-1",
            "w-x-1.m4s",
            "v-x-1.2.3.m4s",
            "v-x--1.m4s",
            "v-x-99999999999999999999.m4s",
        ] {
            assert_eq!(place(name), None, "{name}");
        }
    }

    #[test]
    fn a_restart_changes_the_names() {
        let (before, after) = (UtcAnchor(UnixMillis(1)), UtcAnchor(UnixMillis(2)));
        assert_ne!(tag(1, before), tag(1, after));
    }
}
