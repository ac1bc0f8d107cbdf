//! Reading JSON objects whose keys are all known; each reader says which field breaks which rule.

use serde_json::{Map, Value};

use crate::error::Error;

/// A JSON object whose keys are all known.
pub(super) struct Object<'a>(&'a Map<String, Value>);

impl<'a> Object<'a> {
    pub(super) fn new(path: &'static str, value: &'a Value, keys: &[&str]) -> Result<Self, Error> {
        let Value::Object(map) = value else {
            return Err(Error::Field {
                field: path,
                problem: "is not an object",
                remedy: "send a JSON object",
            });
        };
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(Error::UnknownKey {
                object: path,
                key: key.chars().take(64).collect(),
            }),
            None => Ok(Self(map)),
        }
    }

    pub(super) fn get(&self, key: &str, field: &'static str) -> Result<&'a Value, Error> {
        let remedy = "send every key, null where there is no value";
        self.0.get(key).ok_or(Error::Field {
            field,
            problem: "is missing",
            remedy,
        })
    }

    pub(super) fn text(&self, key: &str, field: &'static str) -> Result<&'a str, Error> {
        let problem = "is not text";
        let wrong = Error::Field {
            field,
            problem,
            remedy: "send a JSON string",
        };
        self.get(key, field)?.as_str().ok_or(wrong)
    }

    /// A JSON number without fraction or exponent that `T` holds.
    pub(super) fn whole<T: TryFrom<i64>>(
        &self,
        key: &str,
        field: &'static str,
    ) -> Result<T, Error> {
        let problem = "is not a whole number in range";
        let wrong = Error::Field {
            field,
            problem,
            remedy: "send an integer within its limits",
        };
        let number = self.get(key, field)?.as_i64();
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or(wrong)
    }

    /// `None` for null, else what `read` gives. A missing key is for `read` to report.
    pub(super) fn nullable<T>(
        &self,
        key: &str,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if self.0.get(key).is_some_and(Value::is_null) {
            Ok(None)
        } else {
            read().map(Some)
        }
    }
}
