//! AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1).

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    nal::{NAL_PPS, NAL_SPS, nal_type},
    pps::parse_pps,
    sps::{Sps, parse_sps},
};
use crate::{
    Error, H264Config,
    record::{Kind, Reader, check_length, check_units, put_units},
};

/// A configuration record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avcc {
    /// What it says; [`H264Config::avcc`] is the record written anew for 4-byte lengths, so that
    /// two records which mean the same are equal.
    pub config: H264Config,
    /// Bytes of the length before each NAL unit of this sender: 1, 2 or 4.
    pub length_size: u8,
}

/// Reads a configuration record and every parameter set in it.
///
/// # Errors
/// A record that is cut off, longer than 64 KiB or of another version, or with parameter sets that
/// [`configure`] refuses.
pub fn parse_avcc(bytes: &[u8]) -> Result<Avcc, Error> {
    check_length(bytes.len())?;
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
    let length_size = reader.length_size()?;
    let sps_count = reader.u8("numOfSequenceParameterSets")? & 0x1f;
    let sps = reader.units(sps_count.into(), SPS_NAME)?;
    let pps_count = reader.u8("numOfPictureParameterSets")?;
    let pps = reader.units(pps_count.into(), PPS_NAME)?;
    let config = configure(sps, pps)?;
    Ok(Avcc {
        config,
        length_size,
    })
}

/// The configuration that parameter sets make, whichever way they came: NAL units, header included.
/// The first sequence parameter set describes the track.
///
/// # Errors
/// No parameter set of a kind, more than a record can count (31 and 255) or hold (64 KiB in all),
/// one of another type or with a forged message ([`crate::sei`]) in it, or one that [`parse_sps`] or [`parse_pps`] refuses.
pub fn configure(sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<H264Config, Error> {
    let kind = |unit_type, max, element| Kind {
        type_of: nal_type,
        unit_type,
        max,
        element,
    };
    check_units(&sps, kind(NAL_SPS, SPS_MAX, SPS_NAME))?;
    check_units(&pps, kind(NAL_PPS, PPS_MAX, PPS_NAME))?;
    // All are read, because any of them may be activated.
    let mut first: Option<Sps> = None;
    for unit in &sps {
        let parsed = parse_sps(unit)?;
        first.get_or_insert(parsed);
    }
    for unit in &pps {
        parse_pps(unit)?;
    }
    let first = first.ok_or(Error::Truncated { element: SPS_NAME })?;
    let avcc = write(&first, &sps, &pps);
    check_length(avcc.len())?;
    Ok(H264Config {
        avcc,
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
    out.put_u8(0xe0 | u8::try_from(sps.len()).expect("check_units() counted at most 31"));
    put_units(&mut out, sps);
    out.put_u8(u8::try_from(pps.len()).expect("check_units() counted at most 255"));
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

/// What five and eight bits count.
const SPS_MAX: usize = 31;
const PPS_MAX: usize = 255;
const SPS_NAME: &str = "sequence parameter set";
const PPS_NAME: &str = "picture parameter set";

#[cfg(test)]
mod tests;
