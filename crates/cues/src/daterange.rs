//! Cues in media playlists: `EXT-X-DATERANGE`, draft-pantos-hls-rfc8216bis-22 section 4.4.5.1.
//!
//! A range stands for one cue, never for one card: "same ID may only add attributes", so a revision
//! has an ID of its own and the card's name as an attribute. Which ranges a playlist lists, and for
//! how long, is the packager's decision.

use std::fmt::Write as _;

use media::UtcAnchor;
use sha2::{Digest as _, Sha256};

use crate::{codec::EncodedCue, model::Op, rfc3339::rfc3339_millis};

/// The `CLASS` of every range that stands for a cue.
pub const CLASS: &str = "dev.shopcast.cue";

/// Longest encoded cue that a range carries whole, bytes: 64 of them stay a small part of a
/// playlist that is fetched several times a second.
pub const WHOLE_LEN_MAX: usize = 300;

/// The line of a cue, without its line end. `anchor` is that of the epoch whose playlist part holds
/// the cue's threshold, as for PROGRAM-DATE-TIME.
///
/// No value needs quoting beyond its quotes: names are of `A-Z a-z 0-9 . _ -` and payloads are
/// base64url, so that no quote or line end from outside comes into a playlist.
pub fn line(cue: &EncodedCue, anchor: UtcAnchor) -> String {
    let it = &cue.cue;
    let id = id(it.epoch, it.seq);
    let start = rfc3339_millis(anchor.utc(it.pts));
    let mut line = format!("#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"{CLASS}\",START-DATE=\"{start}\"");
    match (it.op, it.duration) {
        // "A single instant in time SHOULD be represented with a duration of 0."
        (Op::Hide | Op::Clear | Op::Cancel, _) => line.push_str(",DURATION=0"),
        (Op::Show | Op::Update, Some(ticks)) => {
            push(&mut line, format_args!(",DURATION={}", Seconds(ticks)));
        }
        (Op::Show | Op::Update, None) => {}
    }
    if !it.card_id.is_empty() {
        push(
            &mut line,
            format_args!(",X-DEV-SHOPCAST-CARD-ID=\"{}\"", it.card_id),
        );
    }
    push(&mut line, format_args!(",X-DEV-SHOPCAST-OP=\"{}\"", it.op));
    push(&mut line, format_args!(",X-DEV-SHOPCAST-SEQ={}", it.seq));
    push(&mut line, format_args!(",X-DEV-SHOPCAST-REV={}", it.rev));
    push(&mut line, format_args!(",X-DEV-SHOPCAST-PTS={}", it.pts));
    push(
        &mut line,
        format_args!(",X-DEV-SHOPCAST-HASH={}", hash(cue)),
    );
    if it.op == Op::Show && cue.bytes.len() <= WHOLE_LEN_MAX {
        push(
            &mut line,
            format_args!(",X-DEV-SHOPCAST-CUE=\"{}\"", cue.to_base64url()),
        );
    }
    line
}

/// The `ID` of a cue's range: unique in the stream, and never used for anything else.
pub fn id(epoch: u32, seq: u64) -> String {
    format!("cue-{epoch}-{seq}")
}

/// The first 8 bytes of the SHA-256 of the cue's bytes, as a hexadecimal-sequence (section 4.2).
pub fn hash(cue: &EncodedCue) -> String {
    hash_bytes(cue)
        .iter()
        .fold("0x".to_owned(), |mut hex, byte| {
            push(&mut hex, format_args!("{byte:02X}"));
            hex
        })
}

/// The first 8 bytes of the SHA-256 of the cue's bytes.
pub(crate) fn hash_bytes(cue: &EncodedCue) -> [u8; 8] {
    let digest = Sha256::digest(&cue.bytes);
    *digest.first_chunk().expect("SHA-256 has 32 bytes")
}

/// 90 kHz ticks as a decimal number of seconds, cut off after the fifth digit.
struct Seconds(i64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:05}", self.0 / 90_000, self.0 % 90_000 * 10 / 9)
    }
}

fn push(line: &mut String, text: std::fmt::Arguments<'_>) {
    line.write_fmt(text)
        .expect("writing to a String cannot fail");
}
