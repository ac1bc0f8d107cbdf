//! What an encoder says at a moment of its stream: `onTextData` and `onCuePoint` (Video File Format
//! 10.1 section E.4.4.1 and E.5; the names are those of Flash Media Server's data messages).

use crate::{EncoderCue, EncoderMessage, amf0::Value};

/// The message and its properties, if it is one of the two; `@setDataFrame` before it is left out.
pub(crate) fn parse(values: &[Value]) -> Option<(EncoderMessage, &Value)> {
    let values = match values.first()?.as_str()? {
        "@setDataFrame" => &values[1..],
        _ => values,
    };
    let message = EncoderMessage::named(values.first()?.as_str()?)?;
    Some((message, values.get(1)?))
}

/// The properties as one flat list. `None` when there are more than fit.
pub(crate) fn cue(message: EncoderMessage, at_ms: i64, properties: &Value) -> Option<EncoderCue> {
    let mut flat = Flat::default();
    flat.take(String::new(), properties)?;
    Some(EncoderCue {
        message,
        at_ms,
        fields: flat.fields,
    })
}

/// Properties by their paths, as many as fit.
#[derive(Default)]
struct Flat {
    fields: Vec<(String, String)>,
    bytes: usize,
    /// Looked at, those that are no fields too.
    values: usize,
}

impl Flat {
    /// `None` as soon as it is too much: the path of each value repeats the names above it.
    fn take(&mut self, path: String, value: &Value) -> Option<()> {
        let text = match value {
            Value::Object(properties) => {
                let mut each = properties.iter();
                return each.try_for_each(|(name, value)| self.take_below(&path, name, value));
            }
            Value::StrictArray(items) => {
                let mut each = (0..).zip(items);
                return each.try_for_each(|(index, value): (usize, _)| {
                    self.take_below(&path, &index.to_string(), value)
                });
            }
            Value::String(text) => text.clone(),
            Value::Number(number) | Value::Date(number) => number.to_string(),
            Value::Boolean(boolean) => boolean.to_string(),
            Value::Null | Value::Undefined => return Some(()),
        };
        self.bytes += path.len() + text.len();
        self.fields.push((path, text));
        (self.fields.len() <= FIELDS_MAX && self.bytes <= BYTES_MAX).then_some(())
    }

    /// The reader of values has bounded their depth.
    fn take_below(&mut self, path: &str, name: &str, value: &Value) -> Option<()> {
        self.values += 1;
        if self.values > VALUES_MAX || path.len() + name.len() > BYTES_MAX {
            return None;
        }
        self.take(join(path, name), value)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// With objects, arrays and what is not said.
const VALUES_MAX: usize = 4 * FIELDS_MAX;
const FIELDS_MAX: usize = 64;
/// More than any cue has room for.
const BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_messages_are_read_wrapped_or_bare() {
        let text = Value::object([("text", Value::string("fire mug"))]);
        let bare = [Value::string("onTextData"), text.clone()];
        assert_eq!(parse(&bare), Some((EncoderMessage::TextData, &text)));
        let wrapped = [
            Value::string("@setDataFrame"),
            Value::string("onCuePoint"),
            text.clone(),
        ];
        assert_eq!(parse(&wrapped), Some((EncoderMessage::CuePoint, &text)));
        for other in [
            &[][..],
            &[Value::Null],
            &[Value::string("@setDataFrame")],
            &[Value::string("onTextData")],
            &[Value::string("onFI"), text.clone()],
        ] {
            assert_eq!(parse(other), None);
        }
    }

    #[test]
    fn properties_become_paths_and_texts() {
        let point = Value::object([
            ("name", Value::string("mug")),
            ("time", Value::Number(1.5)),
            ("live", Value::Boolean(true)),
            ("nothing", Value::Null),
            (
                "parameters",
                Value::object([
                    ("stock", Value::Number(3.0)),
                    ("tags", Value::StrictArray(vec![Value::string("a")])),
                ]),
            ),
        ]);
        let read = cue(EncoderMessage::CuePoint, 40, &point).unwrap();
        assert_eq!(read.at_ms, 40);
        for (path, text) in [
            ("name", "mug"),
            ("time", "1.5"),
            ("live", "true"),
            ("parameters.stock", "3"),
            ("parameters.tags.0", "a"),
        ] {
            assert_eq!(read.field(path), Some(text));
        }
        assert_eq!((read.fields.len(), read.field("nothing")), (5, None));
    }

    #[test]
    fn more_than_fits_is_none() {
        let long = Value::string(&"x".repeat(BYTES_MAX));
        assert!(
            cue(
                EncoderMessage::TextData,
                0,
                &Value::object([("text", long)])
            )
            .is_none()
        );
        let many = Value::StrictArray(vec![Value::Boolean(true); FIELDS_MAX + 1]);
        assert!(cue(EncoderMessage::TextData, 0, &many).is_none());
        // Written out whole it would be two gigabytes.
        let name = "x".repeat(u16::MAX.into());
        let far = Value::StrictArray(vec![Value::Boolean(true); 30_000]);
        let deep = Value::object([(&*name, far)]);
        assert!(cue(EncoderMessage::TextData, 0, &deep).is_none());
        let nothing = Value::StrictArray(vec![Value::Null; VALUES_MAX + 1]);
        assert!(cue(EncoderMessage::TextData, 0, &nothing).is_none());
    }
}
