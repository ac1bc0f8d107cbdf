//! AAC: `avenc_aac`, FFmpeg's own encoder.
//!
//! The track is announced before the child has made its first packet, so the encoder is held to the one
//! configuration that the protocol promises.

use gstreamer::{self as gst, prelude::*};
use media::aac::parse_asc;
use transcode::OpusToAac;

use crate::{elements, error::Error};

/// A raw_data_block.
pub(super) const PACKET_SAMPLES: i64 = 1024;

/// The block of silence that the first packet decodes to: a transform covers two blocks, and the first one has
/// nothing before it. GStreamer's caps do not tell it; `tests/process/opus_onset.rs` measures it.
const PRIMING_SAMPLES: i64 = 1024;

pub(super) fn encoder(bitrate_bps: u32) -> Result<gst::Element, Error> {
    let aac = elements::make("avenc_aac")?;
    aac.set_property_from_str("bitrate", &bitrate_bps.to_string());
    Ok(aac)
}

/// What comes before a run's first sample, once the caps are known to announce what was promised.
pub(super) fn priming(caps: Option<&gst::CapsRef>) -> Result<i64, Error> {
    let announced = caps.and_then(|caps| {
        let data = caps.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
        Some(data.map_readable().ok()?.to_vec())
    });
    let announced = announced.ok_or(Error::Unexpected("avenc_aac announces no configuration"))?;
    if is_promised(&announced) {
        Ok(PRIMING_SAMPLES)
    } else {
        Err(Error::Promise { announced })
    }
}

/// FFmpeg appends "and no SBR" to the two bytes, which a decoder may skip.
fn is_promised(asc: &[u8]) -> bool {
    let promised = OpusToAac::output();
    asc.starts_with(&promised.asc)
        && parse_asc(asc).is_ok_and(|config| config.object_type == promised.object_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_configuration_may_deny_sbr_and_nothing_else() {
        assert!(is_promised(&[0x11, 0x90]));
        assert!(is_promised(&[0x11, 0x90, 0x56, 0xe5, 0x00]));
        let others: [&[u8]; 6] = [
            &[],
            &[0x11],
            // 44.1 kHz; mono; 960 samples; SBR.
            &[0x12, 0x10],
            &[0x11, 0x88],
            &[0x11, 0x94],
            &[0x11, 0x90, 0x56, 0xe5, 0x98],
        ];
        for other in others {
            assert!(!is_promised(other), "{other:02x?}");
        }
    }
}
