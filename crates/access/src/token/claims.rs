//! What a token says.

use media::UnixMillis;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Visitor},
    ser::SerializeMap as _,
};
use std::{fmt, time::Duration};

/// What a token can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// See and hear a stream, and its cues.
    Watch,
    /// Send a stream.
    Publish,
    /// Change what viewers see: insert cues.
    Cues,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Watch, Self::Publish, Self::Cues];

    /// Its name in `actions`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Publish => "publish",
            Self::Cues => "cues",
        }
    }

    /// The action of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// What a token says: claims of RFC 7519 section 4.1 and our two, `stream` and `actions`. Any others are ignored
/// (section 4), and so are actions of other names: a platform may sign one token for servers of several versions.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// `aud`: whom it is for.
    pub audience: Vec<String>,
    /// `exp`: from when on it is not valid.
    pub expires: UnixMillis,
    /// `nbf`: from when on it is valid.
    pub not_before: Option<UnixMillis>,
    /// `sub`: whom the platform gave it to, for the log.
    pub subject: Option<String>,
    /// `stream`: the name of one stream, or `*` for all.
    pub stream: String,
    /// `actions`: what it allows.
    pub actions: Vec<Action>,
}

impl Claims {
    /// What `stream` is in a token for all streams.
    pub const ANY_STREAM: &'static str = "*";

    /// Whether it is for the stream of this name.
    pub fn covers(&self, stream: &str) -> bool {
        self.stream == Self::ANY_STREAM || self.stream == stream
    }

    /// Whether it allows this.
    pub fn allows(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }
}

/// The subject is a person's, so it is left out.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("stream", &self.stream)
            .field("actions", &self.actions)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        match self.audience.as_slice() {
            [one] => map.serialize_entry("aud", one)?,
            many => map.serialize_entry("aud", many)?,
        }
        map.serialize_entry("exp", &self.expires.0.div_euclid(1000))?;
        if let Some(from) = self.not_before {
            map.serialize_entry("nbf", &from.0.div_euclid(1000))?;
        }
        if let Some(subject) = &self.subject {
            map.serialize_entry("sub", subject)?;
        }
        map.serialize_entry("stream", &self.stream)?;
        let actions: Vec<_> = self.actions.iter().map(|action| action.as_str()).collect();
        map.serialize_entry("actions", &actions)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(from)?;
        let named = |name: &Text| Action::parse(&name.0);
        Ok(Self {
            audience: wire.aud.0,
            expires: wire.exp.0,
            not_before: wire.nbf.map(|date| date.0),
            subject: wire.sub.map(|text| text.0),
            stream: wire.stream.0,
            actions: wire.actions.iter().filter_map(named).collect(),
        })
    }
}

/// As it stands in the token. A claim that is there twice is an error of the derived code.
#[derive(Deserialize)]
struct Wire {
    aud: Audience,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    sub: Option<Text>,
    stream: Text,
    actions: Vec<Text>,
}

/// Text that is not long.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.len() > TEXT_MAX {
            return Err(de::Error::custom("longer than 256 bytes"));
        }
        Ok(Self(text))
    }
}

/// RFC 7519 section 2: seconds since 1970, and "non-integer values can be represented".
struct NumericDate(UnixMillis);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(from)?;
        if !(0.0..=SECONDS_MAX).contains(&seconds) {
            return Err(de::Error::custom("not a time"));
        }
        let span = Duration::from_secs_f64(seconds);
        let ms = i64::try_from(span.as_millis()).map_err(de::Error::custom)?;
        Ok(Self(UnixMillis(ms)))
    }
}

/// RFC 7519 section 4.1.3: one text, or an array of them.
struct Audience(Vec<String>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or an array of texts")
    }

    fn visit_str<E: de::Error>(self, one: &str) -> Result<Audience, E> {
        Ok(Audience(vec![one.into()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Audience, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = items.next_element()? {
            all.push(one);
        }
        Ok(Audience(all))
    }
}

/// Bytes of a stream's name, an action or a subject.
const TEXT_MAX: usize = 256;
/// The year 9999, far below where a double loses milliseconds.
const SECONDS_MAX: f64 = 253_402_300_799.0;
