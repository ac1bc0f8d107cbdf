//! When a cue is to hold from, as a request says it.

use std::{fmt, time::Duration};

use media::{Pts, UnixMillis};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type},
};

use super::problem::{Kind, Problem};

/// When a cue is to hold from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum At {
    #[default]
    Now,
    Pts(i64),
    Utc(String),
    AfterMs(u64),
}

impl At {
    pub(super) fn into_at(self) -> Result<cues::At, Problem> {
        Ok(match self {
            Self::Now => cues::At::Now,
            Self::Pts(pts) => cues::At::Pts(Pts(pts)),
            Self::Utc(text) => cues::At::Utc(parse_utc("at.utc", &text)?),
            Self::AfterMs(ms) => cues::At::After(Duration::from_millis(ms)),
        })
    }
}

/// The moment that a field says.
pub(super) fn parse_utc(field: &str, text: &str) -> Result<UnixMillis, Problem> {
    cues::parse_rfc3339(text).map_err(|error| {
        let detail =
            format!("`{field}`: {error}; send RFC 3339, for example 2026-11-21T18:00:00.000Z");
        Problem::new(Kind::InvalidField, detail)
    })
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AtVisitor)
    }
}

/// By hand, because an untagged enum cannot say what is wrong with which form.
struct AtVisitor;

impl<'de> Visitor<'de> for AtVisitor {
    type Value = At;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#""now", or an object with one of "pts", "utc" and "after_ms""#)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<At, E> {
        if text == "now" {
            return Ok(At::Now);
        }
        Err(E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<At, M::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Form {
            Pts,
            Utc,
            AfterMs,
        }
        let at = match map.next_key()? {
            Some(Form::Pts) => At::Pts(map.next_value()?),
            Some(Form::Utc) => At::Utc(map.next_value()?),
            Some(Form::AfterMs) => At::AfterMs(map.next_value()?),
            None => return Err(de::Error::invalid_length(0, &self)),
        };
        match map.next_key::<String>()? {
            None => Ok(at),
            Some(_) => Err(de::Error::invalid_length(2, &self)),
        }
    }
}

impl ToSchema for At {}

impl PartialSchema for At {
    fn schema() -> RefOr<Schema> {
        let form = |name: &str, of: ObjectBuilder| {
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .property(name, of)
                .required(name)
                .additional_properties(Some(
                    utoipa::openapi::schema::AdditionalProperties::FreeForm(false),
                ))
        };
        let now = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["now"]));
        let pts = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("90 kHz ticks on the stream's timeline"));
        let utc = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("RFC 3339: what is live at this moment"))
            .examples(["2026-11-21T18:00:00.000Z"]);
        let after = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .description(Some("Milliseconds after what is live now"));
        OneOfBuilder::new()
            .item(now)
            .item(form("pts", pts))
            .item(form("utc", utc))
            .item(form("after_ms", after))
            .description(Some("When a cue is to hold from"))
            .into()
    }
}
