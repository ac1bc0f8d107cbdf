//! AV1CodecConfigurationRecord (AV1 Codec ISO Media File Format Binding section 2.3).

use super::{Av1Config, OBU_SEQUENCE_HEADER, obus, parse_sequence_header};
use crate::Error;

/// What a record's sequence header says; `None` if it has none, since the key frames have it. Metadata beside it is passed
/// over.
///
/// # Errors
/// A record that is cut off or of another version, or a sequence header that cannot be read.
pub fn parse_av1c(record: &[u8]) -> Result<Option<Av1Config>, Error> {
    let Some((head, config_obus)) = record.split_first_chunk::<4>() else {
        return if record.is_empty() {
            Ok(None)
        } else {
            Err(Error::Truncated { element: "av1C" })
        };
    };
    // marker 1, version 1.
    if head[0] != 0x81 {
        return Err(Error::OutOfRange {
            element: "marker and version of av1C",
            value: head[0].into(),
            allowed: "129",
        });
    }
    for obu in obus(config_obus) {
        let obu = obu?;
        if obu.kind == OBU_SEQUENCE_HEADER {
            return parse_sequence_header(obu.payload).map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As FFmpeg 9 sends it: SVT-AV1, 128x72.
    const RECORD: &[u8] = &[
        0x81, 0, 0x0c, 0, 0x0a, 0x0b, 2, 0, 0, 5, 0x19, 0xbf, 0xc7, 0, 0xbe, 0, 0x10,
    ];

    #[test]
    fn a_record_says_what_its_sequence_header_says() {
        let config = parse_av1c(RECORD).unwrap().unwrap();
        assert_eq!(
            (config.width, config.height, config.bit_depth),
            (128, 72, 8)
        );
        assert_eq!(config.sequence_header, RECORD[4..]);
        // OBS has metadata beside it.
        let metadata = [&RECORD[..4], &[0x2a, 2, 1, 0x80], &RECORD[4..]].concat();
        assert_eq!(parse_av1c(&metadata).unwrap(), Some(config));
    }

    #[test]
    fn a_record_may_say_nothing() {
        assert_eq!(parse_av1c(&[]), Ok(None));
        assert_eq!(parse_av1c(&RECORD[..4]), Ok(None));
        for broken in [
            &RECORD[..3],
            &RECORD[..9],
            &[1, 0, 0x0c, 0],
            &[0x81, 0, 0, 0, 0x80],
        ] {
            parse_av1c(broken).unwrap_err();
        }
    }
}
