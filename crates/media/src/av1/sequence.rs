//! Sequence headers (section 5.5).

use bytes::Bytes;

use super::{Av1Config, OBU_SEQUENCE_HEADER, Obu, colour, put_obu};
use crate::{Error, bits::Bits, video::checked_size};

/// Reads a sequence header OBU's payload.
///
/// # Errors
/// One that is cut off, of a still picture, of a profile nobody defined, or of a size decoders cannot
/// be asked for.
pub fn parse_sequence_header(payload: &[u8]) -> Result<Av1Config, Error> {
    let mut bits = Bits::plain(payload);
    let profile = bits.u8(3, "seq_profile")?;
    if profile > 2 {
        return Err(Error::OutOfRange {
            element: "seq_profile",
            value: profile.into(),
            allowed: "0 to 2",
        });
    }
    bits.bit("still_picture")?;
    if bits.bit("reduced_still_picture_header")? {
        return Err(Error::Unsupported {
            element: "reduced_still_picture_header",
            value: 1,
            remedy: "encode video, not a still picture",
        });
    }
    let (level, high_tier) = read_operating_points(&mut bits)?;
    let (width, height) = read_size(&mut bits)?;
    skip_tools(&mut bits)?;
    let read = colour::read(&mut bits, profile)?;
    bits.bit("film_grain_params_present")?;
    let mut sequence_header = Vec::with_capacity(payload.len() + 3);
    let obu = Obu {
        kind: OBU_SEQUENCE_HEADER,
        extension: None,
        payload,
    };
    put_obu(&mut sequence_header, &obu);
    Ok(Av1Config {
        profile,
        level,
        high_tier,
        bit_depth: read.bit_depth,
        monochrome: read.monochrome,
        subsampling: read.subsampling,
        chroma_sample_position: read.chroma_sample_position,
        colour: read.colour,
        width,
        height,
        sequence_header: Bytes::from(sequence_header),
    })
}

/// Timing, decoder model and operating points: level and tier of the first one, which is all of the
/// stream.
fn read_operating_points(bits: &mut Bits<'_>) -> Result<(u8, bool), Error> {
    let mut delay_bits = None;
    if bits.bit("timing_info_present_flag")? {
        bits.u(32, "num_units_in_display_tick")?;
        bits.u(32, "time_scale")?;
        if bits.bit("equal_picture_interval")? {
            // uvlc() is Exp-Golomb.
            bits.ue("num_ticks_per_picture_minus_1")?;
        }
        if bits.bit("decoder_model_info_present_flag")? {
            delay_bits = Some(bits.u(5, "buffer_delay_length_minus_1")? + 1);
            bits.u(32, "num_units_in_decoding_tick")?;
            bits.u(5, "buffer_removal_time_length_minus_1")?;
            bits.u(5, "frame_presentation_time_length_minus_1")?;
        }
    }
    let has_display_delay = bits.bit("initial_display_delay_present_flag")?;
    let count = bits.u8(5, "operating_points_cnt_minus_1")? + 1;
    let mut first = None;
    for _ in 0..count {
        bits.u(12, "operating_point_idc")?;
        let level = bits.u8(5, "seq_level_idx")?;
        let high_tier = level > 7 && bits.bit("seq_tier")?;
        if let Some(length) = delay_bits
            && bits.bit("decoder_model_present_for_this_op")?
        {
            bits.u(length, "decoder_buffer_delay")?;
            bits.u(length, "encoder_buffer_delay")?;
            bits.bit("low_delay_mode_flag")?;
        }
        if has_display_delay && bits.bit("initial_display_delay_present_for_this_op")? {
            bits.u(4, "initial_display_delay_minus_1")?;
        }
        first.get_or_insert((level, high_tier));
    }
    first.ok_or(Error::Truncated {
        element: "operating_point_idc",
    })
}

fn read_size(bits: &mut Bits<'_>) -> Result<(u16, u16), Error> {
    let width_bits = bits.u(4, "frame_width_bits_minus_1")? + 1;
    let height_bits = bits.u(4, "frame_height_bits_minus_1")? + 1;
    let width = bits.u(width_bits, "max_frame_width_minus_1")? + 1;
    let height = bits.u(height_bits, "max_frame_height_minus_1")? + 1;
    checked_size(width, height)
}

/// What lies between the size and the colour.
fn skip_tools(bits: &mut Bits<'_>) -> Result<(), Error> {
    if bits.bit("frame_id_numbers_present_flag")? {
        bits.u(4, "delta_frame_id_length_minus_2")?;
        bits.u(3, "additional_frame_id_length_minus_1")?;
    }
    bits.u(
        3,
        "use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter",
    )?;
    bits.u(
        4,
        "enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter",
    )?;
    let has_order_hint = bits.bit("enable_order_hint")?;
    if has_order_hint {
        bits.u(2, "enable_jnt_comp, enable_ref_frame_mvs")?;
    }
    // SELECT_SCREEN_CONTENT_TOOLS where every frame chooses.
    let screen_content = bits.bit("seq_choose_screen_content_tools")?
        || bits.bit("seq_force_screen_content_tools")?;
    if screen_content && !bits.bit("seq_choose_integer_mv")? {
        bits.bit("seq_force_integer_mv")?;
    }
    if has_order_hint {
        bits.u(3, "order_hint_bits_minus_1")?;
    }
    bits.u(3, "enable_superres, enable_cdef, enable_restoration")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::Colour;

    /// libaom, 160x90, eight bits; and ten of BT.709.
    const EIGHT: [u8; 10] = [0x00, 0x00, 0x00, 0x03, 0xb4, 0xfd, 0x93, 0x6b, 0xe4, 0x01];
    const TEN: [u8; 13] = [
        0x00, 0x00, 0x00, 0x03, 0xb4, 0xfd, 0x93, 0x6b, 0xe5, 0x40, 0x40, 0x40, 0x41,
    ];

    #[test]
    fn what_libaom_writes_is_read() {
        let config = parse_sequence_header(&EIGHT).unwrap();
        assert_eq!((config.width, config.height), (160, 90));
        assert_eq!((config.bit_depth, config.colour), (8, Colour::UNSPECIFIED));
        assert_eq!(super::super::codecs(&config), "av01.0.00M.08");
        assert_eq!(config.sequence_header[..2], [0x0a, 10]);
        assert_eq!(config.sequence_header[2..], EIGHT);
        let config = parse_sequence_header(&TEN).unwrap();
        assert_eq!((config.bit_depth, config.colour), (10, Colour::BT709));
        assert_eq!(super::super::codecs(&config), "av01.0.00M.10");
    }

    #[test]
    fn unusual_colour_is_spelt_out() {
        let mut config = parse_sequence_header(&TEN).unwrap();
        config.colour = Colour {
            primaries: 9,
            transfer: 16,
            matrix: 9,
            full_range: false,
        };
        config.chroma_sample_position = 2;
        let text = super::super::codecs(&config);
        assert_eq!(text, "av01.0.00M.10.0.112.09.16.09.0");
    }

    #[test]
    fn what_is_cut_off_or_a_still_picture_is_refused() {
        for length in 0..EIGHT.len() - 1 {
            assert!(parse_sequence_header(&EIGHT[..length]).is_err(), "{length}");
        }
        assert!(parse_sequence_header(&[0x18; 10]).is_err());
        assert!(parse_sequence_header(&[0x60; 10]).is_err(), "profile 3");
    }
}
