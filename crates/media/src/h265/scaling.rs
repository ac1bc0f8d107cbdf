//! Scaling lists (H.265 section 7.3.4).

use crate::{Error, bits::Bits};

/// Passes over `scaling_list_data()`: 20 lists of at most 65 numbers.
pub(super) fn skip_scaling_list_data(bits: &mut Bits<'_>) -> Result<(), Error> {
    for size in 0..4_u32 {
        let step = if size == 3 { 3 } else { 1 };
        for _matrix in (0..6).step_by(step) {
            if !bits.bit("scaling_list_pred_mode_flag")? {
                bits.ue_max(5, "scaling_list_pred_matrix_id_delta", "0 to 5")?;
                continue;
            }
            if size > 1 {
                bits.se("scaling_list_dc_coef_minus8")?;
            }
            for _ in 0..(1_u32 << (4 + 2 * size)).min(64) {
                bits.se("scaling_list_delta_coef")?;
            }
        }
    }
    Ok(())
}
