//! Short-term reference picture sets (H.265 section 7.3.7).

use crate::{Error, bits::Bits};

/// Passes over the sets of a sequence parameter set. At most 64 of at most 33 pictures each.
pub(super) fn skip_st_ref_pic_sets(bits: &mut Bits<'_>) -> Result<(), Error> {
    let sets = bits.ue_max(64, "num_short_term_ref_pic_sets", "0 to 64")?;
    // NumDeltaPocs of the set before.
    let mut pictures = 0;
    for set in 0..sets {
        pictures = if set > 0 && bits.bit("inter_ref_pic_set_prediction_flag")? {
            predicted(bits, pictures)?
        } else {
            listed(bits)?
        };
    }
    Ok(())
}

/// A set that says how it differs from the one before, which is all that is possible here: `delta_idx_minus1` stands in
/// slice headers only.
fn predicted(bits: &mut Bits<'_>, before: u32) -> Result<u32, Error> {
    bits.bit("delta_rps_sign")?;
    bits.ue_max(32_767, "abs_delta_rps_minus1", "0 to 32767")?;
    let mut pictures = 0;
    for _ in 0..=before {
        let used = bits.bit("used_by_curr_pic_flag")?;
        if used || bits.bit("use_delta_flag")? {
            pictures += 1;
        }
    }
    // Section 7.4.8: NumDeltaPocs is at most sps_max_dec_pic_buffering_minus1, which is at most 15.
    if pictures > 16 {
        return Err(Error::OutOfRange {
            element: "NumDeltaPocs",
            value: pictures.into(),
            allowed: "at most 16",
        });
    }
    Ok(pictures)
}

fn listed(bits: &mut Bits<'_>) -> Result<u32, Error> {
    let negative = bits.ue_max(16, "num_negative_pics", "0 to 16")?;
    let positive = bits.ue_max(16 - negative, "num_positive_pics", "16 in all")?;
    for _ in 0..negative + positive {
        bits.ue_max(32_767, "delta_poc_minus1", "0 to 32767")?;
        bits.bit("used_by_curr_pic_flag")?;
    }
    Ok(negative + positive)
}
