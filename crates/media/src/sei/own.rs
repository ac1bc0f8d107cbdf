//! Messages under this server's own UUID in what a publisher sends: nobody but this server makes them.
//!
//! Every NAL unit but those of coded picture is looked at, since a reader that splits a stream at start codes finds
//! messages also where no unit of messages stands: behind a start code within a parameter set. Readers of ours stop at
//! the first unit of coded picture, so nothing of a picture's bytes is looked at.

use bytes::{Bytes, BytesMut};

use super::{
    OWN_UUID, Syntax, UUID_LEN,
    insert::{LENGTH, nal_at},
    messages, write,
};

/// The access unit (4-byte NAL lengths) without messages of [`OWN_UUID`], and how many were taken out; `None` if it has
/// none. Other messages of the same NAL unit stay. A unit that holds the UUID but no readable messages goes, and so does
/// one that is left empty. It may be that nothing is left.
pub fn strip_own(syntax: Syntax, access_unit: &Bytes) -> Option<(Bytes, u32)> {
    let mut kept = BytesMut::new();
    let (mut at, mut copied, mut taken) = (0, 0, 0);
    while let Some(nal) = nal_at(access_unit, at) {
        let end = at + LENGTH + nal.len();
        if !syntax.is_vcl(nal) && mentions_own(nal) {
            kept.extend_from_slice(&access_unit[copied..at]);
            taken += rewrite(syntax, nal, &mut kept);
            copied = end;
        }
        at = end;
    }
    (taken > 0).then(|| {
        kept.extend_from_slice(&access_unit[copied..]);
        (kept.freeze(), taken)
    })
}

/// Appends what of a NAL unit may stay. How much was taken out: messages, or the unit as one.
fn rewrite(syntax: Syntax, nal: &[u8], kept: &mut BytesMut) -> u32 {
    let Ok(mut others) = messages(syntax, nal) else {
        return 1;
    };
    let all = others.len();
    others.retain(|message| message.user_data(&OWN_UUID).is_none());
    let taken = all - others.len();
    if !others.is_empty() {
        let header = &nal[..syntax.sei_header().len()];
        let rest = write(header, &others);
        // Inside another message's payload it is no message, but nobody needs to know that.
        if !mentions_own(&rest) {
            let length = u32::try_from(rest.len()).expect("no longer than what was read");
            kept.extend_from_slice(&length.to_be_bytes());
            kept.extend_from_slice(&rest);
        }
    }
    u32::try_from(taken).unwrap_or(u32::MAX).max(1)
}

/// The bytes hold [`OWN_UUID`].
pub fn mentions_own(bytes: &[u8]) -> bool {
    let mut matcher = Matcher::default();
    bytes.iter().any(|byte| matcher.push(*byte))
}

/// Looks for [`OWN_UUID`] in bytes that come in pieces.
#[derive(Debug, Clone, Copy, Default)]
pub struct Matcher {
    /// So many bytes of it came last.
    matched: usize,
}

impl Matcher {
    /// Takes the next byte. True if it is the UUID's last.
    pub fn push(&mut self, byte: u8) -> bool {
        // No byte of it comes twice, so what is no continuation can only be its first.
        let is_next = OWN_UUID[self.matched] == byte;
        self.matched = if is_next {
            self.matched + 1
        } else {
            usize::from(byte == OWN_UUID[0])
        };
        let is_whole = self.matched == UUID_LEN;
        if is_whole {
            self.matched = 0;
        }
        is_whole
    }
}
