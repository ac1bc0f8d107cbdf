//! Just enough ADTS (ISO/IEC 14496-3 section 1.A.2) to let FFmpeg decode what is sent as raw_data_blocks.

use crate::child::Packet;

/// A file of these packets, whatever their times; with the configuration that the protocol promises.
pub(crate) fn file(packets: &[Packet]) -> Vec<u8> {
    let mut out = Vec::new();
    for (_, payload) in packets {
        let length = u16::try_from(HEADER_BYTES + payload.len()).unwrap();
        let [high, low] = (length << 3).to_be_bytes();
        // Syncword, MPEG-4, no CRC; profile LC (1), frequency index 3, channel configuration 2; the length in
        // 13 bits over the byte boundaries; a full buffer; one block.
        out.extend([0xff, 0xf1, 0x4c, 0x80 | high >> 6, high << 2 | low >> 6]);
        out.extend([low << 2 | 0x1f, 0xfc]);
        out.extend(payload);
    }
    out
}

const HEADER_BYTES: usize = 7;
