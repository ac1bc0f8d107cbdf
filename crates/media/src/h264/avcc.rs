//! AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1).

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    nal::{NAL_PPS, NAL_SPS, nal_type},
    sps::{Sps, parse_sps},
};
use crate::{Error, H264Config};

/// A configuration record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avcc {
    /// What it says; [`H264Config::avcc`] is the record written anew for 4-byte lengths, so that
    /// two records which mean the same are equal.
    pub config: H264Config,
    /// Bytes of the length before each NAL unit of this sender: 1, 2 or 4.
    pub length_size: u8,
}

/// Reads a configuration record and every sequence parameter set in it.
///
/// # Errors
/// A record that is cut off, longer than 64 KiB or of another version, without parameter sets, or
/// with one [`parse_sps`] refuses.
pub fn parse_avcc(bytes: &[u8]) -> Result<Avcc, Error> {
    if bytes.len() > RECORD_MAX {
        return Err(Error::OutOfRange {
            element: "AVCDecoderConfigurationRecord in bytes",
            value: bytes.len() as u64,
            allowed: "at most 65536",
        });
    }
    let mut reader = Reader { rest: bytes };
    let version = reader.u8("configurationVersion")?;
    if version != 1 {
        return Err(Error::OutOfRange {
            element: "configurationVersion",
            value: u64::from(version),
            allowed: "1",
        });
    }
    // Profile, compatibility and level are repeated in the sequence parameter set, which is what
    // decoders read.
    reader.take(3, "AVCProfileIndication")?;
    let length_size = 1 + (reader.u8("lengthSizeMinusOne")? & 3);
    if length_size == 3 {
        return Err(Error::OutOfRange {
            element: "lengthSizeMinusOne",
            value: 2,
            allowed: "0, 1 or 3",
        });
    }
    let sps_count = reader.u8("numOfSequenceParameterSets")? & 0x1f;
    let sps = reader.units(sps_count, NAL_SPS, "sequence parameter set")?;
    let pps_count = reader.u8("numOfPictureParameterSets")?;
    let pps = reader.units(pps_count, NAL_PPS, "picture parameter set")?;
    let config = configure(sps, pps)?;
    Ok(Avcc {
        config,
        length_size,
    })
}

fn configure(sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<H264Config, Error> {
    // All are read, because any of them may be activated; the first describes the track.
    let mut first: Option<Sps> = None;
    for unit in &sps {
        let parsed = parse_sps(unit)?;
        first.get_or_insert(parsed);
    }
    let first = first.ok_or(Error::Truncated {
        element: "sequence parameter set",
    })?;
    Ok(H264Config {
        avcc: write(&first, &sps, &pps),
        sps,
        pps,
        profile_level: first.profile_level,
        width: first.width,
        height: first.height,
        frame_rate: first.frame_rate,
        reorder_frames: first.reorder_frames,
    })
}

fn write(first: &Sps, sps: &[Bytes], pps: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(64);
    out.put_u8(1);
    out.put_slice(&first.profile_level);
    out.put_u8(0xfc | 3);
    out.put_u8(0xe0 | u8::try_from(sps.len()).unwrap_or(31));
    put_units(&mut out, sps);
    out.put_u8(u8::try_from(pps.len()).unwrap_or(u8::MAX));
    put_units(&mut out, pps);
    // The standard asks for these fields in the profiles above Extended; FFmpeg writes them by the
    // same rule.
    if !matches!(first.profile_level[0], 66 | 77 | 88) {
        out.put_u8(0xfc | first.chroma_format_idc);
        out.put_u8(0xf8 | (first.bit_depth_luma - 8));
        out.put_u8(0xf8 | (first.bit_depth_chroma - 8));
        out.put_u8(0);
    }
    out.freeze()
}

fn put_units(out: &mut BytesMut, units: &[Bytes]) {
    for unit in units {
        out.put_u16(u16::try_from(unit.len()).expect("units() read the length from 16 bits"));
        out.put_slice(unit);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, element: &'static str) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Error::Truncated { element })?;
        self.rest = rest;
        Ok(taken)
    }

    fn u8(&mut self, element: &'static str) -> Result<u8, Error> {
        self.take(1, element).map(|taken| taken[0])
    }

    /// A list of NAL units of one type; not empty.
    fn units(
        &mut self,
        count: u8,
        unit_type: u8,
        element: &'static str,
    ) -> Result<Vec<Bytes>, Error> {
        if count == 0 {
            return Err(Error::Truncated { element });
        }
        let mut units = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let length = self.take(2, element)?;
            let unit = self.take(
                usize::from(length[0]) << 8 | usize::from(length[1]),
                element,
            )?;
            if nal_type(unit) != unit_type {
                return Err(Error::OutOfRange {
                    element,
                    value: u64::from(nal_type(unit)),
                    allowed: "a NAL unit of its own type",
                });
            }
            units.push(Bytes::copy_from_slice(unit));
        }
        Ok(units)
    }
}

