//! API tokens: what an operator's or a platform's back end sends.

use std::fmt;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};

/// The API tokens that are valid now; each allows everything. More than one while a new one replaces an old one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ApiTokens(Vec<[u8; 32]>);

/// An API token is not fit to be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It could be guessed.
    #[error(
        "an API token has {len} characters and needs at least {}; make one with `openssl rand -base64 32`",
        ApiTokens::LEN_MIN
    )]
    Short {
        /// How many it has.
        len: usize,
    },
    /// It could not be sent.
    #[error(
        "an API token holds a character that an Authorization header cannot carry; make one with `openssl rand -base64 32`"
    )]
    Character,
    /// It would look like a signed token.
    #[error(
        "an API token holds a dot, by which signed tokens are told from it; make one with `openssl rand -base64 32`"
    )]
    Dot,
    /// More than are needed to replace one by another.
    #[error(
        "{count} API tokens are given and at most {} are taken; remove old ones",
        ApiTokens::COUNT_MAX
    )]
    Many {
        /// How many there are.
        count: usize,
    },
}

impl ApiTokens {
    /// Fewest characters of a token: what `openssl rand -base64 24` gives has 192 bits.
    pub const LEN_MIN: usize = 32;
    /// Most tokens at once.
    pub const COUNT_MAX: usize = 8;

    /// The tokens of `text`, one a line; spaces around them and empty lines do not count. No line, no token.
    ///
    /// # Errors
    /// A token that is short or cannot be sent, or too many of them.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let lines: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        if lines.len() > Self::COUNT_MAX {
            return Err(SecretError::Many { count: lines.len() });
        }
        let hashed = |token: &&str| match token.len() {
            // RFC 6750 section 2.1: b64token, which is a part of what is visible.
            _ if !token.bytes().all(|byte| byte.is_ascii_graphic()) => Err(SecretError::Character),
            _ if token.contains('.') => Err(SecretError::Dot),
            len if len < Self::LEN_MIN => Err(SecretError::Short { len }),
            _ => Ok(hash(token)),
        };
        lines.iter().map(hashed).collect::<Result<_, _>>().map(Self)
    }

    /// There is none: development mode.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `token` is one of them. Takes the same time wherever they differ.
    pub fn knows(&self, token: &str) -> bool {
        let given = hash(token);
        // Hashes are compared, all of them to the end, so that neither a length nor a prefix can be measured.
        self.0.iter().fold(false, |found, known| {
            found | verify_slices_are_equal(known, &given).is_ok()
        })
    }
}

/// Not a secret, but nobody needs them in a log.
impl fmt::Debug for ApiTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiTokens({})", self.0.len())
    }
}

fn hash(token: &str) -> [u8; 32] {
    let digest = digest(&SHA256, token.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "one-token-that-is-long-enough-for-it";
    const OTHER: &str = "another-token-that-is-long-enough-too";

    #[test]
    fn a_token_is_known_in_full_and_only_so() {
        let tokens = ApiTokens::parse(&format!("\n {ONE} \r\n{OTHER}\n")).unwrap();
        assert!(tokens.knows(ONE) && tokens.knows(OTHER));
        for wrong in ["", &ONE[1..], &format!("{ONE} "), &ONE.to_uppercase()] {
            assert!(!tokens.knows(wrong), "{wrong}");
        }
        assert!(
            !ApiTokens::default().knows(""),
            "no token is not the empty token"
        );
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused_with_a_remedy() {
        let short = "x".repeat(31);
        let said = ApiTokens::parse(&short).unwrap_err();
        assert_eq!(said, SecretError::Short { len: 31 });
        assert!(said.to_string().contains("openssl rand -base64 32"));
        assert!(ApiTokens::parse(&"x".repeat(32)).is_ok());
        let spaced = "a token with spaces in the middle of it, long";
        assert_eq!(ApiTokens::parse(spaced), Err(SecretError::Character));
        let dotted = format!("{ONE}.x");
        assert_eq!(ApiTokens::parse(&dotted), Err(SecretError::Dot));
        let many = format!("{ONE}\n").repeat(9);
        assert_eq!(ApiTokens::parse(&many), Err(SecretError::Many { count: 9 }));
        assert!(ApiTokens::parse("\n \n").unwrap().is_empty());
    }
}
