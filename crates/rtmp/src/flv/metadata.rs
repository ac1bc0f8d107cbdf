//! `onMetaData` (Video File Format 10.1 section E.5).

use media::FrameRate;

use crate::{Metadata, amf0::Value};

/// What a data message says if it is metadata: `@setDataFrame`, `onMetaData`, properties, or the
/// same without the first.
pub(crate) fn parse(values: &[Value]) -> Option<Metadata> {
    let values = match values.first()?.as_str()? {
        "@setDataFrame" => &values[1..],
        _ => values,
    };
    if values.first()?.as_str()? != "onMetaData" {
        return None;
    }
    let properties = values.get(1)?;
    let number = |name| properties.get(name).and_then(Value::as_number);
    Some(Metadata {
        frame_rate: number("framerate").and_then(FrameRate::from_decimal),
        encoder: properties
            .get("encoder")
            .and_then(Value::as_str)
            .map(printable),
        video_kbps: number("videodatarate").and_then(whole),
        audio_kbps: number("audiodatarate").and_then(whole),
    })
}

/// It will be shown to people.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(ENCODER_MAX)
        .collect()
}

fn whole(number: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and a million, checked here"
    )]
    (1.0..=1_000_000.0)
        .contains(&number)
        .then_some(number.round() as u32)
}

const ENCODER_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn properties() -> Value {
        Value::object([
            ("framerate", Value::Number(29.97)),
            ("videodatarate", Value::Number(2500.4)),
            ("audiodatarate", Value::Number(f64::NAN)),
            ("encoder", Value::string("Lavf59\n.27")),
        ])
    }

    #[test]
    fn wrapped_and_bare_metadata() {
        let wrapped = [
            Value::string("@setDataFrame"),
            Value::string("onMetaData"),
            properties(),
        ];
        let metadata = parse(&wrapped).unwrap();
        assert_eq!(
            metadata.frame_rate,
            Some(FrameRate {
                num: 30_000,
                den: 1001
            })
        );
        assert_eq!(
            (metadata.video_kbps, metadata.audio_kbps),
            (Some(2500), None)
        );
        assert_eq!(metadata.encoder.as_deref(), Some("Lavf59.27"));
        assert_eq!(parse(&wrapped[1..]), Some(metadata));
    }

    #[test]
    fn other_data_is_not_metadata() {
        for values in [
            &[][..],
            &[Value::Null],
            &[Value::string("@setDataFrame")],
            &[Value::string("onMetaData")],
            &[Value::string("onTextData"), properties()],
        ] {
            assert_eq!(parse(values), None);
        }
        let empty = [Value::string("onMetaData"), Value::Null];
        assert_eq!(parse(&empty), Some(Metadata::default()));
    }
}
