//! Just enough Ogg (RFC 3533, RFC 7845) to let FFmpeg decode packets: one packet a page, pre-skip 0; and to take
//! apart what FFmpeg has encoded.

use bytes::Bytes;

use crate::child::Packet;

/// A file of these packets of 20 ms, whatever their times.
pub(crate) fn file(packets: &[Packet]) -> Vec<u8> {
    file_of(packets.iter().map(|(_, payload)| payload), 960)
}

/// A file of packets with so many samples each.
pub(crate) fn file_of<'a>(packets: impl Iterator<Item = &'a Bytes>, samples: u64) -> Vec<u8> {
    let mut out = Vec::new();
    // RFC 7845 section 5.1: version, channels, pre-skip, input rate, gain, mapping family.
    let mut head = b"OpusHead\x01\x02\0\0".to_vec();
    head.extend(48_000_u32.to_le_bytes());
    head.extend([0, 0, 0]);
    let tags = b"OpusTags\x04\0\0\0test\0\0\0\0";
    page(&mut out, FIRST, 0, 0, &head);
    page(&mut out, 0, 0, 1, tags);
    for (n, payload) in (1_u32..).zip(packets) {
        page(&mut out, 0, u64::from(n) * samples, n + 1, payload);
    }
    out
}

/// The packets of a file behind its two headers.
pub(crate) fn packets(file: &[u8]) -> Vec<Bytes> {
    let mut packets = Vec::new();
    let mut packet = Vec::new();
    let mut rest = file;
    while let [b'O', b'g', b'g', b'S', ..] = rest {
        let (header, after) = rest.split_at(PAGE_HEADER_BYTES);
        let (lengths, mut body) = after.split_at(header[PAGE_HEADER_BYTES - 1].into());
        for length in lengths {
            let (segment, after) = body.split_at(usize::from(*length));
            packet.extend_from_slice(segment);
            body = after;
            // RFC 3533 section 5: "A lacing value of less than 255 implies that a packet ends".
            if *length < 255 {
                packets.push(Bytes::from(std::mem::take(&mut packet)));
            }
        }
        rest = body;
    }
    assert!(rest.is_empty() && packet.is_empty());
    packets.split_off(2)
}

/// RFC 3533 section 6.
fn page(out: &mut Vec<u8>, flags: u8, granule: u64, sequence: u32, packet: &[u8]) {
    let start = out.len();
    out.extend(b"OggS\0");
    out.push(flags);
    out.extend(granule.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    out.extend(sequence.to_le_bytes());
    out.extend([0; 4]);
    let full = packet.len() / 255;
    out.push(u8::try_from(full + 1).unwrap());
    out.extend(std::iter::repeat_n(255, full));
    out.push(u8::try_from(packet.len() % 255).unwrap());
    out.extend(packet);
    let checksum = checksum(&out[start..]);
    out[start + 22..start + 26].copy_from_slice(&checksum.to_le_bytes());
}

/// "The generator polynomial is 0x04c11db7", the initial value and the final XOR are 0.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            if sum & 0x8000_0000 == 0 {
                sum << 1
            } else {
                sum << 1 ^ 0x04c1_1db7
            }
        })
    })
}

const FIRST: u8 = 2;
/// With the number of lengths, which is its last byte.
const PAGE_HEADER_BYTES: usize = 27;
