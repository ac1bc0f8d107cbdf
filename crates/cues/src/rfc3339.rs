//! Dates and times as text: RFC 3339 section 5.6, in UTC with milliseconds.

use media::UnixMillis;

use crate::error::Error;

const MS_PER_DAY: i64 = 86_400_000;
/// Longest text that is read: a full date-time with nine digits of a second has 35 bytes.
const LEN_MAX: usize = 40;

/// The wall clock as text, for example `2026-11-21T22:50:26.000Z`. Times outside the years 0000 to
/// 9999, which the format cannot say, become its first or last millisecond.
pub fn rfc3339_millis(utc: UnixMillis) -> String {
    let first = days_from_civil(0, 1, 1) * MS_PER_DAY;
    let last = days_from_civil(10_000, 1, 1) * MS_PER_DAY - 1;
    let ms = utc.0.clamp(first, last);
    let (year, month, day) = civil_from_days(ms.div_euclid(MS_PER_DAY));
    let of_day = ms.rem_euclid(MS_PER_DAY);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads a date-time with any offset and any number of digits after the second, of which those past
/// the millisecond are cut off. A leap second is the first moment of the next minute.
///
/// # Errors
/// [`Error::Carrier`] with the offset of the first byte that does not fit.
pub fn parse_rfc3339(text: &str) -> Result<UnixMillis, Error> {
    let mut scan = Scan {
        text: text.as_bytes(),
        at: 0,
    };
    if text.len() > LEN_MAX {
        return Err(scan.wrong("is longer than a date-time of RFC 3339"));
    }
    let year = scan.number(4, 0..=9999)?;
    scan.one_of(b"-")?;
    let month = scan.number(2, 1..=12)?;
    scan.one_of(b"-")?;
    let day = scan.number(2, 1..=days_in_month(year, month))?;
    scan.one_of(b"Tt ")?;
    let hour = scan.number(2, 0..=23)?;
    scan.one_of(b":")?;
    let minute = scan.number(2, 0..=59)?;
    scan.one_of(b":")?;
    let second = scan.number(2, 0..=60)?;
    let milli = scan.fraction()?;
    let offset_minutes = scan.offset()?;
    if scan.at != text.len() {
        return Err(scan.wrong("has something after the offset"));
    }
    let minutes = hour * 60 + minute - offset_minutes;
    let days = days_from_civil(year, month, day);
    Ok(UnixMillis(
        days * MS_PER_DAY + minutes * 60_000 + second * 1000 + milli,
    ))
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// Exactly `digits` digits with a value in `range`.
    fn number(
        &mut self,
        digits: usize,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, Error> {
        let field = self.text.get(self.at..self.at + digits).unwrap_or_default();
        if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
            return Err(self.wrong("wants digits"));
        }
        let value = field
            .iter()
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        if !range.contains(&value) {
            return Err(self.wrong("is out of range"));
        }
        self.at += digits;
        Ok(value)
    }

    fn one_of(&mut self, wanted: &[u8]) -> Result<u8, Error> {
        match self.text.get(self.at) {
            Some(byte) if wanted.contains(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            Some(_) | None => Err(self.wrong("wants another separator")),
        }
    }

    /// Milliseconds of `["." 1*DIGIT]`.
    fn fraction(&mut self) -> Result<i64, Error> {
        if self.text.get(self.at) != Some(&b'.') {
            return Ok(0);
        }
        self.at += 1;
        let mut milli = self.number(1, 0..=9)? * 100;
        let mut unit = 10;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            milli += self.number(1, 0..=9)? * unit;
            unit /= 10;
        }
        Ok(milli)
    }

    /// Minutes east of UTC.
    fn offset(&mut self) -> Result<i64, Error> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Ok(0),
        };
        let hours = self.number(2, 0..=23)?;
        self.one_of(b":")?;
        Ok(sign * (hours * 60 + self.number(2, 0..=59)?))
    }

    const fn wrong(&self, problem: &'static str) -> Error {
        Error::Carrier {
            element: "date-time",
            offset: self.at,
            problem,
        }
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day is its last: then the days before a
/// month are `(153 m + 2) / 5`, and 400 years (an era) have 146 097 days.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year + era * 400 + (month <= 2) as i64, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_in_both_directions() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339_millis(UnixMillis(ms)), text);
            assert_eq!(parse_rfc3339(text), Ok(UnixMillis(ms)));
        }
    }

    #[test]
    fn every_day_of_five_centuries_follows_the_one_before() {
        let mut expected = (1800, 1, 1);
        for day in days_from_civil(1800, 1, 1)..days_from_civil(2300, 1, 1) {
            assert_eq!(civil_from_days(day), expected);
            assert_eq!(days_from_civil(expected.0, expected.1, expected.2), day);
            let (year, month, of_month) = expected;
            expected = match (month, of_month == days_in_month(year, month)) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                (_, false) => (year, month, of_month + 1),
            };
        }
    }

    #[test]
    fn what_the_format_cannot_say_becomes_its_nearest_moment() {
        assert_eq!(
            rfc3339_millis(UnixMillis(i64::MAX)),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            rfc3339_millis(UnixMillis(i64::MIN)),
            "0000-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn offsets_fractions_and_leap_seconds_are_understood() {
        for (text, ms) in [
            ("1970-01-01T01:30:00+01:30", 0),
            ("1969-12-31t23:00:00.5-01:00", 500),
            ("1970-01-01 00:00:00.0019999z", 1),
            ("1970-01-01T00:00:00.25Z", 250),
            ("1970-01-01T00:00:00-00:00", 0),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] {
            assert_eq!(parse_rfc3339(text), Ok(UnixMillis(ms)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_where_they_go_wrong() {
        for (text, at) in [
            ("", 0),
            ("2023-1-14T22:13:20Z", 5),
            ("2023-13-14T22:13:20Z", 5),
            ("2023-02-29T22:13:20Z", 8),
            ("2023-11-14", 10),
            ("2023-11-14T24:00:00Z", 11),
            ("2023-11-14T22:60:00Z", 14),
            ("2023-11-14T22:13:61Z", 17),
            ("2023-11-14T22:13:20", 19),
            ("2023-11-14T22:13:20.Z", 20),
            ("2023-11-14T22:13:20Zz", 20),
            ("2023-11-14T22:13:20+0100", 22),
            ("2023-11-14T22:13:20+24:00", 20),
            ("+023-11-14T22:13:20Z", 0),
            ("２０２３-11-14T22:13:20Z", 0),
            ("2023-11-14T22:13:20.00000000000000000000Z", 0),
        ] {
            let error = parse_rfc3339(text).unwrap_err();
            assert!(
                matches!(error, Error::Carrier { offset, .. } if offset == at),
                "{text}: {error}"
            );
        }
    }
}
