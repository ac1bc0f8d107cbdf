//! The query of a playlist request: delivery directives (section 6.2.5) and whatever else belongs
//! to the platform.

use std::borrow::Cow;

use super::token;
use crate::{Error, QUERY_BYTES_MAX};

/// The delivery directives of a request, and the rest of its query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directives {
    msn: Option<u64>,
    part: Option<u64>,
    skip: Option<Skip>,
    bad: Option<BadDirective>,
    has_token: bool,
    suffix: String,
}

/// `_HLS_skip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// `YES`: older segments.
    Segments,
    /// `v2`: older segments and date ranges.
    SegmentsAndDateRanges,
}

/// Why a request gets 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadDirective {
    /// Its value is no number.
    #[error("{0} is not a decimal integer below 2^63; take it from the playlist")]
    NotANumber(&'static str),
    /// It could mean either of two things.
    #[error("{0} is given more than once; send it once")]
    Duplicate(&'static str),
    /// Section 6.2.5.2: "If the Playlist URI contains an _HLS_part directive but no _HLS_msn
    /// directive, the Server MUST return Bad Request".
    #[error("_HLS_part says nothing without _HLS_msn; send both")]
    PartWithoutMsn,
    /// Waiting for it would take longer than the playlist allows.
    #[error(
        "the segment or part lies too far in the future; reload the playlist without directives"
    )]
    TooFarAhead,
}

impl Directives {
    /// Reads the query of a request, without its `?`. What a directive does wrong is kept, and told
    /// by [`Origin::playlist`](super::Origin::playlist): after `EXT-X-ENDLIST` directives are
    /// ignored.
    ///
    /// # Errors
    /// When the query is longer than [`QUERY_BYTES_MAX`].
    pub fn parse(query: &str) -> Result<Self, Error> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(Error::QueryTooLong { bytes: query.len() });
        }
        let mut directives = Self::default();
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            let name = percent_decode(name);
            if name.starts_with("_HLS_") {
                if let Err(bad) = directives.read(&name, &percent_decode(value)) {
                    directives.bad.get_or_insert(bad);
                }
            } else if name == token::NAME {
                // Section 4.4.2.3: a parameter without a value defines nothing.
                directives.has_token |= !value.is_empty();
            } else {
                directives.keep(field);
            }
        }
        if directives.has_token {
            directives.begin_parameter();
            directives.suffix.push_str(token::REFERENCE);
        }
        if directives.part.is_some() && directives.msn.is_none() {
            directives.bad.get_or_insert(BadDirective::PartWithoutMsn);
        }
        Ok(directives)
    }

    /// `_HLS_msn`.
    pub fn msn(&self) -> Option<u64> {
        self.msn
    }

    /// `_HLS_part`.
    pub fn part(&self) -> Option<u64> {
        self.part
    }

    /// `_HLS_skip`.
    pub fn skip(&self) -> Option<Skip> {
        self.skip
    }

    /// What is wrong with the directives themselves.
    pub fn bad(&self) -> Option<BadDirective> {
        self.bad
    }

    /// The request came with a token. What it is does not matter here, and is not kept.
    pub fn has_token(&self) -> bool {
        self.has_token
    }

    /// What every URI of the playlist gets behind it: `?` and the parameters that are not
    /// directives, in a form that is safe inside a playlist; empty when there are none. In place of
    /// a token stands a reference to the player's own.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Unknown directives are ignored (section 6.2.5).
    fn read(&mut self, name: &str, value: &str) -> Result<(), BadDirective> {
        match name {
            MSN => number(MSN, value, &mut self.msn),
            PART => number(PART, value, &mut self.part),
            SKIP => {
                if self.skip.is_some() {
                    return Err(BadDirective::Duplicate(SKIP));
                }
                self.skip = match value {
                    "YES" => Some(Skip::Segments),
                    "v2" => Some(Skip::SegmentsAndDateRanges),
                    _ => None,
                };
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin_parameter(&mut self) {
        self.suffix
            .push(if self.suffix.is_empty() { '?' } else { '&' });
    }

    fn keep(&mut self, field: &str) {
        self.begin_parameter();
        let bytes = field.as_bytes();
        for (at, &byte) in bytes.iter().enumerate() {
            let escape = byte == b'%'
                && bytes
                    .get(at + 1..at + 3)
                    .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
            if escape || is_query_char(byte) {
                self.suffix.push(char::from(byte));
            } else {
                self.suffix
                    .extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
            }
        }
    }
}

fn number(name: &'static str, value: &str, into: &mut Option<u64>) -> Result<(), BadDirective> {
    if into.is_some() {
        return Err(BadDirective::Duplicate(name));
    }
    // `parse` alone would take a plus sign. decimal-integer reaches 2^64 - 1 (section 4.2); nothing
    // needs the last bit.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = value
        .parse()
        .ok()
        .filter(|parsed| digits && *parsed <= i64::MAX.unsigned_abs());
    *into = Some(parsed.ok_or(BadDirective::NotANumber(name))?);
    Ok(())
}

/// What RFC 3986 section 3.4 allows in a query as it is.
const fn is_query_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'/'
                | b'?'
        )
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16)
        .expect("a nibble is a hex digit")
        .to_ascii_uppercase()
}

