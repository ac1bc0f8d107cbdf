//! The side channel's messages and the cues in them, as `docs/spec/side-channel.md` and `cue.md` have them.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;

/// One message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Message {
    /// The first, and whenever the server starts anew.
    Snapshot {
        k: u32,
        live_pts: i64,
        last_seq: u64,
        cues: Vec<String>,
    },
    /// More cues.
    Cues { cues: Vec<String> },
    /// Once a second.
    Heartbeat { last_seq: u64 },
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// What a viewer's record needs of a cue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Cue {
    pub(crate) seq: u64,
    pub(crate) pts: i64,
    op: String,
    #[serde(default)]
    payload: serde_json::Value,
}

/// The answer to a pull.
#[derive(Debug, Deserialize)]
pub(crate) struct Pulled {
    pub(crate) cues: Vec<String>,
}

impl Cue {
    /// Reads a cue's bytes in base64url; `None` when they are not a cue.
    pub(crate) fn from_base64url(text: &str) -> Option<Self> {
        Self::from_json(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    /// Reads a cue's bytes.
    pub(crate) fn from_json(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The number of the cue that this one takes back.
    pub(crate) fn takes_back(&self) -> Option<u64> {
        (self.op == "cancel").then(|| self.payload["seq"].as_u64())?
    }

    /// Parts carry it: all but a `cancel`.
    pub(crate) fn goes_in_band(&self) -> bool {
        self.op != "cancel"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_types_are_left_aside() {
        let text = r#"{"type":"heartbeat","state":"live","epoch":2,"last_seq":9,"live_pts":1,"server_utc_ms":2}"#;
        assert!(matches!(
            serde_json::from_str(text).unwrap(),
            Message::Heartbeat { last_seq: 9 }
        ));
        assert!(matches!(
            serde_json::from_str(r#"{"type":"sale","cues":[]}"#).unwrap(),
            Message::Unknown
        ));
    }

    #[test]
    fn a_cue_is_read_as_the_vectors_have_it() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../../docs/spec/vectors/cue.json")).unwrap();
        let valid = vectors["valid"].as_array().unwrap();
        assert!(!valid.is_empty());
        for vector in valid {
            let cue = Cue::from_base64url(vector["base64url"].as_str().unwrap()).unwrap();
            assert_eq!(cue.seq, vector["cue"]["seq"].as_u64().unwrap());
            assert_eq!(cue.pts, vector["cue"]["pts"].as_i64().unwrap());
            assert_eq!(cue.goes_in_band(), vector["cue"]["op"] != "cancel");
        }
        assert_eq!(Cue::from_base64url("e30"), None);
    }

    #[test]
    fn a_cancel_names_what_it_takes_back() {
        let cue = Cue::from_json(br#"{"seq":8,"pts":1,"op":"cancel","payload":{"seq":7}}"#);
        assert_eq!(cue.unwrap().takes_back(), Some(7));
    }
}
