//! Spans and sizes as text with a mandatory unit: `"300ms"`, `"8MiB"`.
//!
//! A bare number is refused, because nobody can tell the milliseconds from the seconds in it a year later.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A span of time: a whole number and one of `ms`, `s`, `m`, `h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes: a whole number and one of `B`, `KiB`, `MiB`, `GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A text is not a number with a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {what}; write a whole number and a unit, one of {units}, for example {example}"
)]
pub struct UnitError {
    text: String,
    what: &'static str,
    units: &'static str,
    example: &'static str,
}

impl Span {
    /// A span of `ms` milliseconds.
    pub const fn millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }

    /// A span of `s` seconds.
    pub const fn seconds(s: u64) -> Self {
        Self(Duration::from_secs(s))
    }
}

impl Size {
    /// A size of `n` KiB.
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// A size of `n` MiB.
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// The size for an in-memory length; saturates where `usize` is narrower.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError {
            text: text.into(),
            what: "span of time",
            units: "ms, s, m, h",
            example: "\"300ms\"",
        };
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let in_ms = scale(unit, &SPAN_UNITS).ok_or_else(wrong)?;
        number
            .checked_mul(in_ms)
            .map(Self::millis)
            .ok_or_else(wrong)
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError {
            text: text.into(),
            what: "size",
            units: "B, KiB, MiB, GiB",
            example: "\"8MiB\"",
        };
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let in_bytes = scale(unit, &SIZE_UNITS).ok_or_else(wrong)?;
        number.checked_mul(in_bytes).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        write_with_unit(f, ms, &SPAN_UNITS)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_unit(f, self.0, &SIZE_UNITS)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Largest first, so that writing picks the shortest exact form.
const SPAN_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

fn scale(unit: &str, units: &[(&str, u64)]) -> Option<u64> {
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, scale)| *scale)
}

fn write_with_unit(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let exact = units
        .iter()
        .find(|(_, scale)| value != 0 && value.is_multiple_of(*scale));
    match exact.or_else(|| units.last()) {
        Some((unit, scale)) => write!(f, "{}{unit}", value / scale),
        None => write!(f, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_need_a_unit_and_say_so() {
        assert_eq!("300ms".parse(), Ok(Span::millis(300)));
        assert_eq!("2m".parse(), Ok(Span::seconds(120)));
        for wrong in [
            "300",
            "",
            "ms",
            "1.5s",
            "-1s",
            "1 s",
            "1min",
            "99999999999999999999s",
        ] {
            let said = wrong.parse::<Span>().unwrap_err().to_string();
            assert!(
                said.contains(&format!("`{wrong}`")) && said.contains("ms, s, m, h"),
                "{said}"
            );
        }
    }

    #[test]
    fn sizes_are_binary_and_need_a_unit() {
        assert_eq!("8MiB".parse(), Ok(Size(8 << 20)));
        for wrong in ["8", "8MB", "8mib", "18446744073709551615GiB"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_is_written_in_the_largest_exact_unit_and_read_back() {
        for text in ["300ms", "1500ms", "2s", "3m", "24h", "0ms"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["1B", "64KiB", "8MiB", "1GiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        assert_eq!(Span::seconds(60).to_string(), "1m");
    }
}
