//! What a player says upward: which cues it has rendered, and on which frame. Normative text:
//! `docs/spec/side-channel.md`, "What a player reports".

use media::Pts;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Longest report, bytes: 50 cues of the largest numbers are about 5 000.
pub const REPORT_LEN_MAX: usize = 8 << 10;

/// Cues in one report.
pub const REPORT_CUES_MAX: usize = 50;

/// One cue as a player rendered it first, in the callback of a presented frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Painted {
    /// The cue's number.
    pub seq: u64,
    /// The frame in whose callback the state with this cue was rendered first.
    pub pts: Pts,
    /// The first presented frame at or past the threshold: the same one, unless the cue came late.
    pub first: Pts,
    /// For how long frames were presented without it, milliseconds; 0 when it was known in time.
    pub late_ms: u64,
}

/// The keys in their order.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ReportJson {
    Painted { cues: Vec<PaintedJson> },
}

#[derive(Serialize, Deserialize)]
struct PaintedJson {
    seq: u64,
    pts: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_pts: Option<i64>,
    late_ms: u64,
}

/// Reads a report; keys it does not know are left aside. Whether what it says can be true is the
/// [`Ledger`](crate::delivery::Ledger)'s to judge.
///
/// # Errors
/// [`Error::Carrier`] for another form, a longer text or more cues.
pub fn parse(text: &[u8]) -> Result<Vec<Painted>, Error> {
    let wrong = |offset, problem| Error::Carrier {
        element: "player report",
        offset,
        problem,
    };
    if text.len() > REPORT_LEN_MAX {
        return Err(wrong(REPORT_LEN_MAX, "is longer than 8192 bytes"));
    }
    let ReportJson::Painted { cues } = serde_json::from_slice(text)
        .map_err(|error| wrong(error.column(), "is not a `painted` message"))?;
    if cues.len() > REPORT_CUES_MAX {
        return Err(wrong(0, "has more than 50 cues"));
    }
    let painted = |cue: PaintedJson| Painted {
        seq: cue.seq,
        pts: Pts(cue.pts),
        first: Pts(cue.first_pts.unwrap_or(cue.pts)),
        late_ms: cue.late_ms,
    };
    Ok(cues.into_iter().map(painted).collect())
}

/// Writes a report, as a player does.
pub fn text(cues: &[Painted]) -> String {
    let json = |cue: &Painted| PaintedJson {
        seq: cue.seq,
        pts: cue.pts.0,
        first_pts: (cue.first != cue.pts).then_some(cue.first.0),
        late_ms: cue.late_ms,
    };
    let report = ReportJson::Painted {
        cues: cues.iter().map(json).collect(),
    };
    serde_json::to_string(&report).expect("integers always serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let cues = [
            Painted {
                seq: 7,
                pts: Pts(900_000),
                first: Pts(900_000),
                late_ms: 0,
            },
            Painted {
                seq: u64::MAX,
                pts: Pts(i64::MAX),
                first: Pts(i64::MIN),
                late_ms: u64::MAX,
            },
        ];
        let text = text(&cues);
        assert!(
            text.starts_with(
                r#"{"type":"painted","cues":[{"seq":7,"pts":900000,"late_ms":0},{"seq":"#
            ),
            "{text}"
        );
        assert_eq!(parse(text.as_bytes()), Ok(cues.to_vec()));
        let more = br#"{"type":"painted","by":"me","cues":[{"seq":1,"pts":2,"late_ms":3,"x":[]}]}"#;
        assert_eq!(parse(more).unwrap()[0].first, Pts(2));
    }

    #[test]
    fn the_longest_report_fits_and_a_longer_one_is_refused() {
        let largest = Painted {
            seq: u64::MAX,
            pts: Pts(i64::MIN),
            first: Pts(i64::MAX),
            late_ms: u64::MAX,
        };
        let full = text(&[largest; REPORT_CUES_MAX]);
        assert!(full.len() <= REPORT_LEN_MAX, "{}", full.len());
        assert_eq!(parse(full.as_bytes()).unwrap().len(), REPORT_CUES_MAX);
        let more = text(&[largest; REPORT_CUES_MAX + 1]);
        assert!(parse(more.as_bytes()).is_err());
        let long = format!("{full}{}", " ".repeat(REPORT_LEN_MAX));
        assert!(parse(long.as_bytes()).is_err());
    }

    #[test]
    fn anything_else_is_no_report() {
        for text in [
            "",
            "{}",
            "[]",
            "\u{feff}{}",
            r#"{"type":"painted"}"#,
            r#"{"type":"cues","cues":[]}"#,
            r#"{"type":"painted","cues":[{"seq":-1,"pts":0,"late_ms":0}]}"#,
            r#"{"type":"painted","cues":[{"seq":1,"pts":0.5,"late_ms":0}]}"#,
            r#"{"type":"painted","cues":[{"seq":1,"pts":0,"late_ms":-1}]}"#,
            r#"{"type":"painted","cues":[{"seq":1,"pts":0,"late_ms":0}]}{}"#,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
