//! Opus: whether bytes are a packet, and how long it lasts (RFC 6716 section 3); the header before the packets (RFC 7845
//! section 5.1).

mod head;

pub use head::{Head, parse_head};

use crate::Error;

/// Samples of each channel that decoding `packet` yields at 48 kHz: 120 to 5760, which is 2.5 to 120 ms.
///
/// # Errors
/// Bytes that no decoder may take for a packet (section 3.4).
pub fn packet_samples(packet: &[u8]) -> Result<u16, Error> {
    // R1: "Packets are at least one byte."
    let (toc, frames) = packet.split_first().ok_or(Error::Truncated {
        element: "table-of-contents byte",
    })?;
    let samples = FRAME_SAMPLES[usize::from(toc >> 3)];
    // Section 3.2: the code in the two low bits says how the frames are packed.
    let count = match toc & 0b11 {
        0 => equal_frames(frames.len(), 1)?,
        1 => equal_frames(frames.len(), 2)?,
        2 => unequal_frames(frames, 2)?,
        _ => signalled_frames(frames, samples)?,
    };
    Ok(samples * count)
}

/// Code 3 (section 3.2.5): a byte with the number of frames, perhaps padding, frames of either kind.
fn signalled_frames(bytes: &[u8], samples: u16) -> Result<u16, Error> {
    let (header, mut frames) = bytes.split_first().ok_or(Error::Truncated {
        element: "frame count byte",
    })?;
    let count = u16::from(header & 0x3f);
    // R5: "Code 3 packets contain at least one frame, but no more than 120 ms of audio total."
    if !(1..=PACKET_SAMPLES_MAX / samples).contains(&count) {
        return Err(Error::OutOfRange {
            element: "frames of an Opus packet",
            value: count.into(),
            allowed: "at least one, and no more than 120 ms together",
        });
    }
    if header & HAS_PADDING != 0 {
        frames = without_padding(frames)?;
    }
    if header & VARIES == 0 {
        equal_frames(frames.len(), count)
    } else {
        unequal_frames(frames, count)
    }
}

/// What lies between the padding's length and the padding itself.
fn without_padding(bytes: &[u8]) -> Result<&[u8], Error> {
    const ELEMENT: &str = "padding";
    let (mut rest, mut padding) = (bytes, 0);
    loop {
        let (byte, after) = rest
            .split_first()
            .ok_or(Error::Truncated { element: ELEMENT })?;
        rest = after;
        // "The values from 0...254 indicate that 0...254 bytes of padding are included, in addition to the
        // byte(s) used to indicate the size of the padding. If the value is 255, then the size of the
        // additional padding is 254 bytes, plus the padding value encoded in the next byte."
        padding += usize::from(*byte).min(254);
        if *byte != 255 {
            break;
        }
    }
    let kept = rest
        .len()
        .checked_sub(padding)
        .ok_or(Error::Truncated { element: ELEMENT })?;
    Ok(&rest[..kept])
}

/// `count` frames that share `bytes`; gives `count` back.
fn equal_frames(bytes: usize, count: u16) -> Result<u16, Error> {
    let each = usize::from(count);
    // R3 and R6.
    if !bytes.is_multiple_of(each) {
        return Err(Error::OutOfRange {
            element: "bytes of equally long Opus frames",
            value: bytes as u64,
            allowed: "a multiple of their number",
        });
    }
    check_frame(bytes / each)?;
    Ok(count)
}

/// `count` frames, a length before each but the last; gives `count` back.
fn unequal_frames(bytes: &[u8], count: u16) -> Result<u16, Error> {
    let (mut rest, mut known) = (bytes, 0);
    for _ in 1..count {
        let (length, after) = frame_length(rest)?;
        known += length;
        rest = after;
    }
    // R4 and R7: the lengths fit what is there.
    let last = rest.len().checked_sub(known).ok_or(Error::Truncated {
        element: "Opus frame",
    })?;
    check_frame(last)?;
    Ok(count)
}

/// Section 3.2.1: one byte, or two from 252 on.
fn frame_length(bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
    match *bytes {
        [first @ 252..=255, second, ref rest @ ..] => {
            Ok((usize::from(second) * 4 + usize::from(first), rest))
        }
        [first @ 0..=251, ref rest @ ..] => Ok((usize::from(first), rest)),
        _ => Err(Error::Truncated {
            element: "frame length",
        }),
    }
}

