//! Names of WebRTC sessions that nobody can guess.
//!
//! RFC 9725 section 5: the session URL is a capability, whoever knows it can end the session. The engine numbers its
//! sessions; the name is the number and a keyed digest of it, so that nothing has to be remembered here.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The key of this process.
#[derive(Debug)]
pub(crate) struct SessionNames(hmac::Key);

impl SessionNames {
    /// Names that another key cannot make.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The name of a session.
    pub(crate) fn name(&self, session: u64) -> String {
        let number = session.to_be_bytes();
        let digest = hmac::sign(&self.0, &number);
        URL_SAFE_NO_PAD.encode([&number[..], &digest.as_ref()[..DIGEST_BYTES]].concat())
    }

    /// The session of a name, if this key made it.
    pub(crate) fn session(&self, name: &str) -> Option<u64> {
        // Longer names are not worth decoding.
        let bytes = (name.len() <= 64).then(|| URL_SAFE_NO_PAD.decode(name).ok())??;
        let (number, digest) = bytes.split_first_chunk::<8>()?;
        let expected = hmac::sign(&self.0, number);
        aws_lc_rs::constant_time::verify_slices_are_equal(
            digest,
            &expected.as_ref()[..DIGEST_BYTES],
        )
        .ok()?;
        Some(u64::from_be_bytes(*number))
    }
}

/// 128 bits.
const DIGEST_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_key_knows_a_name() {
        let names = SessionNames::new([1; 32]);
        let name = names.name(7);
        assert_eq!(names.session(&name), Some(7));
        assert_eq!(SessionNames::new([2; 32]).session(&name), None);
        assert_ne!(names.name(8), name);
    }

    #[test]
    fn anything_else_is_no_name() {
        let names = SessionNames::new([1; 32]);
        let name = names.name(7);
        for wrong in [
            "",
            "AAAA",
            &name[1..],
            &format!("{name}AAAA"),
            &"A".repeat(100_000),
            "../../",
        ] {
            assert_eq!(names.session(wrong), None);
        }
    }
}
