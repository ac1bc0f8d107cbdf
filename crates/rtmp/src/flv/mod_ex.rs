//! Packet modifiers in front of a packet (Enhanced RTMP v2, "ModEx").

use bytes::Bytes;

use super::{Refusal, take};

/// Skips modifiers (a nanosecond offset is the only one defined) and gives the packet type behind
/// them. Each one takes at least three bytes, so the loop ends with the message.
pub(super) fn skip(mut packet_type: u8, bytes: &mut Bytes) -> Result<u8, Refusal> {
    const WHAT: &str = "cut-off packet modifier";
    while packet_type == MOD_EX {
        let mut size = usize::from(take::<1>(bytes, WHAT)?[0]) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes(take(bytes, WHAT)?)) + 1;
        }
        if bytes.len() < size {
            return Err(Refusal::Drop(WHAT));
        }
        let _ = bytes.split_to(size);
        packet_type = take::<1>(bytes, WHAT)?[0] & 0x0f;
    }
    Ok(packet_type)
}

/// In both `VideoPacketType` and `AudioPacketType`.
const MOD_EX: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn skip_all(bytes: Vec<u8>) -> Result<(u8, usize), Refusal> {
        let mut bytes = Bytes::from(bytes);
        skip(MOD_EX, &mut bytes).map(|packet_type| (packet_type, bytes.len()))
    }

    #[test]
    fn modifiers_of_both_sizes_are_skipped() {
        assert_eq!(skip_all(vec![2, 0, 0, 9, 0x01, 5]), Ok((1, 1)));
        let long = [&[255, 0xff, 0xff][..], &[0; 65_536], &[0x07, 0, 1, 0x03]].concat();
        assert_eq!(skip_all(long), Ok((3, 0)));
        assert_eq!(skip(1, &mut Bytes::new()), Ok(1));
    }

    #[test]
    fn modifiers_longer_than_the_message_are_refused() {
        for bytes in [
            vec![],
            vec![0],
            vec![0, 1],
            vec![255, 0],
            vec![255, 255, 255, 1],
            vec![7; 9],
        ] {
            assert!(skip_all(bytes.clone()).is_err(), "{bytes:?}");
        }
    }
}
