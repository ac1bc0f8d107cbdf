//! The state at one pts as in-band carriers say it. A codec file: it knows JSON.

use std::sync::Arc;

use media::Pts;
use serde::{Deserialize, Serialize};

use crate::{codec::EncodedCue, error::Error, id3::TAG_LEN_MAX};

/// The cues that fold to the state at `pts`, for whoever starts to play there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InBandSnapshot {
    /// The stream's name.
    pub stream: String,
    /// The publish session of the frame at `pts`.
    pub epoch: u32,
    /// The start of the segment: cues at or before it are in `cues` or have no effect any more.
    pub pts: Pts,
    /// What [`Timeline::active_cues`](crate::Timeline::active_cues) or
    /// [`Fold::active_cues`](crate::Fold::active_cues) gives.
    pub cues: Vec<Arc<EncodedCue>>,
}

#[derive(Serialize, Deserialize)]
struct SnapshotJson {
    v: u32,
    stream: String,
    epoch: u32,
    pts: i64,
    cues: Vec<String>,
}

impl InBandSnapshot {
    /// Compact JSON, the cues in base64url.
    pub fn to_json(&self) -> String {
        let json = SnapshotJson {
            v: 1,
            stream: self.stream.clone(),
            epoch: self.epoch,
            pts: self.pts.0,
            cues: self.cues.iter().map(|cue| cue.to_base64url()).collect(),
        };
        serde_json::to_string(&json).expect("strings and integers always serialise")
    }

    /// Reads what [`to_json`](Self::to_json) wrote; keys it does not know are left aside.
    ///
    /// # Errors
    /// [`Error::Carrier`] for another form or version, and those of the cues.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let wrong = |problem| Error::Carrier {
            element: "snapshot",
            offset: 0,
            problem,
        };
        if text.len() > TAG_LEN_MAX {
            return Err(wrong("is past the limit"));
        }
        let json: SnapshotJson = serde_json::from_str(text)
            .map_err(|_| wrong("is not a JSON object of v, stream, epoch, pts and cues"))?;
        if json.v != 1 {
            return Err(wrong("is not of version 1"));
        }
        let cues = json
            .cues
            .iter()
            .map(|cue| EncodedCue::from_base64url(cue).map(Arc::new));
        Ok(Self {
            stream: json.stream,
            epoch: json.epoch,
            pts: Pts(json.pts),
            cues: cues.collect::<Result<_, _>>()?,
        })
    }
}
