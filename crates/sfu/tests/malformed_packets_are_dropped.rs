//! What a publisher seals rightly and makes wrongly costs that packet at most: it is dropped, and pictures go on.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

#[path = "support/listener.rs"]
mod listener;
#[path = "support/own_srtp.rs"]
mod own_srtp;
#[path = "support/pictures.rs"]
mod pictures;
#[path = "support/seller.rs"]
mod seller;

use std::time::Duration;

use listener::Listener;
use own_srtp::{RtpPacket, SrtpSender, Taken};
use pictures::number;
use seller::World;
use sfu::Ingest;

/// A publisher whose keys are known.
struct Forger {
    world: World,
    taken: Taken,
    is_dtls_client: bool,
}

impl Forger {
    fn connected() -> Self {
        let (provider, listener) = Listener::provider();
        let world = World::with_crypto(provider);
        let taken = listener.taken();
        let is_dtls_client = world.answer.contains("a=setup:passive");
        Self {
            world,
            taken,
            is_dtls_client,
        }
    }

    /// Sends a packet as the publisher would have sealed it, whatever is in it.
    fn send(&mut self, header: &[u8], payload: &[u8], index: u64) {
        let mut sealed = Vec::new();
        let packet = RtpPacket {
            header,
            payload,
            index,
        };
        // Each has a sender of its own: what is forged keeps no order.
        SrtpSender::new(&self.taken, self.is_dtls_client)
            .seal(&packet, &mut sealed)
            .unwrap();
        self.world.forge(self.world.address, &sealed);
    }

    fn numbers(&self) -> Vec<u32> {
        let units = self.world.units();
        units.iter().map(|unit| number(unit)).collect()
    }
}

/// The first twelve octets of a packet (RFC 3550 section 5.1).
fn header(first: u8, payload_type: u8, sequence: u64, ssrc: u32) -> Vec<u8> {
    let mut header = vec![first, payload_type];
    header.extend(u16::try_from(sequence & 0xffff).unwrap().to_be_bytes());
    header.extend(0xffff_0000_u32.to_be_bytes());
    header.extend(ssrc.to_be_bytes());
    header
}

#[test]
fn a_packet_the_test_seals_is_opened() {
    // Or the tests below would show nothing: a slice of a picture of its own.
    let mut forger = Forger::connected();
    forger.world.publish(0..30, 30);
    let (ssrc, payload_type, sequence) = forger.world.video_stream();
    let before = forger.world.packets().len();
    forger.send(
        &header(0x80, 0x80 | payload_type, sequence + 1, ssrc),
        &[0x41, 0x9a, 0x00, 0x5a],
        sequence + 1,
    );
    assert_eq!(forger.world.packets().len(), before + 1);
}

#[test]
fn what_is_no_packet_of_the_source_costs_no_picture() {
    let mut forger = Forger::connected();
    forger.world.publish(0..30, 30);
    let (ssrc, payload_type, sequence) = forger.world.video_stream();
    // A payload type that was not negotiated, under the video's source and under its number that is to come.
    forger.send(
        &header(0x80, 126, sequence + 1, ssrc),
        &[1, 2, 3],
        sequence + 1,
    );
    // Numbers that have been: sealed anew, they are replays (RFC 3711 section 3.3.2).
    for back in [0, 1, 50] {
        let index = sequence - back;
        forger.send(
            &header(0x80, payload_type, index, ssrc),
            &[0x65, 0x88],
            index,
        );
    }
    // A thousand sources nobody spoke of, with payload types that were.
    for other in 1..=1_000 {
        forger.send(
            &header(0x80, payload_type, 1, ssrc ^ other),
            &[0x65, 0x88],
            1,
        );
    }
    // An extension longer than the packet.
    let mut extended = header(0x90, payload_type, sequence + 1, ssrc);
    extended.extend([0xbe, 0xde, 0xff, 0xff]);
    forger.send(&extended, &[0; 8], sequence + 1);
    forger.world.publish(30..60, 30);
    forger.world.run(Duration::from_secs(1));
    assert_eq!(forger.world.closed, None);
    assert_eq!(forger.numbers(), (0..60).collect::<Vec<_>>());
}

#[test]
fn padding_that_is_none_costs_that_packet() {
    // RFC 3550 section 5.1: the last octet counts the padding, itself included, so it is neither 0 nor more than the
    // payload has.
    for payload in [&[0x65, 0x88, 0xff][..], &[0x65, 0x88, 0], &[0xff], &[1]] {
        let mut forger = Forger::connected();
        forger.world.publish(0..30, 30);
        let (ssrc, payload_type, sequence) = forger.world.video_stream();
        forger.send(
            &header(0xa0, payload_type, sequence + 1, ssrc),
            payload,
            sequence + 1,
        );
        forger.world.jump(1);
        forger.world.publish(30..90, 30);
        forger.world.run(Duration::from_secs(1));
        assert_eq!(forger.world.closed, None, "{payload:?}");
        let numbers = forger.numbers();
        // The number it took is missing for good: at worst the pictures up to the next key frame go with it.
        assert!(numbers.starts_with(&(0..30).collect::<Vec<_>>()));
        assert!(
            numbers.ends_with(&(60..90).collect::<Vec<_>>()),
            "{payload:?}: {numbers:?}"
        );
    }
}

#[test]
fn a_source_that_takes_the_other_ones_payload_type_costs_that_packet() {
    let mut forger = Forger::connected();
    forger.world.publish(0..30, 30);
    let (ssrc, _, sequence) = forger.world.video_stream();
    let payload_type = forger.world.audio_payload_type();
    forger.send(
        &header(0x80, payload_type, sequence + 1, ssrc),
        &[0xfc, 9, 9],
        sequence + 1,
    );
    forger.world.jump(1);
    forger.world.publish(30..90, 30);
    forger.world.run(Duration::from_secs(1));
    assert_eq!(forger.world.closed, None);
    assert!(forger.numbers().ends_with(&(60..90).collect::<Vec<_>>()));
    let sounds = forger.world.ingest.iter();
    let sounds: Vec<&[u8]> = sounds
        .filter_map(|ingest| match ingest {
            Ingest::Audio { payload, .. } => Some(&**payload),
            Ingest::VideoUnit(_)
            | Ingest::VideoPacket(_)
            | Ingest::VideoDamaged
            | Ingest::Forged { .. }
            | Ingest::Together { .. } => None,
        })
        .collect();
    assert_eq!(sounds, vec![&[0xfc, 1, 2][..]; 90], "and it is not heard");
}
