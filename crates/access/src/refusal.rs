//! Why somebody may not.

use crate::token::Action;

/// Why a request is refused. Its text is for whoever asked: it says what to do, and nothing about what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No credential came.
    #[error("a token is needed; send `Authorization: Bearer TOKEN`")]
    Missing,
    /// A token that is none.
    #[error(
        "the token is not one: it must be three base64url parts with dots between them, as RFC 7519 says; make a new one"
    )]
    Malformed,
    /// A signature that is not right, or of another algorithm: changed on the way, or signed by somebody else.
    #[error(
        "the token's signature does not fit; sign it with the key whose public part this server has"
    )]
    Tampered,
    /// No such API token, or something of an unknown kind.
    #[error("the token is not known; use the one this server's operator gave out")]
    Unknown,
    /// No such stream key.
    #[error("the stream key is not known; ask for a new one, it may have been replaced or revoked")]
    UnknownKey,
    /// A token when none is configured.
    #[error("this server takes no signed tokens; use a stream key or the API token")]
    NotTaken,
    /// Its time is over.
    #[error("the token or key has expired; get a new one")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet; check the clocks of whoever signs it and of this server")]
    NotYetValid,
    /// Valid for longer than allowed.
    #[error("the token is valid for too long; sign one whose `exp` is nearer")]
    TooLongLived,
    /// For another server.
    #[error(
        "the token is for somebody else; its `aud` must be the one this server's operator chose"
    )]
    WrongAudience,
    /// For another stream.
    #[error("the token or key is for another stream")]
    OtherStream,
    /// It does not allow this.
    #[error("the token does not allow this; its `actions` must hold `{}`", .0.as_str())]
    NotGranted(Action),
    /// A stream key does nothing but publish.
    #[error("a stream key only publishes; use a token")]
    KeyOnlyPublishes,
    /// Only an API token allows this.
    #[error("only the API token allows this")]
    OperatorOnly,
}

impl Refusal {
    /// Its name in metrics and logs. One of a fixed set.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Tampered => "tampered",
            Self::Unknown => "unknown_token",
            Self::UnknownKey => "unknown_key",
            Self::NotTaken => "not_taken",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::TooLongLived => "too_long_lived",
            Self::WrongAudience => "wrong_audience",
            Self::OtherStream => "other_stream",
            Self::NotGranted(_) => "not_granted",
            Self::KeyOnlyPublishes => "key_only_publishes",
            Self::OperatorOnly => "operator_only",
        }
    }

    /// Whether it may be a guess, which is answered late and counted against whoever made it. A genuine credential
    /// that does not fit here is none: a player whose token has expired must not lock out its household.
    pub const fn is_guess(self) -> bool {
        matches!(
            self,
            Self::Malformed | Self::Tampered | Self::Unknown | Self::UnknownKey
        )
    }

    /// Whether the credential is good, and only not for this: RFC 6750 section 3.1 calls it `insufficient_scope`.
    pub const fn is_scope(self) -> bool {
        matches!(
            self,
            Self::OtherStream | Self::NotGranted(_) | Self::KeyOnlyPublishes | Self::OperatorOnly
        )
    }
}
