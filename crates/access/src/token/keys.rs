//! The one key of a server, and the other half of it.

use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): small keys, no way to use it wrong.
    EdDsa,
    /// ECDSA with P-256 (RFC 7518 section 3.4).
    Es256,
    /// A secret that platform and server share (RFC 7518 section 3.2).
    Hs256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Hs256];

    /// Its name in `alg` (RFC 7518 section 3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EdDsa => Self::EdDSA,
            Algorithm::Es256 => Self::ES256,
            Algorithm::Hs256 => Self::HS256,
        }
    }
}

/// A key is not one, or not of the configured kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not the public half.
    #[error(
        "not a public key for {0} in PEM (`-----BEGIN PUBLIC KEY-----`); `openssl pkey -in private.pem -pubout` writes it"
    )]
    Public(&'static str),
    /// Not the private half.
    #[error("not a private key for {0} in PEM (`-----BEGIN PRIVATE KEY-----`); {1}")]
    Private(&'static str, &'static str),
    /// A secret that could be guessed.
    #[error(
        "the secret for HS256 has {len} bytes and needs at least {}; make one with `openssl rand -base64 48`",
        Verifier::SECRET_LEN_MIN
    )]
    Secret {
        /// How many it has.
        len: usize,
    },
    /// A token could not be signed.
    #[error("the token cannot be signed: {0}")]
    Sign(String),
}

/// What signatures are checked with.
#[derive(Clone)]
pub struct Verifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier {
    /// Shortest secret of HS256. RFC 7518 section 3.2: "A key of the same size as the hash output (for instance, 256
    /// bits for "HS256") or larger MUST be used with this algorithm."
    pub const SECRET_LEN_MIN: usize = 32;

    /// The key in `file`: a public key in PEM, or for HS256 the secret itself, spaces around it not counted.
    ///
    /// # Errors
    /// Anything else, a private key among it: it has no place on this side.
    pub fn parse(algorithm: Algorithm, file: &[u8]) -> Result<Self, KeyError> {
        let wrong = KeyError::Public(algorithm.as_str());
        // The length tells P-256 from other curves: an uncompressed point has 1 + 2 x 32 bytes.
        let key = match algorithm {
            Algorithm::EdDsa => of_len(DecodingKey::from_ed_pem(file), 32).ok_or(wrong)?,
            Algorithm::Es256 => of_len(DecodingKey::from_ec_pem(file), 65).ok_or(wrong)?,
            Algorithm::Hs256 => DecodingKey::from_secret(secret(file)?),
        };
        Ok(Self { algorithm, key })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn key(&self) -> &DecodingKey {
        &self.key
    }
}

/// What tokens are signed with: a platform's half, for the command line and tests.
#[derive(Clone)]
pub struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// The key in `file`: a private key in PEM, or for HS256 the secret itself.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(algorithm: Algorithm, file: &[u8]) -> Result<Self, KeyError> {
        let wrong = |how| move |_| KeyError::Private(algorithm.as_str(), how);
        let key = match algorithm {
            Algorithm::EdDsa => EncodingKey::from_ed_pem(file).map_err(wrong(MAKE_EDDSA))?,
            Algorithm::Es256 => EncodingKey::from_ec_pem(file).map_err(wrong(MAKE_ES256))?,
            Algorithm::Hs256 => EncodingKey::from_secret(secret(file)?),
        };
        Ok(Self { algorithm, key })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn key(&self) -> &EncodingKey {
        &self.key
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.algorithm.as_str())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.algorithm.as_str())
    }
}

fn of_len(key: jsonwebtoken::errors::Result<DecodingKey>, len: usize) -> Option<DecodingKey> {
    key.ok()
        .filter(|key| key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == len))
}

fn secret(file: &[u8]) -> Result<&[u8], KeyError> {
    let secret = file.trim_ascii();
    if secret.len() < Verifier::SECRET_LEN_MIN {
        return Err(KeyError::Secret { len: secret.len() });
    }
    Ok(secret)
}

const MAKE_EDDSA: &str = "`openssl genpkey -algorithm ed25519` makes one";
const MAKE_ES256: &str =
    "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one";
