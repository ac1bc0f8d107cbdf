//! What a datagram is, by its first octets (RFC 7983 section 7, RFC 5761 section 4).

/// STUN: a connectivity check, or the answer to one.
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_none_or(|first| *first <= 3)
}

/// DTLS: a flight of the handshake, or data.
pub(crate) fn is_dtls(datagram: &[u8]) -> bool {
    datagram
        .first()
        .is_some_and(|first| (20..64).contains(first))
}

/// RTCP: reports and requests.
pub(crate) fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, kind, ..] if first >> 6 == 2 && (192..=223).contains(kind))
}

/// The SSRC of an RTP packet, octets 8 to 11 (RFC 3550 section 5.1), which SRTP leaves in the clear.
pub(crate) fn rtp_ssrc(datagram: &[u8]) -> Option<u32> {
    let is_rtp = datagram.first().is_some_and(|first| first >> 6 == 2) && !is_rtcp(datagram);
    let ssrc = datagram.get(8..12).filter(|_| is_rtp)?;
    ssrc.try_into().ok().map(u32::from_be_bytes)
}

/// The payload type and the SSRC of an RTP packet.
pub(crate) fn rtp_head(datagram: &[u8]) -> Option<(u8, u32)> {
    Some((datagram.get(1)? & 0x7f, rtp_ssrc(datagram)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_octet_is_one_kind_or_none() {
        for first in 0..=255u8 {
            let rtp = [first, 108, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
            let rtcp = [first, 200, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
            let media = (128..192).contains(&first);
            assert_eq!(is_stun(&rtp), first < 4);
            assert_eq!(is_dtls(&rtp), (20..64).contains(&first));
            assert_eq!((is_rtcp(&rtp), is_rtcp(&rtcp)), (false, media));
            assert_eq!(rtp_ssrc(&rtp), media.then_some(0x0102_0304));
            assert_eq!(rtp_ssrc(&rtcp), None);
        }
        assert!(
            is_stun(&[]) && !is_dtls(&[]) && !is_rtcp(&[128]) && rtp_ssrc(&[128; 11]).is_none()
        );
    }
}