/// Decodes `%XX`, so that an escaped directive is still a directive.
fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| str::from_utf8(hex).ok());
        let escaped = hex.filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escaped
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| byte == b'%')
        {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

const MSN: &str = "_HLS_msn";
const PART: &str = "_HLS_part";
const SKIP: &str = "_HLS_skip";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Directives {
        Directives::parse(query).unwrap()
    }

    #[test]
    fn directives_are_read_in_any_order() {
        let directives = parse("_HLS_part=2&_HLS_skip=v2&_HLS_msn=17");
        assert_eq!((directives.msn(), directives.part()), (Some(17), Some(2)));
        assert_eq!(directives.skip(), Some(Skip::SegmentsAndDateRanges));
        assert_eq!((directives.bad(), directives.suffix()), (None, ""));
    }

    #[test]
    fn other_parameters_are_kept_and_directives_are_not() {
        assert_eq!(
            parse("session=a%2Bb&_HLS_msn=1&x&_HLS_new=1").suffix(),
            "?session=a%2Bb&x"
        );
        assert_eq!(parse("%5FHLS_msn=4").msn(), Some(4));
        assert_eq!(parse("%5FHLS_msn=4").suffix(), "");
    }

    #[test]
    fn a_token_is_named_and_not_kept() {
        for query in ["token=secret", "%74oken=secret", "token=secret&token=other"] {
            let directives = parse(query);
            assert!(directives.has_token(), "{query}");
            assert_eq!(directives.suffix(), "?token={$token}", "{query}");
        }
        let directives = parse("x=1&token=secret&_HLS_msn=4&y=2");
        assert_eq!(directives.msn(), Some(4));
        assert_eq!(directives.suffix(), "?x=1&y=2&token={$token}");
        for query in ["", "token", "token=", "tokens=1", "Token=1"] {
            assert!(!parse(query).has_token(), "{query}");
        }
        assert_eq!(parse("token=").suffix(), "");
    }

    #[test]
    fn nobody_but_us_refers_to_the_token() {
        let suffix = parse("x={$token}&y=%7B$token%7D").suffix().to_owned();
        assert_eq!(suffix, "?x=%7B$token%7D&y=%7B$token%7D");
    }

    #[test]
    fn nothing_kept_can_leave_its_line_or_its_quotes() {
        let hostile = "a=\"\r\n#EXT-X-ENDLIST&b=%zz%2&c=\u{e9} <>\\^`{|}";
        let suffix = parse(hostile).suffix().to_owned();
        assert_eq!(
            suffix,
            "?a=%22%0D%0A%23EXT-X-ENDLIST&b=%25zz%252&c=%C3%A9%20%3C%3E%5C%5E%60%7B%7C%7D"
        );
        assert_eq!(
            parse(&suffix[1..]).suffix(),
            suffix,
            "once made safe it stays as it is"
        );
    }

    #[test]
    fn bad_numbers_are_told_apart() {
        for bad in [
            "-1",
            "abc",
            "",
            "+1",
            "1.0",
            " 1",
            "0x1",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            let directives = parse(&format!("_HLS_msn={bad}"));
            assert_eq!(
                directives.bad(),
                Some(BadDirective::NotANumber("_HLS_msn")),
                "{bad}"
            );
        }
        assert_eq!(
            parse("_HLS_msn=9223372036854775807").msn(),
            Some(i64::MAX.unsigned_abs())
        );
        assert_eq!(
            parse("_HLS_msn=1&_HLS_msn=1").bad(),
            Some(BadDirective::Duplicate("_HLS_msn"))
        );
        assert_eq!(
            parse("_HLS_part=1").bad(),
            Some(BadDirective::PartWithoutMsn)
        );
        assert_eq!(parse("_HLS_skip=maybe").bad(), None);
    }

    #[test]
    fn a_long_query_is_refused() {
        let query = "a".repeat(QUERY_BYTES_MAX + 1);
        assert_eq!(
            Directives::parse(&query),
            Err(Error::QueryTooLong {
                bytes: QUERY_BYTES_MAX + 1
            })
        );
    }

    #[test]
    fn what_is_kept_is_at_most_three_times_the_query() {
        let query = "\"".repeat(QUERY_BYTES_MAX);
        assert_eq!(parse(&query).suffix().len(), 3 * QUERY_BYTES_MAX + 1);
    }
}
