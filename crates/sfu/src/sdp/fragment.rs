//! Fragments (RFC 8840 section 9): a peer's candidates, and both sides of a restart of ICE.

use std::fmt::Write as _;

use super::{attribute::is_ice_string, parse::check_size};
use crate::Refusal;

/// What a fragment says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    /// The peer's user name fragment and, where it gives one, its password.
    pub(crate) credentials: Option<(&'a str, Option<&'a str>)>,
}

/// Reads a fragment.
///
/// Its candidates are not kept, not even looked at, so any number, transport and name will do: a
/// lite agent (RFC 8445 section 2.5) never sends the first check, and learns the peer's addresses
/// from the checks it receives.
pub(crate) fn parse(text: &str) -> Result<Fragment<'_>, Refusal> {
    check_size(text)?;
    let (mut ufrag, mut pwd, mut says_something) = (None, None, false);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (kind, value) = line
            .split_once('=')
            .ok_or(Refusal::Malformed("a line without '='"))?;
        if kind != "a" {
            continue;
        }
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        match name {
            "candidate" | "end-of-candidates" => says_something = true,
            "ice-ufrag" => only(&mut ufrag, value.trim(), 4, "a=ice-ufrag")?,
            "ice-pwd" => only(&mut pwd, value.trim(), 22, "a=ice-pwd")?,
            _ => {}
        }
    }
    if !says_something && ufrag.is_none() {
        return Err(Refusal::Malformed("no candidate in the fragment"));
    }
    Ok(Fragment {
        credentials: ufrag.map(|ufrag| (ufrag, pwd)),
    })
}

/// RFC 8840 section 9: credentials may stand before the first section and in each; all m-lines share
/// one transport, so they agree.
fn only<'a>(
    known: &mut Option<&'a str>,
    value: &'a str,
    least: usize,
    what: &'static str,
) -> Result<(), Refusal> {
    if !is_ice_string(value, least) {
        return Err(Refusal::Malformed(match what {
            "a=ice-ufrag" => "a=ice-ufrag is not 4 to 256 ice-chars",
            _ => "a=ice-pwd is not 22 to 256 ice-chars",
        }));
    }
    if known.is_some_and(|known| known != value) {
        return Err(Refusal::Malformed("two m-lines with different credentials"));
    }
    *known = Some(value);
    Ok(())
}

/// What a restart's answer takes from the session's: the section whose transport all use, and this
/// side's candidates, which stay as they are.
pub(crate) fn of(answer: &str) -> Box<str> {
    let mut fragment = String::new();
    let group = answer
        .lines()
        .find(|line| line.starts_with("a=group:BUNDLE"));
    let tag = group.and_then(|group| group.split_ascii_whitespace().nth(1));
    let mut kind = "m=audio";
    for line in answer.lines() {
        if line.starts_with("m=") {
            kind = line.split(' ').next().unwrap_or(kind);
        } else if line
            .strip_prefix("a=mid:")
            .is_some_and(|mid| Some(mid) == tag)
        {
            // RFC 8840 section 9: the section's port and formats say nothing.
            push(
                &mut fragment,
                format_args!("{kind} 9 UDP/TLS/RTP/SAVPF 0\r\n{line}\r\n"),
            );
            break;
        }
    }
    let mut candidates: Vec<&str> = Vec::new();
    for line in answer
        .lines()
        .filter(|line| line.starts_with("a=candidate:"))
    {
        // str0m ends them with the fragment they are of.
        let line = line.split(" ufrag ").next().unwrap_or(line);
        if !candidates.contains(&line) {
            candidates.push(line);
            push(&mut fragment, format_args!("{line}\r\n"));
        }
    }
    fragment.into()
}

/// The answer to a restart (RFC 9725 section 4.3.3): `of` the session, with new credentials.
pub(crate) fn write(of: &str, ufrag: &str, pwd: &str) -> String {
    let at = of.find("a=candidate:").unwrap_or(of.len());
    let (section, candidates) = of.split_at(at);
    format!(
        "a=ice-lite\r\n{section}a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n{candidates}\
         a=end-of-candidates\r\n"
    )
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing into a String cannot fail");
}
