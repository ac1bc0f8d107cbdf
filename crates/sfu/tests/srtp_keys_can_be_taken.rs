//! The spike of docs/adr/0002: SRTP keys can be taken out of str0m's DTLS, and packets sealed
//! beside str0m.
//!
//! A DTLS provider is wrapped around str0m's own. It hands everything on and keeps a copy of the
//! keying material it sees pass. From that the session keys are derived here (RFC 3711 section 4.3,
//! RFC 7714 section 11), and a packet sealed with them is, octet for octet, what str0m seals; and
//! the peer's str0m opens one str0m never sealed.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

#[path = "support/listener.rs"]
mod listener;
#[path = "support/own_srtp.rs"]
mod own_srtp;
#[path = "support/pair.rs"]
mod pair;

use std::sync::Arc;

use own_srtp::{RtpPacket, SrtpSender};
use pair::Pair;
use str0m::rtp::RtpWrite;

const PAYLOAD: &[u8] = &[0x5a; 1_180];

#[test]
fn a_packet_sealed_with_the_taken_keys_is_what_str0m_seals() {
    let mut pair = Pair::connected();
    let mut own = SrtpSender::new(&pair.taken(), pair.server_is_dtls_client());
    for number in [7u64, 8, 65_535, 65_536, 70_000] {
        let write = RtpWrite::new(
            pair.payload_type.into(),
            number.into(),
            1_000,
            pair.now,
            Arc::<[u8]>::from(PAYLOAD),
        );
        let sealed = pair.server_writes(write.marker(true));
        let header = header_of(&sealed);
        let packet = RtpPacket {
            header: &sealed[..header],
            payload: PAYLOAD,
            index: number,
        };
        let mut mine = Vec::new();
        own.seal(&packet, &mut mine).unwrap();
        assert_eq!(mine, sealed, "sequence number {number}");
    }
}

#[test]
fn the_peer_opens_a_packet_that_str0m_never_sealed() {
    let mut pair = Pair::connected();
    let mut own = SrtpSender::new(&pair.taken(), pair.server_is_dtls_client());
    let ssrc = pair.ssrc;
    for number in 100u16..110 {
        let mut header = vec![0x80, 0x80 | pair.payload_type];
        header.extend_from_slice(&number.to_be_bytes());
        header.extend_from_slice(&90_000u32.to_be_bytes());
        header.extend_from_slice(&ssrc.to_be_bytes());
        let packet = RtpPacket {
            header: &header,
            payload: PAYLOAD,
            index: number.into(),
        };
        let mut datagram = Vec::new();
        own.seal(&packet, &mut datagram).unwrap();
        pair.client_receives(&datagram);
        let received = pair.received.last().expect("the client's str0m opened it");
        assert_eq!(
            (received.header.sequence_number, &*received.payload),
            (number, PAYLOAD)
        );
    }
    assert_eq!(pair.received.len(), 10);
}

#[test]
fn an_index_is_never_sealed_twice() {
    let pair = Pair::connected();
    let mut own = SrtpSender::new(&pair.taken(), pair.server_is_dtls_client());
    let header = [0x80, 0x80 | pair.payload_type, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4];
    let packet = RtpPacket {
        header: &header,
        payload: PAYLOAD,
        index: 9,
    };
    assert!(own.seal(&packet, &mut Vec::new()).is_ok());
    assert!(own.seal(&packet, &mut Vec::new()).is_err());
    assert!(
        own.seal(&RtpPacket { index: 8, ..packet }, &mut Vec::new())
            .is_err()
    );
}

/// The length of an RTP header with its extension (RFC 3550 section 5.1), which stays in the clear.
fn header_of(datagram: &[u8]) -> usize {
    let fixed = 12 + 4 * usize::from(datagram[0] & 0x0f);
    if datagram[0] & 0x10 == 0 {
        return fixed;
    }
    fixed
        + 4
        + 4 * usize::from(u16::from_be_bytes([
            datagram[fixed + 2],
            datagram[fixed + 3],
        ]))
}
