//! Packet modifiers in front of a packet (Enhanced RTMP v2, "ModEx").

use bytes::Bytes;

use super::{Refusal, take};

/// Reads modifiers and gives the packet type behind them. Each one takes at least three bytes, so the loop ends with the
/// message.
///
/// A nanosecond offset, the only one defined, is checked and not used: every time is snapped to the grid of frames, which is
/// coarser.
pub(super) fn read(mut packet_type: u8, bytes: &mut Bytes) -> Result<u8, Refusal> {
    const WHAT: &str = "cut-off packet modifier";
    while packet_type == MOD_EX {
        let mut size = usize::from(take::<1>(bytes, WHAT)?[0]) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes(take(bytes, WHAT)?)) + 1;
        }
        if bytes.len() < size {
            return Err(Refusal::Drop(WHAT));
        }
        let data = bytes.split_to(size);
        // Which modifier it was stands behind its data.
        let [kind] = take(bytes, WHAT)?;
        if kind >> 4 == TIMESTAMP_OFFSET_NANO {
            check_offset(&data)?;
        }
        packet_type = kind & 0x0f;
    }
    Ok(packet_type)
}

/// "modExData MUST be at least 3 bytes, storing values up to 999,999 ns."
fn check_offset(data: &[u8]) -> Result<(), Refusal> {
    match data.first_chunk() {
        Some(&[a, b, c]) if u32::from_be_bytes([0, a, b, c]) < 1_000_000 => Ok(()),
        Some(_) => Err(Refusal::Drop("nanosecond offset beyond a millisecond")),
        None => Err(Refusal::Drop("cut-off nanosecond offset")),
    }
}

/// In both `VideoPacketType` and `AudioPacketType`.
const MOD_EX: u8 = 7;
/// In both `VideoPacketModExType` and `AudioPacketModExType`.
const TIMESTAMP_OFFSET_NANO: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: Vec<u8>) -> Result<(u8, usize), Refusal> {
        let mut bytes = Bytes::from(bytes);
        read(MOD_EX, &mut bytes).map(|packet_type| (packet_type, bytes.len()))
    }

    #[test]
    fn modifiers_of_both_sizes_are_read() {
        assert_eq!(read_all(vec![2, 0, 0, 9, 0x01, 5]), Ok((1, 1)));
        let long = [&[255, 0xff, 0xff][..], &[0; 65_536], &[0x07, 0, 1, 0x13]].concat();
        assert_eq!(read_all(long), Ok((3, 0)));
        assert_eq!(read(1, &mut Bytes::new()), Ok(1));
    }

    #[test]
    fn an_offset_is_less_than_a_millisecond() {
        // 999,999 and 1,000,000.
        assert_eq!(read_all(vec![2, 0x0f, 0x42, 0x3f, 0x01]), Ok((1, 0)));
        assert!(read_all(vec![2, 0x0f, 0x42, 0x40, 0x01]).is_err());
        assert!(read_all(vec![1, 0, 0, 0x01]).is_err(), "two bytes");
        // Of a modifier that is not defined nothing is known.
        assert_eq!(read_all(vec![0, 0xff, 0x11]), Ok((1, 0)));
        assert_eq!(read_all(vec![0, 0xff, 0x17, 2, 0, 0, 1, 0x01]), Ok((1, 0)));
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
            assert!(read_all(bytes.clone()).is_err(), "{bytes:?}");
        }
    }
}
