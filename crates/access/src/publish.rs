//! A stream and a credential, as RTMP encoders can carry them: in the stream key, and in the query behind it.

use std::{borrow::Cow, fmt};

use crate::KeyHash;

/// What an encoder was given as stream key.
///
/// | stream key | stream | credential |
/// |---|---|---|
/// | `NAME` | `NAME` | none |
/// | `sk_…` | the key says which | the key |
/// | `NAME?key=sk_…` | `NAME` | the key |
/// | `NAME?token=…` | `NAME` | a signed token, or the API token |
#[derive(Clone, PartialEq, Eq)]
pub struct PublishName<'a> {
    /// The stream's name, not looked at yet; `None` when the key is to say which.
    pub stream: Option<&'a str>,
    /// The credential, if there is one.
    pub credential: Option<Cow<'a, str>>,
}

/// A stream key cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishNameError {
    /// Two of them.
    #[error(
        "the stream key holds two keys or tokens; leave one: sk_..., NAME?key=sk_... or NAME?token=..."
    )]
    Two,
    /// A percent sign without two hexadecimal digits after it.
    #[error(
        "the key or token behind the stream's name is not percent-encoded right; copy it again"
    )]
    Encoding,
}

impl<'a> PublishName<'a> {
    /// Takes the publish name and the query behind it apart. What else the query holds does not matter.
    ///
    /// # Errors
    /// Two credentials, or one that is not encoded right.
    pub fn parse(name: &'a str, query: Option<&'a str>) -> Result<Self, PublishNameError> {
        let mut credential = None;
        for (key, value) in query
            .unwrap_or("")
            .split('&')
            .filter_map(|pair| pair.split_once('='))
        {
            if !matches!(key, "key" | "token") || value.is_empty() {
                continue;
            }
            if credential.is_some() {
                return Err(PublishNameError::Two);
            }
            credential = Some(decoded(value)?);
        }
        if KeyHash::of(name).is_none() {
            return Ok(Self {
                stream: Some(name),
                credential,
            });
        }
        match credential {
            // Otherwise the key would be the name of a stream, for everybody to read.
            Some(_) => Err(PublishNameError::Two),
            None => Ok(Self {
                stream: None,
                credential: Some(name.into()),
            }),
        }
    }
}

/// The credential is a secret.
impl fmt::Debug for PublishName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishName")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// `%41` to `A`, once. What is decoded must be visible ASCII, as every credential is.
fn decoded(text: &str) -> Result<Cow<'_, str>, PublishNameError> {
    if !text.contains('%') {
        return Ok(text.into());
    }
    let mut plain = String::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let both = high.zip(low).ok_or(PublishNameError::Encoding)?;
                both.0 * 16 + both.1
            }
            other => other,
        };
        if !byte.is_ascii_graphic() {
            return Err(PublishNameError::Encoding);
        }
        plain.push(char::from(byte));
    }
    Ok(plain.into())
}

fn digit(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamKey;

    fn parse<'a>(
        name: &'a str,
        query: Option<&'a str>,
    ) -> Result<(Option<&'a str>, Option<String>), PublishNameError> {
        let parsed = PublishName::parse(name, query)?;
        Ok((parsed.stream, parsed.credential.map(Cow::into_owned)))
    }

    #[test]
    fn a_name_may_have_a_credential_behind_it() {
        assert_eq!(parse("show", None), Ok((Some("show"), None)));
        assert_eq!(
            parse("show", Some("a=b&token=x.y.z&c")),
            Ok((Some("show"), Some("x.y.z".into())))
        );
        assert_eq!(
            parse("show", Some("key=sk%5Fabc")),
            Ok((Some("show"), Some("sk_abc".into())))
        );
        assert_eq!(
            parse("show", Some("key=&tokens=x&Token=y")),
            Ok((Some("show"), None))
        );
    }

    #[test]
    fn a_key_alone_is_the_credential_and_not_a_name() {
        let key = StreamKey::from_random([3; 32]);
        assert_eq!(parse(key.text(), None), Ok((None, Some(key.text().into()))));
        assert_eq!(
            parse(key.text(), Some("a=b")),
            Ok((None, Some(key.text().into())))
        );
        assert_eq!(
            parse(key.text(), Some("token=x.y.z")),
            Err(PublishNameError::Two)
        );
        let said = format!("{:?}", PublishName::parse(key.text(), None).unwrap());
        assert!(!said.contains(key.text()), "{said}");
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        assert_eq!(
            parse("show", Some("key=a&token=b")),
            Err(PublishNameError::Two)
        );
        assert_eq!(
            parse("show", Some("token=a&token=a")),
            Err(PublishNameError::Two)
        );
        for wrong in ["%", "%4", "%zz", "a%00", "%20", "%c3%a9"] {
            assert_eq!(
                parse("show", Some(&format!("token={wrong}"))),
                Err(PublishNameError::Encoding),
                "{wrong}"
            );
        }
    }
}
