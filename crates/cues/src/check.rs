//! The rules a cue's fields obey, whoever made it.

mod payload;

use crate::{
    error::Error,
    model::{Cue, Op},
    payload::Payload,
};

const NAME_LEN_MAX: usize = 64;

pub(crate) fn cue(cue: &Cue) -> Result<(), Error> {
    name("stream", &cue.stream)?;
    ensure(cue.epoch >= 1, "epoch", "is 0", "epochs count from 1")?;
    let numbered = (1..=Cue::NUMBER_MAX).contains(&cue.seq);
    ensure(
        numbered,
        "seq",
        "is out of range",
        "number cues from 1 to 2^53 - 1",
    )?;
    ensure(cue.rev >= 1, "rev", "is 0", "revisions count from 1")?;
    let placed = u64::try_from(cue.pts.0).is_ok_and(|pts| pts <= Cue::NUMBER_MAX);
    ensure(placed, "pts", "is out of range", "send 0 to 2^53 - 1")?;
    if cue.op == Op::Cancel && cue.card_id.is_empty() {
        // It takes back a clear.
    } else {
        card_id(cue.op, &cue.card_id)?;
    }
    duration(cue.op, cue.duration)?;
    content_of(cue.op, cue.payload.as_ref())?;
    target(cue)
}

fn target(cue: &Cue) -> Result<(), Error> {
    let field = "payload.seq";
    match (cue.op, cue.target) {
        (Op::Cancel, Some(seq)) => ensure(
            (1..cue.seq).contains(&seq),
            field,
            "is not an earlier cue",
            "send the number of the cue that is taken back",
        ),
        (Op::Cancel, None) => fail(field, "is missing", "a cancel names the cue it takes back"),
        (_, Some(_)) => fail(field, "is set", "only a cancel takes a cue back"),
        (_, None) => Ok(()),
    }
}

/// What of a cue its caller decides: checked before it has a number.
pub(crate) fn content(
    op: Op,
    card: &str,
    ticks: Option<i64>,
    content: Option<&Payload>,
) -> Result<(), Error> {
    card_id(op, card)?;
    duration(op, ticks)?;
    content_of(op, content)
}

/// 1 to 64 of the characters that need no quoting in a URL path, a playlist or an HTML attribute.
pub(crate) fn name(field: &'static str, text: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=NAME_LEN_MAX).contains(&text.len()) && text.bytes().all(plain);
    ensure(
        fits,
        field,
        "is not a name",
        "send 1 to 64 of A-Z a-z 0-9 . _ -",
    )
}

fn card_id(op: Op, card: &str) -> Result<(), Error> {
    match op {
        Op::Clear => ensure(
            card.is_empty(),
            "card_id",
            "is set",
            "a clear names no card: send \"\"",
        ),
        Op::Show | Op::Update | Op::Hide | Op::Cancel => name("card_id", card),
    }
}

fn duration(op: Op, ticks: Option<i64>) -> Result<(), Error> {
    let Some(ticks) = ticks else { return Ok(()) };
    ensure(
        op.has_payload(),
        "duration",
        "is set",
        "only a show or an update has a duration",
    )?;
    let fits = (Cue::DURATION_MIN..=Cue::DURATION_MAX).contains(&ticks);
    ensure(
        fits,
        "duration",
        "is out of range",
        "send 1 ms to 24 h, or null",
    )
}

fn content_of(op: Op, content: Option<&Payload>) -> Result<(), Error> {
    match (op.has_payload(), content) {
        (true, Some(content)) => payload::check(content),
        (true, None) => fail("payload", "is missing", "a show or an update needs one"),
        (false, Some(_)) => fail(
            "payload",
            "is set",
            "only a show or an update has one: send null",
        ),
        (false, None) => Ok(()),
    }
}

/// Text that is shown as it is: it may say anything, but not rearrange what stands beside it.
fn text(field: &'static str, text: &str, chars_max: usize) -> Result<(), Error> {
    // U+FEFF is white space to JavaScript (ECMA-262 `WhiteSpace`), whose players hold this rule
    // too.
    let filled = text.chars().any(|c| !c.is_whitespace() && c != '\u{feff}');
    ensure(
        filled,
        field,
        "is blank",
        "send at least one visible character",
    )?;
    // Counting stops at the limit: the text may come from anyone.
    let fits = text.chars().nth(chars_max).is_none();
    ensure(
        fits,
        field,
        "is too long",
        "send no more characters than docs/spec/cue.md says",
    )?;
    let plain = !text.chars().any(rearranges);
    let remedy = "remove control characters, line separators and bidirectional overrides";
    ensure(plain, field, "has a character that is not text", remedy)
}

/// Controls (Unicode category Cc), line and paragraph separators, and the explicit bidirectional
/// formatting of UAX #9 section 2.1 to 2.4 (embeddings, overrides, isolates), which can make a
/// price read backwards. The implicit marks LRM, RLM and ALM stay: right-to-left titles need them.
fn rearranges(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn ensure(
    holds: bool,
    field: &'static str,
    problem: &'static str,
    remedy: &'static str,
) -> Result<(), Error> {
    if holds {
        Ok(())
    } else {
        fail(field, problem, remedy)
    }
}

fn fail(field: &'static str, problem: &'static str, remedy: &'static str) -> Result<(), Error> {
    Err(Error::Field {
        field,
        problem,
        remedy,
    })
}
