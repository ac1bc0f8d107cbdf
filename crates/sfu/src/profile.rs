//! Which SRTP profile DTLS has agreed on.
//!
//! str0m does not say, but in DTLS 1.2 the server's hello carries it in the clear (RFC 5764 section
//! 4.1.1), and every handshake passes through here. Read only, for the books.

use crate::SrtpProfile;

/// The profile a DTLS datagram announces, if it holds a whole ServerHello with one.
pub(crate) fn announced(datagram: &[u8]) -> Option<SrtpProfile> {
    let mut rest = datagram;
    // A flight is several records in one datagram; the hello is the first message of the first
    // record. RFC 6347 section 4.1: type, version (2), epoch (2), sequence number (6), length (2).
    let record = Reader::header(&mut rest, 13)?;
    let length = usize::from(u16::from_be_bytes([record[11], record[12]]));
    let mut body = rest.get(..length)?;
    if record[0] != HANDSHAKE {
        return None;
    }
    // Section 4.2.2: type, length (3), message sequence (2), fragment offset (3), fragment length
    // (3).
    let message = Reader::header(&mut body, 12)?;
    if message[0] != SERVER_HELLO || message[1..4] != message[9..12] || message[6..9] != [0; 3] {
        return None;
    }
    // RFC 5246 section 7.4.1.3: version (2), random (32), session id, cipher suite (2), compression
    // (1), extensions.
    Reader::header(&mut body, 34)?;
    let id = Reader::header(&mut body, 1)?[0];
    Reader::header(&mut body, usize::from(id) + 3 + 2)?;
    while let Some(extension) = Reader::header(&mut body, 4) {
        let kind = u16::from_be_bytes([extension[0], extension[1]]);
        let length = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
        let value = Reader::header(&mut body, length)?;
        if kind == USE_SRTP {
            return profile(value.get(2..4)?);
        }
    }
    None
}

fn profile(number: &[u8]) -> Option<SrtpProfile> {
    match number {
        [0x00, 0x01] => Some(SrtpProfile::Aes128CmSha1_80),
        [0x00, 0x07] => Some(SrtpProfile::AeadAes128Gcm),
        [0x00, 0x08] => Some(SrtpProfile::AeadAes256Gcm),
        _ => None,
    }
}

struct Reader;

impl Reader {
    /// The first `length` bytes, which are then behind.
    fn header<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
        let (head, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(head)
    }
}

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const USE_SRTP: u16 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    /// A ServerHello with the given extensions, in one record of one fragment.
    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![254, 253];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[2, 9, 9, 0xc0, 0x2b, 0]);
        body.extend_from_slice(&u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend_from_slice(extensions);
        let length = &u32::try_from(body.len()).unwrap().to_be_bytes()[1..];
        let message = [&[2], length, &[0, 0, 0, 0, 0], length, &body].concat();
        let record = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0];
        let size = u16::try_from(message.len()).unwrap().to_be_bytes();
        [&record[..], &size[..], &message, &[22, 254, 253]].concat()
    }

    #[test]
    fn the_profile_is_found_among_other_extensions() {
        for (number, profile) in [
            (1, Some(SrtpProfile::Aes128CmSha1_80)),
            (7, Some(SrtpProfile::AeadAes128Gcm)),
            (8, Some(SrtpProfile::AeadAes256Gcm)),
            (9, None),
        ] {
            let extensions = [0, 23, 0, 0, 0, 14, 0, 5, 0, 2, 0, number, 0];
            assert_eq!(announced(&hello(&extensions)), profile);
        }
        assert_eq!(announced(&hello(&[0, 23, 0, 0])), None);
    }

    #[test]
    fn whatever_is_cut_or_changed_is_no_profile_or_another_and_never_a_panic() {
        let whole = hello(&[0, 14, 0, 5, 0, 2, 0, 8, 0]);
        for length in 0..whole.len() - 3 {
            assert_eq!(announced(&whole[..length]), None, "{length}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 127, 255] {
                let mut other = whole.clone();
                other[at] = value;
                let _ = announced(&other);
            }
        }
    }
}
