//! Several frames as one (annex B): what a file's sample is when a picture has spatial layers.

use bytes::Bytes;

/// The frames of one picture as one sample: a frame alone as it is, several with their index
/// behind. `None` for none, or for more than an index can count.
pub fn superframe(frames: &[&[u8]]) -> Option<Bytes> {
    match frames {
        [] => return None,
        [one] => return Some(Bytes::copy_from_slice(one)),
        many if many.len() > FRAMES_MAX => return None,
        _ => {}
    }
    let total: usize = frames.iter().map(|frame| frame.len()).sum();
    let mut bytes = Vec::with_capacity(total + 2 + 4 * frames.len());
    for frame in frames {
        bytes.extend_from_slice(frame);
    }
    // superframe_header: 0b110, bytes of a size less one, frames less one; sizes least significant
    // byte first. The header stands on both sides of the sizes.
    let count = u8::try_from(frames.len() - 1).ok()?;
    let header = 0b1101_1000 | count;
    bytes.push(header);
    for frame in frames {
        bytes.extend_from_slice(&u32::try_from(frame.len()).ok()?.to_le_bytes());
    }
    bytes.push(header);
    Some(Bytes::from(bytes))
}

/// What three bits count.
const FRAMES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_needs_no_index_and_several_have_one() {
        assert_eq!(superframe(&[]), None);
        assert_eq!(superframe(&[&[0x82, 1]]).as_deref(), Some(&[0x82, 1][..]));
        let two = superframe(&[&[0x82, 1], &[0x86]]).unwrap();
        assert_eq!(
            &two[..],
            [0x82, 1, 0x86, 0xd9, 2, 0, 0, 0, 1, 0, 0, 0, 0xd9]
        );
        assert_eq!(superframe(&[&[0_u8][..]; 9]), None);
    }
}
