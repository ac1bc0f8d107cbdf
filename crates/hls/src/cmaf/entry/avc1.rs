//! H.264 with its parameter sets out of band (ISO/IEC 14496-15 section 5.4.2).

use media::H264Config;
use mp4_atom::{Atom, Avc1, Avcc, Visual};

use super::{super::init::refused, Entry};
use crate::Error;

pub(super) fn entry(config: &H264Config, visual: Visual) -> Result<Entry, Error> {
    let avcc =
        Avcc::decode_body(&mut config.avcc.as_ref()).map_err(|error| refused("avcC", &error))?;
    let entry = Avc1 {
        visual,
        avcc,
        ..Avc1::default()
    };
    Ok(Entry {
        codec: entry.into(),
        record: "avcC",
        brand: None,
    })
}
