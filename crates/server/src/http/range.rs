//! One byte range of an object (RFC 9110 section 14).

use std::ops::Range;

/// What a `Range` header asks of `len` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: no header, one that may be ignored (section 14.2), or several ranges.
    Whole,
    /// These bytes; never empty.
    Part(Range<usize>),
    /// Nothing of it: 416.
    Beyond,
}

/// Reads a `Range` header.
pub(crate) fn asked(header: Option<&str>, len: usize) -> Asked {
    let Some((first, last)) = header.and_then(one_range) else {
        return Asked::Whole;
    };
    let range = match (first, last) {
        (Some(first), Some(last)) if first > last => return Asked::Whole,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(len),
        (Some(first), None) => first..len,
        (None, Some(suffix)) => len.saturating_sub(suffix)..len,
        (None, None) => return Asked::Whole,
    };
    if range.start < range.end {
        Asked::Part(range)
    } else {
        Asked::Beyond
    }
}

fn one_range(header: &str) -> Option<(Option<usize>, Option<usize>)> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Some(text.parse().unwrap_or(usize::MAX)))
        }
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        assert_eq!(asked(Some("bytes=0-"), 10), Asked::Part(0..10));
        assert_eq!(asked(Some("bytes=2-3"), 10), Asked::Part(2..4));
        assert_eq!(
            asked(Some("bytes=8-99999999999999999999999"), 10),
            Asked::Part(8..10)
        );
        assert_eq!(asked(Some("bytes=-3"), 10), Asked::Part(7..10));
        assert_eq!(asked(Some("bytes=-30"), 10), Asked::Part(0..10));
    }

    #[test]
    fn what_lies_beyond_the_end_is_416() {
        assert_eq!(asked(Some("bytes=10-"), 10), Asked::Beyond);
        assert_eq!(asked(Some("bytes=-0"), 10), Asked::Beyond);
    }

    #[test]
    fn anything_else_means_the_whole() {
        for header in [
            "bytes=",
            "bytes=-",
            "bytes=3-2",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(Some(header), 10), Asked::Whole, "{header}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }
}