/// 31 + 255 parameter sets of 100 to 200 bytes would be rare and still fit.
const RECORD_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FrameRate, h264::codecs};

    /// x264, high, 320x180.
    const SPS: &[u8] = &[
        0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03,
        0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x60,
    ];
    const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
    /// x264, baseline, 854x480, 25 frames/s, fixed.
    const BASELINE: &[u8] = &[
        0x67, 0x42, 0xc0, 0x1e, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
        0x04, 0x00, 0x00, 0x03, 0x00, 0xca, 0x3c, 0x58, 0xba, 0x80,
    ];

    fn record(length_size: u8, sps: &[&[u8]], pps: &[&[u8]]) -> Vec<u8> {
        let mut out = vec![1, 0x64, 0, 0x0d, 0xfc | (length_size - 1)];
        out.push(0xe0 | u8::try_from(sps.len()).unwrap());
        for (count, units) in [(None, sps), (Some(pps.len()), pps)] {
            out.extend(count.map(|count| u8::try_from(count).unwrap()));
            for unit in units {
                out.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
                out.extend(*unit);
            }
        }
        out
    }

    #[test]
    fn records_that_mean_the_same_become_equal() {
        let four = parse_avcc(&record(4, &[SPS], &[PPS])).unwrap();
        let two = parse_avcc(&record(2, &[SPS], &[PPS])).unwrap();
        assert_eq!((four.length_size, two.length_size), (4, 2));
        assert_eq!(four.config, two.config);
        let mut with_extension = record(4, &[SPS], &[PPS]);
        with_extension.extend([0xfd, 0xf8, 0xf8, 0]);
        assert_eq!(four.config.avcc, with_extension);
        assert_eq!(parse_avcc(&with_extension).unwrap(), four);
        assert_eq!(parse_avcc(&four.config.avcc).unwrap(), four);
    }

    #[test]
    fn the_track_is_described() {
        let config = parse_avcc(&record(4, &[SPS, SPS], &[PPS, PPS]))
            .unwrap()
            .config;
        assert_eq!(codecs(&config), "avc1.64000d");
        assert_eq!((config.sps.len(), config.pps.len()), (2, 2));
        assert_eq!((config.width, config.height), (320, 180));
        assert_eq!((config.frame_rate, config.reorder_frames), (None, Some(2)));
    }

    #[test]
    fn the_first_sequence_parameter_set_describes_it() {
        let config = parse_avcc(&record(4, &[BASELINE, SPS], &[PPS]))
            .unwrap()
            .config;
        assert_eq!(codecs(&config), "avc1.42c01e");
        assert_eq!(config.frame_rate, Some(FrameRate { num: 25, den: 1 }));
        // No chroma and bit depth fields behind a Baseline record.
        assert!(config.avcc.ends_with(PPS));
    }

    #[test]
    fn incomplete_and_odd_records_are_refused() {
        let whole = record(4, &[SPS], &[PPS]);
        for cut in 0..whole.len() {
            assert!(parse_avcc(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(parse_avcc(&record(3, &[SPS], &[PPS])).is_err());
        assert!(parse_avcc(&record(4, &[], &[PPS])).is_err());
        assert!(parse_avcc(&record(4, &[SPS], &[])).is_err());
        assert!(parse_avcc(&record(4, &[PPS], &[PPS])).is_err());
        assert!(parse_avcc(&record(4, &[SPS], &[&[]])).is_err());
        assert!(parse_avcc(&vec![1; RECORD_MAX + 1]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_record_or_an_error(mut bytes: Vec<u8>, at in 0_usize..60, to: u8) {
            let _ = parse_avcc(&bytes);
            bytes = record(4, &[SPS], &[PPS]);
            let at = at % bytes.len();
            bytes[at] = to;
            if let Ok(avcc) = parse_avcc(&bytes) {
                prop_assert_eq!(parse_avcc(&avcc.config.avcc).unwrap().config, avcc.config);
            }
        }
    }
}