/// R2: "No implicit frame length is larger than 1275 bytes." None at all is a frame: silence (DTX) or loss.
fn check_frame(bytes: usize) -> Result<(), Error> {
    if bytes > FRAME_BYTES_MAX {
        return Err(Error::OutOfRange {
            element: "Opus frame in bytes",
            value: bytes as u64,
            allowed: "at most 1275",
        });
    }
    Ok(())
}

/// Table 2: samples of a frame by the configuration in the five high bits.
const FRAME_SAMPLES: [u16; 32] = {
    let mut table = [0; 32];
    let mut config = 0;
    while config < 32 {
        table[config] = match config {
            // SILK: 10, 20, 40, 60 ms.
            0..12 => [480, 960, 1920, 2880][config % 4],
            // Hybrid: 10, 20 ms.
            12..16 => [480, 960][config % 2],
            // CELT: 2.5, 5, 10, 20 ms.
            _ => [120, 240, 480, 960][config % 4],
        };
        config += 1;
    }
    table
};

const PACKET_SAMPLES_MAX: u16 = 5760;
const FRAME_BYTES_MAX: usize = 1275;
const HAS_PADDING: u8 = 0x40;
const VARIES: u8 = 0x80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet of this configuration and code, then these bytes.
    fn packet(config: u8, code: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![config << 3 | code];
        packet.extend(rest);
        packet
    }

    #[test]
    fn the_first_byte_says_how_long_a_frame_is() {
        let expected = [
            (0, 480),
            (1, 960),
            (2, 1920),
            (11, 2880),
            (12, 480),
            (15, 960),
            (16, 120),
            (29, 240),
            (30, 480),
            (31, 960),
        ];
        for (config, samples) in expected {
            assert_eq!(
                packet_samples(&packet(config, 0, &[1, 2])),
                Ok(samples),
                "{config}"
            );
        }
        // libopus's silence under DTX: nothing behind the first byte.
        assert_eq!(packet_samples(&[0xf8]), Ok(960));
    }

    #[test]
    fn frames_are_counted_however_they_are_packed() {
        assert_eq!(packet_samples(&packet(31, 1, &[1, 2])), Ok(1920));
        assert_eq!(packet_samples(&packet(31, 2, &[1, 7, 8, 9])), Ok(1920));
        // Three of 20 ms, equal; three, lengths 1 and 0; six of 20 ms, none with content.
        assert_eq!(packet_samples(&packet(31, 3, &[3, 7, 7, 7])), Ok(2880));
        assert_eq!(
            packet_samples(&packet(31, 3, &[0x83, 1, 0, 7, 9])),
            Ok(2880)
        );
        assert_eq!(packet_samples(&packet(31, 3, &[6])), Ok(5760));
        // 48 of 2.5 ms are 120 ms.
        assert_eq!(packet_samples(&packet(16, 3, &[48])), Ok(5760));
        // A length of two bytes: 252 + 4 * 1.
        let long = [&[252, 1][..], &[0; 256 + 3]].concat();
        assert_eq!(packet_samples(&packet(31, 2, &long)), Ok(1920));
    }

    #[test]
    fn padding_is_no_frame() {
        assert_eq!(packet_samples(&packet(31, 3, &[0x41, 2, 7, 0, 0])), Ok(960));
        let padded = [&[0x42, 255, 1, 7, 7][..], &[0; 255]].concat();
        assert_eq!(packet_samples(&packet(31, 3, &padded)), Ok(1920));
        for cut_off in [&[0x41][..], &[0x41, 255], &[0x41, 3, 0, 0]] {
            packet_samples(&packet(31, 3, cut_off)).unwrap_err();
        }
    }

    #[test]
    fn what_no_decoder_may_accept_is_refused() {
        let forbidden: [&[u8]; 9] = [
            &[],
            &packet(31, 0, &[0; 1276]),
            &packet(31, 1, &[1]),
            &packet(31, 2, &[]),
            &packet(31, 2, &[2, 7]),
            &packet(31, 3, &[]),
            &packet(31, 3, &[0]),
            &packet(31, 3, &[7]),
            &packet(31, 3, &[2, 7]),
        ];
        for bytes in forbidden {
            packet_samples(bytes).unwrap_err();
        }
        // The first packet of an Ogg file is no sound.
        packet_samples(b"OpusHead\x01\x02").unwrap_err();
    }

    proptest! {
        #[test]
        fn any_bytes_last_a_while_or_are_refused(bytes: Vec<u8>) {
            if let Ok(samples) = packet_samples(&bytes) {
                prop_assert!((120..=5760).contains(&samples) && samples % 120 == 0, "{}", samples);
            }
        }
    }
}
