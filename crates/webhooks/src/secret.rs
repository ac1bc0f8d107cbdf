//! Secrets and the signatures made with them.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What an endpoint's messages are signed with. Prints without the key.
pub struct Secret(Key);

enum Key {
    Symmetric(Box<hmac::Key>),
    Asymmetric(Ed25519KeyPair),
}

/// A text is not a secret. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No known prefix.
    #[error("a secret begins with `whsec_` (HMAC-SHA256) or `whsk_` (Ed25519)")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("what follows `{0}` must be base64 (RFC 4648 section 4, with padding)")]
    Base64(&'static str),
    /// Too short or too long.
    #[error("a `whsec_` secret has 24 to 64 bytes, this one has {0}")]
    SymmetricLength(usize),
    /// Neither a seed nor a seed with its public key.
    #[error(
        "a `whsk_` key has 32 bytes (the seed) or 64 (the seed and its public key), this one has {0}"
    )]
    AsymmetricLength(usize),
    /// The second half is not the public key of the first.
    #[error("the public key in the second half of a `whsk_` key is not that of its seed")]
    Mismatch,
}

impl Secret {
    /// Reads `whsec_…` or `whsk_…`.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if let Some(text) = text.strip_prefix(SYMMETRIC) {
            let key = decode(SYMMETRIC, text)?;
            // "Random. At least 24 bytes (192 bits, 512 maximum)": 512 bits.
            if !(24..=64).contains(&key.len()) {
                return Err(SecretError::SymmetricLength(key.len()));
            }
            let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
            return Ok(Self(Key::Symmetric(Box::new(key))));
        }
        let text = text.strip_prefix(ASYMMETRIC).ok_or(SecretError::Prefix)?;
        let key = decode(ASYMMETRIC, text)?;
        let length = || SecretError::AsymmetricLength(key.len());
        let pair = match key.len() {
            32 => Ed25519KeyPair::from_seed_unchecked(&key).map_err(|_| length())?,
            64 => Ed25519KeyPair::from_seed_and_public_key(&key[..32], &key[32..])
                .map_err(|_| SecretError::Mismatch)?,
            _ => return Err(length()),
        };
        Ok(Self(Key::Asymmetric(pair)))
    }

    /// One entry of `webhook-signature`, for an attempt at `timestamp_s` (Unix time in seconds).
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        // "The content to be signed is therefore: `{msg_id}.{timestamp}.{payload}`."
        let content = format!("{id}.{timestamp_s}.{body}");
        match &self.0 {
            Key::Symmetric(key) => {
                let tag = hmac::sign(key, content.as_bytes());
                format!("v1,{}", STANDARD.encode(tag))
            }
            Key::Asymmetric(pair) => {
                let signature = pair.sign(content.as_bytes());
                format!("v1a,{}", STANDARD.encode(signature))
            }
        }
    }

    /// What the receiver of asymmetric signatures is given, `whpk_…`; `None` for a symmetric secret.
    pub fn public_key(&self) -> Option<String> {
        match &self.0 {
            Key::Symmetric(_) => None,
            Key::Asymmetric(pair) => Some(format!("whpk_{}", STANDARD.encode(pair.public_key()))),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Key::Symmetric(_) => "whsec_***",
            Key::Asymmetric(_) => "whsk_***",
        })
    }
}

fn decode(prefix: &'static str, text: &str) -> Result<Vec<u8>, SecretError> {
    STANDARD
        .decode(text)
        .map_err(|_| SecretError::Base64(prefix))
}

const SYMMETRIC: &str = "whsec_";
const ASYMMETRIC: &str = "whsk_";

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;

    /// Vectors of the standard's own libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let symmetric = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            symmetric.sign(ID, 1_614_265_330, BODY),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        let asymmetric =
            Secret::parse("whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=").unwrap();
        assert_eq!(
            asymmetric.sign(ID, 1_614_265_330, BODY),
            "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
        );
    }

    #[test]
    fn a_key_with_its_public_half_is_the_same_key_and_a_wrong_half_is_refused() {
        let seed = [7_u8; 32];
        let short = Secret::parse(&format!("whsk_{}", STANDARD.encode(seed))).unwrap();
        let public = short.public_key().unwrap();
        let public = STANDARD
            .decode(public.strip_prefix("whpk_").unwrap())
            .unwrap();
        let long = |public: &[u8]| {
            let whole = [&seed[..], public].concat();
            Secret::parse(&format!("whsk_{}", STANDARD.encode(whole)))
        };
        assert_eq!(
            long(&public).unwrap().sign(ID, 1, BODY),
            short.sign(ID, 1, BODY)
        );
        assert_eq!(long(&[1; 32]).unwrap_err(), SecretError::Mismatch);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_repeated() {
        let text = |prefix: &str, len: usize| format!("{prefix}{}", STANDARD.encode(vec![1; len]));
        for (wrong, error) in [
            ("hunter2".to_owned(), SecretError::Prefix),
            ("whpk_AAAA".to_owned(), SecretError::Prefix),
            ("whsec_hunter2".to_owned(), SecretError::Base64("whsec_")),
            (text("whsec_", 23), SecretError::SymmetricLength(23)),
            (text("whsec_", 65), SecretError::SymmetricLength(65)),
            (text("whsk_", 33), SecretError::AsymmetricLength(33)),
            (text("whsk_", 0), SecretError::AsymmetricLength(0)),
        ] {
            let found = Secret::parse(&wrong).unwrap_err();
            assert_eq!(found, error, "{wrong}");
            assert!(!found.to_string().contains("hunter2"));
        }
        assert_eq!(
            format!("{:?}", Secret::parse(&text("whsec_", 24)).unwrap()),
            "whsec_***"
        );
    }
}
