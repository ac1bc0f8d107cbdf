//! H.264 access units into RTP payloads: RFC 6184, packetization-mode 1 (non-interleaved).

use std::sync::Arc;

use bytes::Bytes;
use media::{H264Config, h264};

use crate::Error;

/// Bytes of one RTP payload at most. IPv6's smallest MTU of 1280 less IPv6 40, UDP 8, RTP 12, `mid`
/// extension 8, RTX's sequence number 2 and an AEAD tag 16 leaves 1194; round, so that a burst's
/// packets are of one size for GSO.
pub(crate) const PAYLOAD_MAX: usize = 1_180;

/// Splits access units; keeps the parameter sets that go before every IDR.
#[derive(Debug, Default)]
pub(crate) struct Packetiser {
    /// The sets as payloads: one STAP-A, or single NAL units when they do not fit into one.
    parameter_sets: Vec<Arc<[u8]>>,
    /// The sets themselves, so that in-band copies can be left out.
    known: Vec<Bytes>,
    scratch: Vec<u8>,
}

/// What an access unit became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packetised {
    /// It holds an IDR picture, and the parameter sets went before it.
    pub(crate) idr: bool,
}

impl Packetiser {
    pub(crate) fn set_config(&mut self, config: &H264Config) {
        self.known = config.sps.iter().chain(&config.pps).cloned().collect();
        self.parameter_sets.clear();
        if aggregate(&self.known, &mut self.scratch) {
            self.parameter_sets.push(Arc::from(self.scratch.as_slice()));
            return;
        }
        let mut payloads = Vec::new();
        for set in &self.known {
            write_nal(set, &mut payloads, &mut self.scratch);
        }
        self.parameter_sets = payloads;
    }

    /// What goes before an IDR picture.
    pub(crate) fn parameter_sets(&self) -> &[Arc<[u8]>] {
        &self.parameter_sets
    }

    /// Appends the payloads of one access unit (4-byte NAL lengths) to `payloads`; nothing when it
    /// fails.
    pub(crate) fn packetise(
        &mut self,
        access_unit: &Bytes,
        payloads: &mut Vec<Arc<[u8]>>,
    ) -> Result<Packetised, Error> {
        let found = inspect(access_unit)?;
        if found.idr {
            // A decoder that starts here has no others; one that has them loses nothing.
            payloads.extend(self.parameter_sets.iter().cloned());
        }
        for nal in h264::nals(access_unit) {
            if is_carried(&nal) && !self.known.contains(&nal) {
                write_nal(&nal, payloads, &mut self.scratch);
            }
        }
        Ok(Packetised { idr: found.idr })
    }
}

/// Checks an access unit against the limits before anything is written.
fn inspect(access_unit: &Bytes) -> Result<Packetised, Error> {
    if access_unit.len() > ACCESS_UNIT_MAX {
        let (got, limit) = (access_unit.len(), ACCESS_UNIT_MAX);
        return Err(Error::AccessUnit {
            what: "bytes",
            got,
            limit,
        });
    }
    let (mut nals, mut slices, mut idr) = (0, false, false);
    for nal in h264::nals(access_unit) {
        nals += 1;
        // Table 7-1: 1 to 5 are coded slices.
        slices |= matches!(h264::nal_type(&nal), h264::NAL_SLICE..=h264::NAL_IDR) && nal.len() > 1;
        idr |= h264::nal_type(&nal) == h264::NAL_IDR;
    }
    if nals > NALS_MAX {
        return Err(Error::AccessUnit {
            what: "NAL units",
            got: nals,
            limit: NALS_MAX,
        });
    }
    if !slices {
        return Err(Error::EmptyAccessUnit);
    }
    Ok(Packetised { idr })
}

/// RFC 6184 section 5.2: types 24 to 29 are RTP's own, 0, 30 and 31 reserved. The marker bit says
/// what a delimiter says, and filler only fills.
fn is_carried(nal: &[u8]) -> bool {
    let kind = h264::nal_type(nal);
    !nal.is_empty() && (1..=23).contains(&kind) && kind != h264::NAL_AUD && kind != h264::NAL_FILLER
}

