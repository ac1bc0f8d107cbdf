//! Application and stream names as publishers write them.

/// A name and the query behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Name {
    /// Percent-decoded, without slashes around it.
    pub(crate) name: String,
    /// After the question mark, as written; never empty.
    pub(crate) query: Option<String>,
}

impl Name {
    /// Takes a name apart; `None` when it is too long or has characters no name may have.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LENGTH_MAX {
            return None;
        }
        let (name, query) = match text.split_once('?') {
            Some((name, query)) => (name, Some(query)),
            None => (text, None),
        };
        let name = percent_decode(name)?;
        let name = name.trim_matches('/');
        // Names end up in paths, URLs and logs, so only characters that are harmless in all three.
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+=:@,/".contains(&byte))
        {
            return None;
        }
        let query = query.filter(|query| !query.is_empty());
        if query.is_some_and(|query| !query.bytes().all(|byte| byte.is_ascii_graphic())) {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            query: query.map(str::to_owned),
        })
    }
}

/// `%41` to `A`; `None` for a percent sign without two hexadecimal digits or a result that is not
/// UTF-8. Decoded once: `%2541` gives `%41`, which no name may hold.
fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

/// Room for a signed token in the query: one of ours has about 300 bytes, a platform may put more in.
const LENGTH_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, Option<String>)> {
        Name::parse(text).map(|name| (name.name, name.query))
    }

    #[test]
    fn queries_and_slashes_are_taken_off() {
        assert_eq!(parse("live"), Some(("live".to_owned(), None)));
        assert_eq!(parse("/live/"), Some(("live".to_owned(), None)));
        assert_eq!(parse("demo?"), Some(("demo".to_owned(), None)));
        let query = Some("token=a.b%2Fc".to_owned());
        assert_eq!(
            parse("de%6Do?token=a.b%2Fc"),
            Some(("demo".to_owned(), query))
        );
    }

    #[test]
    fn names_that_could_harm_are_refused() {
        for text in [
            "a b", "a\n", "a%00", "a%0a", "%", "%4", "%zz", "%ff", "a<b", "ä", "%2541",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("a?b c"), None);
        assert_eq!(parse(&"a".repeat(1025)), None);
    }
}
