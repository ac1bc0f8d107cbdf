//! Stream keys: what a broadcaster types into an encoder.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use media::UnixMillis;

/// A stream key as its owner has it: `sk_` and 256 random bits in base64url. It is shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamKey(String);

/// What is kept of a stream key. A key has 256 random bits, so a slow hash would protect nothing more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub [u8; 32]);

/// What is known of a stream key that was found by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public name, by which it is listed and revoked.
    pub id: String,
    /// The one stream it publishes.
    pub stream: String,
    /// When it ends, if it does.
    pub expires: Option<UnixMillis>,
}

impl StreamKey {
    /// What every stream key begins with, so that people and scanners of leaked secrets know one when they see it.
    pub const PREFIX: &'static str = "sk_";

    /// The key made of `random` bits, which must come from the system's generator.
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(format!(
            "{}{}",
            Self::PREFIX,
            URL_SAFE_NO_PAD.encode(random)
        ))
    }

    /// The key as text, for its owner.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What to keep of it, and to look it up by.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0).expect("a key has the shape of a key")
    }
}

impl KeyHash {
    /// The hash of `text`, if it has the shape of a stream key.
    pub fn of(text: &str) -> Option<Self> {
        let random = text.strip_prefix(StreamKey::PREFIX)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if random.len() != RANDOM_LEN || !random.bytes().all(plain) {
            return None;
        }
        digest(&SHA256, text.as_bytes())
            .as_ref()
            .try_into()
            .ok()
            .map(Self)
    }
}

/// A key is a secret.
impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(***)")
    }
}

/// Not a secret, but nobody needs it in a log.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// 256 bits in base64url without padding.
const RANDOM_LEN: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_text_that_any_encoder_and_url_can_carry() {
        let key = StreamKey::from_random([0xfb; 32]);
        assert_eq!(key.text().len(), 46);
        assert!(key.text().starts_with("sk_-_v7"), "base64url, not base64");
        assert_eq!(KeyHash::of(key.text()), Some(key.hash()));
        assert_ne!(StreamKey::from_random([0; 32]).hash(), key.hash());
    }

    #[test]
    fn what_has_another_shape_is_no_key() {
        let key = StreamKey::from_random([7; 32]);
        let text = key.text();
        for wrong in [
            "",
            "sk_",
            "show",
            &text[1..],
            &text[..45],
            &format!("{text}A"),
            &text.replacen("sk_", "SK_", 1),
        ] {
            assert_eq!(KeyHash::of(wrong), None, "{wrong}");
        }
        assert_eq!(KeyHash::of(&format!("sk_{}", "+".repeat(43))), None);
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = StreamKey::from_random([7; 32]);
        let said = format!("{key:?} {:?}", key.hash());
        assert!(!said.contains(&key.text()[3..]), "{said}");
    }
}