/// A single NAL unit packet (RFC 6184 section 5.6), or fragments when it does not fit.
fn write_nal(nal: &[u8], payloads: &mut Vec<Arc<[u8]>>, scratch: &mut Vec<u8>) {
    if nal.len() <= PAYLOAD_MAX {
        payloads.push(Arc::from(nal));
        return;
    }
    // RFC 6184 section 5.8, FU-A:
    //
    //    0                   1
    //    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
    //   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    //   |F|NRI|  28     |S|E|R|  type   |
    //   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    let (header, body) = nal
        .split_first()
        .expect("longer than a payload, so not empty");
    let pieces = body.len().div_ceil(PAYLOAD_MAX - 2);
    // Of equal size, the last one shorter by less than the number of pieces: GSO wants equal sizes,
    // and no receiver is helped by a last packet of three bytes.
    let size = body.len().div_ceil(pieces);
    let last = body.len().div_ceil(size) - 1;
    for (n, piece) in body.chunks(size).enumerate() {
        let start = if n == 0 { 0x80 } else { 0 };
        let end = if n == last { 0x40 } else { 0 };
        scratch.clear();
        scratch.extend_from_slice(&[(header & 0xe0) | FU_A, start | end | (header & 0x1f)]);
        scratch.extend_from_slice(piece);
        payloads.push(Arc::from(scratch.as_slice()));
    }
}

/// One STAP-A of all `nals` (RFC 6184 section 5.7.1) into `scratch`; false when it does not fit a
/// payload.
fn aggregate(nals: &[Bytes], scratch: &mut Vec<u8>) -> bool {
    scratch.clear();
    // "The value of NRI MUST be the maximum of all the NAL units carried in the aggregation
    // packet."
    let importance = nals
        .iter()
        .filter_map(|nal| nal.first())
        .map(|header| header & 0x60)
        .max();
    scratch.push(importance.unwrap_or(0) | STAP_A);
    for nal in nals {
        let Ok(length) = u16::try_from(nal.len()) else {
            return false;
        };
        scratch.extend_from_slice(&length.to_be_bytes());
        scratch.extend_from_slice(nal);
    }
    !nals.is_empty() && scratch.len() <= PAYLOAD_MAX
}

