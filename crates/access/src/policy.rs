//! What a route needs, and the one place that decides.

use media::UnixMillis;

use crate::{
    Action, ApiTokens, KeyHash, KeyRecord, Refusal, TokenRules,
    token::{Claims, Expiry},
};

/// What a route needs. Every route has one; see the table of the server's routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Nothing.
    Open,
    /// To watch the stream.
    Watch,
    /// To see how the stream does: any right to it will do.
    Status,
    /// To publish the stream.
    Publish,
    /// To change what the stream's viewers see.
    Cues,
    /// To operate the server.
    Api,
    /// To know a session's unguessable address, and what the session was begun with (RFC 9725 section 4.7: the token
    /// comes with every request). A token that has expired meanwhile still ends what it began; what makes a session
    /// last longer needs what it was begun with, [`Policy::Watch`] or [`Policy::Publish`].
    Session(SessionOf),
}

/// Whose a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionOf {
    /// Begun with the right to watch.
    Viewer,
    /// Begun with the right to publish.
    Publisher,
}

/// Who may publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Publishers {
    /// Whoever reaches the server: development.
    #[default]
    Open,
    /// Whoever has the stream's key, or a token for it.
    Key,
}

/// Who may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Viewers {
    /// Whoever reaches the server.
    #[default]
    Open,
    /// Whoever has a token.
    Token,
}

/// What the operator chose. The default is development mode: everything is allowed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Tokens that allow everything. Without one, so may everybody what only they allow.
    pub api_tokens: ApiTokens,
    /// Who may publish.
    pub publishers: Publishers,
    /// Who may watch.
    pub viewers: Viewers,
    /// Which signed tokens are taken, if any.
    pub tokens: Option<TokenRules>,
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// What it needs.
    pub policy: Policy,
    /// With which stream; `None` where there is none, or where a stream key is to say which.
    pub stream: Option<&'a str>,
}

/// Who was let through, for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Nobody in particular: nothing was needed.
    Anyone,
    /// Whoever has an API token.
    Operator,
    /// Whoever has this stream key.
    Key(KeyRecord),
    /// Whoever has a token, and whom it was given to.
    Token {
        /// `sub`.
        subject: Option<String>,
    },
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow(Grant),
    /// It has a stream key: look it up and ask [`decide_key`].
    LookUp(KeyHash),
    /// It may not.
    Refuse(Refusal),
}

impl Settings {
    /// Whether a policy needs any credential at all.
    pub fn is_guarded(&self, policy: Policy) -> bool {
        match policy {
            Policy::Open => false,
            Policy::Watch | Policy::Status | Policy::Session(SessionOf::Viewer) => {
                self.viewers == Viewers::Token
            }
            Policy::Publish | Policy::Session(SessionOf::Publisher) => {
                self.publishers == Publishers::Key
            }
            Policy::Cues | Policy::Api => !self.api_tokens.is_empty(),
        }
    }
}

impl Policy {
    /// Whether a stream key can do for it.
    const fn takes_keys(self) -> bool {
        matches!(
            self,
            Self::Publish | Self::Status | Self::Session(SessionOf::Publisher)
        )
    }

    /// Whether a token with these claims does for it.
    fn is_granted(self, claims: &Claims) -> Result<(), Refusal> {
        let needed = match self {
            Self::Open => return Ok(()),
            Self::Api => return Err(Refusal::OperatorOnly),
            Self::Status if claims.actions.is_empty() => Action::Watch,
            Self::Status => return Ok(()),
            Self::Watch | Self::Session(SessionOf::Viewer) => Action::Watch,
            Self::Publish | Self::Session(SessionOf::Publisher) => Action::Publish,
            Self::Cues => Action::Cues,
        };
        if claims.allows(needed) {
            Ok(())
        } else {
            Err(Refusal::NotGranted(needed))
        }
    }

    const fn expiry(self) -> Expiry {
        match self {
            Self::Session(_) => Expiry::Forgiven,
            Self::Open | Self::Watch | Self::Status | Self::Publish | Self::Cues | Self::Api => {
                Expiry::Held
            }
        }
    }
}

/// Whether somebody with this credential may do what it asks.
pub fn decide(
    asked: Asked<'_>,
    credential: Option<&str>,
    settings: &Settings,
    now: UnixMillis,
) -> Decision {
    let key = credential.and_then(KeyHash::of);
    if !settings.is_guarded(asked.policy) {
        return match key {
            // Only the key says which stream, and a key must never become a stream's public name.
            Some(hash) if asked.policy == Policy::Publish && asked.stream.is_none() => {
                Decision::LookUp(hash)
            }
            Some(_) | None => Decision::Allow(Grant::Anyone),
        };
    }
    let Some(credential) = credential else {
        return Decision::Refuse(Refusal::Missing);
    };
    if settings.api_tokens.knows(credential) {
        return Decision::Allow(Grant::Operator);
    }
    match key {
        Some(hash) if asked.policy.takes_keys() => Decision::LookUp(hash),
        Some(_) => Decision::Refuse(Refusal::KeyOnlyPublishes),
        None if !credential.contains('.') => Decision::Refuse(Refusal::Unknown),
        None => match by_token(asked, credential, settings, now) {
            Ok(claims) => Decision::Allow(Grant::Token {
                subject: claims.subject,
            }),
            Err(refusal) => Decision::Refuse(refusal),
        },
    }
}

fn by_token(
    asked: Asked<'_>,
    token: &str,
    settings: &Settings,
    now: UnixMillis,
) -> Result<Claims, Refusal> {
    let rules = settings.tokens.as_ref().ok_or(Refusal::NotTaken)?;
    let claims = rules.verify(token, now, asked.policy.expiry())?;
    if asked.policy != Policy::Api && !claims.covers(asked.stream.unwrap_or(Claims::ANY_STREAM)) {
        return Err(Refusal::OtherStream);
    }
    asked.policy.is_granted(&claims)?;
    Ok(claims)
}

/// Whether somebody with the stream key of this record may do what it asks.
///
/// # Errors
/// There is no such key, it has ended, or it is another stream's.
pub fn decide_key(
    asked: Asked<'_>,
    record: Option<KeyRecord>,
    now: UnixMillis,
) -> Result<Grant, Refusal> {
    let record = record.ok_or(Refusal::UnknownKey)?;
    if record.expires.is_some_and(|expires| expires.0 <= now.0) {
        return Err(Refusal::Expired);
    }
    if asked.stream.is_some_and(|stream| stream != record.stream) {
        return Err(Refusal::OtherStream);
    }
    Ok(Grant::Key(record))
}

#[cfg(test)]
mod tests;
