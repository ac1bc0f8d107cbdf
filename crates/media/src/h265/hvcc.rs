//! HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1.2).

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    nal::{NAL_PPS, NAL_SPS, NAL_VPS, nal_type},
    pps::{parse_pps, vps_id},
    sps::{Sps, parse_sps},
};
use crate::{
    Error, H265Config,
    record::{Kind, Reader, check_length, check_units, put_units},
};

/// A configuration record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hvcc {
    /// What it says; [`H265Config::hvcc`] is the record written anew for 4-byte lengths.
    pub config: H265Config,
    /// Bytes of the length before each NAL unit of this sender: 1, 2 or 4.
    pub length_size: u8,
}

/// Reads a configuration record and every parameter set in it. Units of other types in it are passed over.
///
/// # Errors
/// A record that is cut off, longer than 64 KiB or of another version, or with parameter sets that [`configure`]
/// refuses.
pub fn parse_hvcc(bytes: &[u8]) -> Result<Hvcc, Error> {
    check_length(bytes.len())?;
    let mut reader = Reader { rest: bytes };
    let version = reader.u8("configurationVersion")?;
    // 0 stood in drafts of the standard, and encoders of that time still write it.
    if version > 1 {
        return Err(Error::OutOfRange {
            element: "configurationVersion",
            value: version.into(),
            allowed: "1",
        });
    }
    // Profile, level, chroma format and depths are repeated in the sequence parameter set, which is what decoders read.
    reader.take(20, "general_profile_idc")?;
    let length_size = reader.length_size()?;
    let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..reader.u8("numOfArrays")? {
        let kind = reader.u8("NAL_unit_type")? & 0x3f;
        let count = reader.u16("numNalus")?;
        let units = reader.units(count, "nalUnit")?;
        match kind {
            NAL_VPS => vps.extend(units),
            NAL_SPS => sps.extend(units),
            NAL_PPS => pps.extend(units),
            _ => {}
        }
    }
    let config = configure(vps, sps, pps)?;
    Ok(Hvcc {
        config,
        length_size,
    })
}

/// The configuration that parameter sets make, whichever way they came: NAL units, header included. The first sequence
/// parameter set describes the track.
///
/// # Errors
/// No parameter set of a kind, more than there are numbers for (16, 16 and 64) or than a record holds (64 KiB in all),
/// one of another type or layer or with a forged message ([`crate::sei`]) in it, one that cannot be read, or sequence
/// parameter sets of different picture sizes.
pub fn configure(vps: Vec<Bytes>, sps: Vec<Bytes>, pps: Vec<Bytes>) -> Result<H265Config, Error> {
    for (units, unit_type, max, element) in [
        (&vps, NAL_VPS, 16, "video parameter set"),
        (&sps, NAL_SPS, 16, SPS_NAME),
        (&pps, NAL_PPS, 64, "picture parameter set"),
    ] {
        let type_of = nal_type;
        check_units(
            units,
            Kind {
                type_of,
                unit_type,
                max,
                element,
            },
        )?;
    }
    // All are read, because any of them may be activated.
    for unit in &vps {
        vps_id(unit)?;
    }
    let mut first: Option<Sps> = None;
    for unit in &sps {
        let parsed = parse_sps(unit)?;
        let first = first.get_or_insert(parsed);
        if (first.width, first.height) != (parsed.width, parsed.height) {
            return Err(Error::Unsupported {
                element: "second picture width of an H.265 track:",
                value: parsed.width.into(),
                remedy: "send one picture size at a time",
            });
        }
    }
    for unit in &pps {
        parse_pps(unit)?;
    }
    let first = first.ok_or(Error::Truncated { element: SPS_NAME })?;
    let hvcc = write(&first, [&vps, &sps, &pps]);
    check_length(hvcc.len())?;
    Ok(H265Config {
        hvcc,
        vps,
        sps,
        pps,
        profile: first.profile,
        width: first.width,
        height: first.height,
        chroma_format_idc: first.chroma_format_idc,
        bit_depth: first.bit_depth_luma,
        colour: first.colour,
        frame_rate: first.frame_rate,
        reorder_pics: first.reorder_pics,
    })
}

fn write(sps: &Sps, lists: [&[Bytes]; 3]) -> Bytes {
    let profile = &sps.profile;
    let mut out = BytesMut::with_capacity(128);
    out.put_u8(1);
    out.put_u8(profile.space << 6 | u8::from(profile.high_tier) << 5 | profile.idc);
    out.put_u32(profile.compatibility);
    out.put_slice(&profile.constraints);
    out.put_u8(profile.level);
    // min_spatial_segmentation_idc 0 and parallelismType 0: nothing is promised.
    out.put_slice(&[0xf0, 0, 0xfc]);
    out.put_u8(0xfc | sps.chroma_format_idc);
    out.put_u8(0xf8 | (sps.bit_depth_luma - 8));
    out.put_u8(0xf8 | (sps.bit_depth_chroma - 8));
    // avgFrameRate 0: unspecified. constantFrameRate 0.
    out.put_u16(0);
    out.put_u8(sps.temporal_layers << 3 | u8::from(sps.temporal_id_nested) << 2 | 3);
    out.put_u8(3);
    for (kind, units) in [NAL_VPS, NAL_SPS, NAL_PPS].into_iter().zip(lists) {
        // "when the sample entry name is 'hvc1', the default and mandatory value of array_completeness is 1"
        out.put_u8(0x80 | kind);
        out.put_u16(u16::try_from(units.len()).expect("check_units() counted at most 64"));
        put_units(&mut out, units);
    }
    out.freeze()
}

const SPS_NAME: &str = "sequence parameter set";

#[cfg(test)]
mod tests;
