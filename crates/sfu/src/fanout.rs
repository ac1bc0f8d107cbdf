//! The seam between what is shared by all viewers and what is each viewer's own.
//!
//! "Send these packets of the rendition to this viewer" is said with the shared payloads and a
//! small header template. Who seals behind it can change (docs/adr/0002); nobody else writes RTP.

use str0m::{
    media::Pt,
    rtp::{RtpWrite, SeqNo, Ssrc, StreamTx},
};

use crate::{RenditionPacket, capture::CaptureClock};

/// What one viewer's packets of one rendition have of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderTemplate {
    payload_type: Pt,
    ssrc: Ssrc,
    /// Sequence number = rendition index + offset, in 64 bits; the header carries the low 16.
    offset: u64,
    /// The next sequence number to use; never goes back.
    next: u64,
    /// Packets may be asked for again.
    repairable: bool,
}

impl HeaderTemplate {
    /// A template whose first packet gets the sequence number `first`.
    ///
    /// RFC 3711 section 3.3.1: a receiver starts with rollover counter 0, and guesses it from the
    /// first sequence number it sees; below 2^15 a loss at the start cannot make it guess wrong.
    pub(crate) fn new(payload_type: u8, ssrc: Ssrc, first: u16, repairable: bool) -> Self {
        let next = u64::from(first & 0x7fff);
        Self {
            payload_type: payload_type.into(),
            ssrc,
            offset: next,
            next,
            repairable,
        }
    }

    /// The stream it heads.
    pub(crate) fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Whether the viewer may ask for its packets again.
    pub(crate) fn is_repairable(&self) -> bool {
        self.repairable
    }

    /// From here on `index` follows what was last sent: after a gap, or when old packets are sent
    /// anew.
    pub(crate) fn continue_at(&mut self, index: u64) {
        self.offset = self.next.wrapping_sub(index);
    }

    fn number(&mut self, index: u64) -> SeqNo {
        let number = index.wrapping_add(self.offset);
        self.next = self.next.max(number.wrapping_add(1));
        number.into()
    }
}

/// Seals a burst for one viewer: the packets, in the order given, each once, behind its own
/// headers.
pub(crate) fn seal_burst<'a>(
    stream: &mut StreamTx,
    header: &mut HeaderTemplate,
    clock: &CaptureClock,
    packets: impl Iterator<Item = &'a RenditionPacket>,
) {
    for packet in packets {
        let capture = clock.capture(packet.pts);
        // The clone is of the Arc: str0m copies the bytes only where it encrypts them.
        let payload = packet.payload.clone();
        let number = header.number(packet.index);
        let write = RtpWrite::new(
            header.payload_type,
            number,
            packet.rtp_time,
            capture,
            payload,
        )
        .marker(packet.marker)
        .nackable(header.repairable);
        stream.write_rtp(write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_low_and_never_come_again_whatever_is_sent_anew() {
        for first in [0, 0x7fff, 0x8000, u16::MAX] {
            let mut header = HeaderTemplate::new(96, 1.into(), first, true);
            header.continue_at(1_000_000_000_000);
            assert!(header.next < 1 << 15);
            let mut last = None;
            for group in 0..5u64 {
                header.continue_at(1_000 - group);
                for index in 0..40_000 {
                    let number = *header.number(1_000 - group + index);
                    assert!(last.is_none_or(|last| last + 1 == number));
                    last = Some(number);
                }
            }
        }
    }
}