/// RFC 6184 section 5.7.1.
pub(crate) const STAP_A: u8 = 24;
/// RFC 6184 section 5.8.
pub(crate) const FU_A: u8 = 28;
/// The largest message RTMP ingest takes.
pub(crate) const ACCESS_UNIT_MAX: usize = 8 * 1024 * 1024;
/// A 1080p picture has 68 macroblock rows; encoders make at most a slice a row.
pub(crate) const NALS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(nals: &[&[u8]]) -> Bytes {
        let mut unit = Vec::new();
        for nal in nals {
            unit.extend_from_slice(&u32::try_from(nal.len()).unwrap().to_be_bytes());
            unit.extend_from_slice(nal);
        }
        Bytes::from(unit)
    }

    fn config(sps: &[u8], pps: &[&[u8]]) -> H264Config {
        H264Config {
            avcc: Bytes::new(),
            sps: vec![Bytes::copy_from_slice(sps)],
            pps: pps.iter().map(|pps| Bytes::copy_from_slice(pps)).collect(),
            profile_level: [0x42, 0xe0, 0x1f],
            width: 16,
            height: 16,
            frame_rate: None,
            reorder_frames: None,
        }
    }

    fn packetise(packetiser: &mut Packetiser, nals: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        packetiser.packetise(&unit(nals), &mut payloads).unwrap();
        payloads.iter().map(|payload| payload.to_vec()).collect()
    }

    #[test]
    fn an_idr_is_led_by_a_stap_a_of_the_parameter_sets() {
        let mut packetiser = Packetiser::default();
        packetiser.set_config(&config(&[0x67, 1, 2], &[&[0x28, 3], &[0x68, 4]]));
        let payloads = packetise(&mut packetiser, &[&[0x06, 5, 6], &[0x65, 7]]);
        // The importance (NRI) of the aggregate is the largest inside.
        let stap: &[u8] = &[0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x28, 3, 0, 2, 0x68, 4];
        assert_eq!(payloads, [stap, &[0x06, 5, 6], &[0x65, 7]]);
        assert_eq!(
            packetise(&mut packetiser, &[&[0x41, 7]]),
            [[0x41, 7]],
            "and only an IDR"
        );
    }

    #[test]
    fn delimiters_filler_known_sets_and_reserved_types_are_left_out() {
        let mut packetiser = Packetiser::default();
        packetiser.set_config(&config(&[0x67, 1], &[&[0x68, 4]]));
        let other_sets: &[u8] = &[0x68, 9];
        let payloads = packetise(
            &mut packetiser,
            &[
                &[0x09, 0xf0],
                &[0x67, 1],
                other_sets,
                &[0x18, 1],
                &[0x1c, 1],
                &[0x00, 1],
                &[0x41, 2],
                &[0x0c, 255],
            ],
        );
        assert_eq!(payloads, [other_sets, &[0x41, 2]]);
    }

    #[test]
    fn a_large_nal_becomes_fragments_of_one_size_that_join_to_the_nal() {
        let mut packetiser = Packetiser::default();
        for length in [1_181, 1_182, 2_357, 2_358, 5_000, 100_000] {
            let mut nal: Vec<u8> = (0..length).map(|n: usize| n.to_le_bytes()[0]).collect();
            nal[0] = 0x61;
            let payloads = packetise(&mut packetiser, &[&nal]);
            let sizes: Vec<usize> = payloads.iter().map(Vec::len).collect();
            let (last, others) = sizes.split_last().unwrap();
            assert!(
                others
                    .iter()
                    .all(|size| *size == sizes[0] && *size <= PAYLOAD_MAX)
            );
            assert!(*last <= sizes[0] && sizes[0] - last < sizes.len() && sizes.len() > 1);
            let mut joined = vec![0x61];
            for (n, payload) in payloads.iter().enumerate() {
                assert_eq!(payload[0], 0x7c, "FU-A, with the NAL's F and NRI");
                let start = if n == 0 { 0x80 } else { 0 };
                let end = if n + 1 == payloads.len() { 0x40 } else { 0 };
                assert_eq!(payload[1], start | end | 1);
                joined.extend_from_slice(&payload[2..]);
            }
            assert!(joined == nal, "{length}");
        }
        let exact = vec![0x41; PAYLOAD_MAX];
        assert_eq!(
            packetise(&mut packetiser, &[&exact]),
            [exact],
            "what fits is not fragmented"
        );
    }

    #[test]
    fn parameter_sets_too_large_for_an_aggregate_go_alone() {
        let mut packetiser = Packetiser::default();
        let large = vec![0x68; 1_170];
        packetiser.set_config(&config(&[0x67; 20], &[&large]));
        let payloads = packetise(&mut packetiser, &[&[0x65, 1]]);
        assert_eq!(payloads, [vec![0x67; 20], large, vec![0x65, 1]]);
    }

    #[test]
    fn units_without_a_slice_or_beyond_a_limit_give_nothing() {
        let mut packetiser = Packetiser::default();
        let mut payloads = Vec::new();
        for unit in [
            Bytes::new(),
            unit(&[&[0x09, 1]]),
            unit(&[&[0x41]]),
            Bytes::from_static(&[0, 0, 0, 9, 0x41]),
        ] {
            let error = packetiser.packetise(&unit, &mut payloads).unwrap_err();
            assert_eq!(error, Error::EmptyAccessUnit);
        }
        let many = unit(&vec![[0x41u8, 1].as_slice(); 513]);
        let error = packetiser.packetise(&many, &mut payloads).unwrap_err();
        assert_eq!(
            error,
            Error::AccessUnit {
                what: "NAL units",
                got: 513,
                limit: 512
            }
        );
        let large = Bytes::from(vec![0; ACCESS_UNIT_MAX + 1]);
        assert!(packetiser.packetise(&large, &mut payloads).is_err());
        assert!(payloads.is_empty());
    }
}
