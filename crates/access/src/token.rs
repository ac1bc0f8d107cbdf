//! Tokens that a platform signs for one viewer, publisher or host: JSON Web Tokens (RFC 7519), held to RFC 8725.
//!
//! One server takes one algorithm with one key, both configured: what a token's header claims decides nothing (RFC 8725
//! section 3.1), and neither `kid` nor `jku` nor `jwk` is ever followed (section 3.10).

mod claims;
mod keys;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, crypto};
use media::UnixMillis;

pub use claims::{Action, Claims};
pub use keys::{Algorithm, KeyError, Signer, Verifier};

use crate::Refusal;

/// What a token must fulfil.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// Who signs.
    pub verifier: Verifier,
    /// What `aud` must be or hold.
    pub audience: String,
    /// How far ahead `exp` may lie at most.
    pub lifetime_max: Duration,
    /// How far the clocks of the platform and of this server may differ.
    pub leeway: Duration,
}

/// Whether a token's end counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// It does.
    Held,
    /// Not for the end of what was begun with it.
    Forgiven,
}

impl TokenRules {
    /// What `token` claims, if its signature, its audience and its times are right at `now`.
    ///
    /// # Errors
    /// The first thing that is wrong; the signature comes first, so that nothing is learned about a token by whoever
    /// cannot sign one.
    pub(crate) fn verify(
        &self,
        token: &str,
        now: UnixMillis,
        expiry: Expiry,
    ) -> Result<Claims, Refusal> {
        let claims = self.signed(token)?;
        // RFC 7519 section 4.1.3: "If the principal processing the claim does not identify itself with a value in the
        // "aud" claim when this claim is present, then the JWT MUST be rejected."
        if !claims.audience.contains(&self.audience) {
            return Err(Refusal::WrongAudience);
        }
        self.in_time(&claims, now, expiry)?;
        Ok(claims)
    }

    /// The claims, if the signature is right.
    fn signed(&self, token: &str) -> Result<Claims, Refusal> {
        if token.len() > LEN_MAX {
            return Err(Refusal::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        let header: Header = part(header)?;
        // RFC 7515 section 4.1.11: extensions that must be understood and are not make the signature invalid.
        if header.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        // RFC 8725 section 3.1: "libraries MUST enable the caller to specify a supported set of algorithms and MUST NOT
        // use any other algorithms".
        if header.alg != self.verifier.algorithm().into() {
            return Err(Refusal::Tampered);
        }
        let valid = crypto::verify(
            signature,
            message.as_bytes(),
            self.verifier.key(),
            header.alg,
        );
        match valid {
            Ok(true) => part(payload),
            Ok(false) | Err(_) => Err(Refusal::Tampered),
        }
    }

    fn in_time(&self, claims: &Claims, now: UnixMillis, expiry: Expiry) -> Result<(), Refusal> {
        let late = i128::from(now.0) - i128::from(claims.expires.0);
        let leeway = millis(self.leeway);
        // RFC 7519 section 4.1.4: "on or after which the JWT MUST NOT be accepted".
        if expiry == Expiry::Held && late >= leeway {
            return Err(Refusal::Expired);
        }
        if -late > millis(self.lifetime_max) + leeway {
            return Err(Refusal::TooLongLived);
        }
        let early = claims
            .not_before
            .map_or(0, |from| i128::from(from.0) - i128::from(now.0));
        if early > leeway {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }
}

impl Signer {
    /// A token with these claims.
    ///
    /// # Errors
    /// A key that cannot sign.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let header = Header::new(self.algorithm().into());
        let encoded = [
            serde_json::to_vec(&header).map_err(|error| KeyError::Sign(error.to_string()))?,
            serde_json::to_vec(claims).map_err(|error| KeyError::Sign(error.to_string()))?,
        ]
        .map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = encoded.join(".");
        let signature = crypto::sign(message.as_bytes(), self.key(), self.algorithm().into())
            .map_err(|error| KeyError::Sign(error.to_string()))?;
        Ok(format!("{message}.{signature}"))
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let json = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)
}

fn millis(span: Duration) -> i128 {
    i128::try_from(span.as_millis()).unwrap_or(i128::MAX / 4)
}

/// Longest token, bytes. One of ours has about 300.
const LEN_MAX: usize = 4096;

#[cfg(test)]
mod tests;
