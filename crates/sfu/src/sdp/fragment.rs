//! Trickled fragments (RFC 8840 section 9): checked, not used.

use super::parse::check_size;
use crate::Refusal;

/// Checks that `text` is a fragment with candidates for this session's credentials `ufrag`, the
/// viewer's.
///
/// Its candidates are not kept: a lite agent (RFC 8445 section 2.5) never sends the first check,
/// and learns the viewer's addresses from the checks it receives.
pub(crate) fn check(text: &str, ufrag: &str) -> Result<(), Refusal> {
    check_size(text)?;
    let mut candidates = 0;
    let mut known = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (kind, value) = line
            .split_once('=')
            .ok_or(Refusal::Malformed("a line without '='"))?;
        if kind != "a" {
            continue;
        }
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        match name {
            "candidate" => candidates += 1,
            "ice-ufrag" if value.trim() != ufrag => return Err(Refusal::IceRestart),
            "ice-ufrag" | "end-of-candidates" => known = true,
            _ => {}
        }
    }
    if candidates > CANDIDATES_MAX {
        return Err(Refusal::TooLarge {
            what: "candidates",
            limit: CANDIDATES_MAX,
        });
    }
    if candidates == 0 && !known {
        return Err(Refusal::Malformed("no candidate in the fragment"));
    }
    Ok(())
}

const CANDIDATES_MAX: usize = 64;
