//! H.265: parameter sets, records, and messages in access units.

use bytes::Bytes;
use media::{
    H265Config, VideoConfig,
    h265::{self, parse_hvcc, parse_sps},
    sei::Syntax,
};

use crate::{bitstream, take::Take};

/// A sequence parameter set. What is said of the picture is within what decoders can be asked for.
pub fn sps(data: &[u8]) {
    let Ok(sps) = parse_sps(data) else { return };
    assert!(h265::sps_id(data).is_ok_and(|id| id <= 15));
    assert!(sps.width > 0 && sps.height > 0, "{sps:?}");
    assert!(
        u32::from(sps.width) * u32::from(sps.height) <= 8192 * 8192,
        "{sps:?}"
    );
    assert!(
        (8..=16).contains(&sps.bit_depth_luma) && (8..=16).contains(&sps.bit_depth_chroma),
        "{sps:?}"
    );
    assert!(
        sps.chroma_format_idc <= 3 && sps.reorder_pics <= 15,
        "{sps:?}"
    );
    assert!((1..=7).contains(&sps.temporal_layers), "{sps:?}");
    if let Some(rate) = sps.frame_rate {
        assert!((1.0..=240.0).contains(&rate.fps()), "{sps:?}");
    }
}

/// A configuration record. What it is rewritten to says the same, and goes on to every consumer.
pub fn hvcc(data: &[u8]) {
    let Ok(hvcc) = parse_hvcc(data) else { return };
    assert!(matches!(hvcc.length_size, 1 | 2 | 4));
    // Its arrays may have been one, and its other ones are left out.
    assert!(hvcc.config.hvcc.len() <= data.len() + 2 * 3);
    configuration(hvcc.config);
}

/// Parameter sets, each behind a byte that says how long it is; a zero between the three kinds.
pub fn sets(data: &[u8]) {
    let mut take = Take(data);
    let mut kinds = [Vec::new(), Vec::new(), Vec::new()];
    for kind in &mut kinds {
        while !take.is_empty() {
            let length = usize::from(take.u8());
            if length == 0 {
                break;
            }
            kind.push(Bytes::copy_from_slice(take.up_to(length)));
        }
    }
    let [vps, sps, pps] = kinds;
    if let Ok(config) = h265::configure(vps.clone(), sps.clone(), pps.clone()) {
        assert_eq!((&config.vps, &config.sps, &config.pps), (&vps, &sps, &pps));
        let mut unit = Vec::new();
        for nal in vps.iter().chain(&sps).chain(&pps) {
            let length = u32::try_from(nal.len()).expect("at most 255 bytes");
            unit.extend(length.to_be_bytes());
            unit.extend_from_slice(nal);
        }
        let unit = Bytes::from(unit);
        let found = h265::sets_of(&unit);
        assert!(found.are_in(&config));
        assert!(h265::without(&unit, &config).is_empty());
        assert!(found.onto(Some(&config)).is_ok());
        configuration(config);
    }
}

/// Its record is read as what it is, and every consumer takes it.
fn configuration(config: H265Config) {
    let again = parse_hvcc(&config.hvcc).expect("what is written is read");
    assert_eq!((again.length_size, &again.config), (4, &config));
    let config = VideoConfig::from(config);
    assert!(config.codecs().starts_with("hvc1."));
    bitstream::whole(&config);
}

/// As for H.264.
pub fn sei(data: &[u8]) {
    bitstream::sei(Syntax::H265, data);
}
