//! H.265 with its parameter sets out of band (ISO/IEC 14496-15 section 8.4.1).

use media::H265Config;
use mp4_atom::{Atom, Hvc1, Hvcc, Visual};

use super::{super::init::refused, Entry};
use crate::Error;

pub(super) fn entry(config: &H265Config, visual: Visual) -> Result<Entry, Error> {
    let hvcc =
        Hvcc::decode_body(&mut config.hvcc.as_ref()).map_err(|error| refused("hvcC", &error))?;
    let entry = Hvc1 {
        visual,
        hvcc,
        ..Hvc1::default()
    };
    Ok(Entry {
        codec: entry.into(),
        record: "hvcC",
        // CMAF's own brands of H.265 promise profiles, levels and frame rates that nothing here checks.
        brand: None,
    })
}
