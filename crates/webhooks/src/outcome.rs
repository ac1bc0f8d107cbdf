//! How an attempt went.

use std::time::{Duration, UNIX_EPOCH};

use media::UnixMillis;

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// 200 to 299.
        status: u16,
    },
    /// The receiver wants no more of them, ever.
    Gone,
    /// It did not arrive, or was not taken.
    Failed {
        /// The receiver's answer, if there was one.
        status: Option<u16>,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
        /// What went wrong, for people.
        error: String,
    },
}

impl Outcome {
    /// What an answer means. `excerpt` is the beginning of its body, for people.
    pub fn answered(status: u16, retry_after: Option<Duration>, excerpt: &str) -> Self {
        match status {
            // "A webhook delivery is considered successful if it was responded to with a `2xx` status code".
            200..=299 => Self::Delivered { status },
            // "410 Gone: … Sender should disable the webhook endpoint, and stop sending it messages."
            410 => Self::Gone,
            _ => Self::Failed {
                status: Some(status),
                retry_after,
                error: describe(status, excerpt),
            },
        }
    }

    /// There was no answer.
    pub fn unanswered(error: impl Into<String>) -> Self {
        Self::Failed {
            status: None,
            retry_after: None,
            error: error.into(),
        }
    }
}

fn describe(status: u16, excerpt: &str) -> String {
    let said = match status {
        // "3xx: Failure. … it's therefore recommended to update the webhook URL instead."
        300..=399 => format!("answered {status}; redirects are not followed, correct the URL"),
        _ => format!("answered {status}"),
    };
    let shown: String = excerpt
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match shown.trim() {
        "" => said,
        shown => format!("{said}: {shown}"),
    }
}

/// The wait that a `Retry-After` header asks for (RFC 9110 section 10.2.3); `None` if it is neither seconds nor a date.
pub fn retry_after(value: &str, now: UnixMillis) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More than fits is for ever, which is capped later.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Duration::from_millis(u64::try_from(now.0).unwrap_or_default());
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_success_and_only_410_is_for_good() {
        for status in [200, 201, 202, 204, 299] {
            let outcome = Outcome::answered(status, None, "");
            assert_eq!(outcome, Outcome::Delivered { status });
        }
        assert_eq!(Outcome::answered(410, None, ""), Outcome::Gone);
        for status in [
            100, 199, 300, 301, 304, 308, 400, 404, 409, 429, 500, 503, 599,
        ] {
            let outcome = Outcome::answered(status, None, "");
            assert!(
                matches!(outcome, Outcome::Failed { status: Some(s), .. } if s == status),
                "{status}"
            );
        }
    }

    #[test]
    fn a_failure_says_what_the_receiver_said() {
        let Outcome::Failed { error, .. } = Outcome::answered(400, None, "no such\r\nshop\u{7}")
        else {
            panic!("400 is a failure");
        };
        assert_eq!(error, "answered 400: no such  shop");
        let Outcome::Failed { error, .. } = Outcome::answered(307, None, " ") else {
            panic!("307 is a failure");
        };
        assert!(error.contains("redirects are not followed"), "{error}");
    }

    #[test]
    fn a_wait_is_given_in_seconds_or_as_a_date() {
        let now = UnixMillis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let s = |s| Some(Duration::from_secs(s));
        assert_eq!(retry_after("120", now), s(120));
        assert_eq!(retry_after(" 0 ", now), s(0));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), s(60));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), s(0));
        assert_eq!(retry_after("99999999999999999999999", now), s(u64::MAX));
        for wrong in ["", "-1", "1.5", "soon", "+5"] {
            assert_eq!(retry_after(wrong, now), None, "{wrong}");
        }
    }
}
