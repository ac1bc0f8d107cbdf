//! Names of WebRTC sessions that nobody can guess.
//!
//! RFC 9725 section 5: the session URL is a capability, whoever knows it can end the session. The engine numbers its
//! sessions; the name is the number and a keyed digest of it and of the endpoint that made it, so that nothing has to be
//! remembered here and no name is of any use below another endpoint.

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

    /// The name of a session below the endpoint it was made at, e.g. `/whip/show`.
    pub(crate) fn name(&self, endpoint: &str, session: u64) -> String {
        let number = session.to_be_bytes();
        let digest = self.digest(endpoint, number);
        URL_SAFE_NO_PAD.encode([&number[..], &digest.as_ref()[..DIGEST_BYTES]].concat())
    }

    /// The session of a name, if this key made it for this endpoint.
    pub(crate) fn session(&self, endpoint: &str, name: &str) -> Option<u64> {
        // Longer names are not worth decoding.
        let bytes = (name.len() <= 64).then(|| URL_SAFE_NO_PAD.decode(name).ok())??;
        let (number, digest) = bytes.split_first_chunk::<8>()?;
        let expected = self.digest(endpoint, *number);
        aws_lc_rs::constant_time::verify_slices_are_equal(
            digest,
            &expected.as_ref()[..DIGEST_BYTES],
        )
        .ok()?;
        Some(u64::from_be_bytes(*number))
    }

    fn digest(&self, endpoint: &str, number: [u8; 8]) -> hmac::Tag {
        hmac::sign(&self.0, &[&number, endpoint.as_bytes()].concat())
    }
}

/// 128 bits.
const DIGEST_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: &str = "/whip/show";

    #[test]
    fn only_its_own_key_knows_a_name() {
        let names = SessionNames::new([1; 32]);
        let name = names.name(SHOW, 7);
        assert_eq!(names.session(SHOW, &name), Some(7));
        assert_eq!(SessionNames::new([2; 32]).session(SHOW, &name), None);
        assert_ne!(names.name(SHOW, 8), name);
    }

    #[test]
    fn a_name_is_of_no_use_below_another_endpoint() {
        let names = SessionNames::new([1; 32]);
        let name = names.name(SHOW, 7);
        for other in ["/whep/show", "/whip/show2", "/whip/sho", ""] {
            assert_eq!(names.session(other, &name), None, "{other}");
        }
    }

    #[test]
    fn anything_else_is_no_name() {
        let names = SessionNames::new([1; 32]);
        let name = names.name(SHOW, 7);
        for wrong in [
            "",
            "AAAA",
            &name[1..],
            &format!("{name}AAAA"),
            &"A".repeat(100_000),
            "../../",
        ] {
            assert_eq!(names.session(SHOW, wrong), None);
        }
    }
}
