//! AAC: AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).

use bytes::Bytes;

use crate::{AacConfig, Error, Timescale, bits::Bits};

/// The RFC 6381 name, for example `mp4a.40.2`.
pub fn codecs(config: &AacConfig) -> String {
    format!("mp4a.40.{}", config.object_type)
}

/// Reads an AudioSpecificConfig whose core is AAC-LC, with SBR and PS however they are signalled.
///
/// # Errors
/// A configuration that is cut off or longer than 512 bytes, another core coder, frames of 960
/// samples, or more than 8 channels.
pub fn parse_asc(bytes: &[u8]) -> Result<AacConfig, Error> {
    if bytes.len() > ASC_MAX {
        return Err(Error::OutOfRange {
            element: "AudioSpecificConfig in bytes",
            value: bytes.len() as u64,
            allowed: "at most 512",
        });
    }
    let mut bits = Bits::plain(bytes);
    let mut object_type = read_object_type(&mut bits)?;
    let sample_rate = read_frequency(&mut bits)?;
    let channel_configuration = bits.u8(4, "channelConfiguration")?;
    let mut extension = Extension::None;
    if matches!(object_type, SBR | PS) {
        extension = if object_type == PS {
            Extension::Ps
        } else {
            Extension::Sbr
        };
        read_frequency(&mut bits)?;
        object_type = read_object_type(&mut bits)?;
    }
    if object_type != AAC_LC {
        return Err(Error::Unsupported {
            element: "audioObjectType",
            value: u64::from(object_type),
            remedy: "send AAC-LC or HE-AAC",
        });
    }
    let channels = read_general_audio(&mut bits, channel_configuration)?;
    if extension == Extension::None {
        extension = read_backward_compatible(&mut bits).unwrap_or(Extension::None);
    }
    Ok(AacConfig {
        asc: Bytes::copy_from_slice(bytes),
        object_type: match extension {
            Extension::None => AAC_LC,
            Extension::Sbr => SBR,
            Extension::Ps => PS,
        },
        sample_rate,
        channels,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extension {
    None,
    Sbr,
    Ps,
}

/// `GetAudioObjectType` (table 1.16).
fn read_object_type(bits: &mut Bits<'_>) -> Result<u8, Error> {
    match bits.u8(5, "audioObjectType")? {
        ESCAPE => Ok(32 + bits.u8(6, "audioObjectTypeExt")?),
        object_type => Ok(object_type),
    }
}

/// Table 1.18.
fn read_frequency(bits: &mut Bits<'_>) -> Result<Timescale, Error> {
    let index = bits.u8(4, "samplingFrequencyIndex")?;
    let hz = match FREQUENCIES.get(usize::from(index)) {
        Some(hz) => *hz,
        None if index == 15 => bits.u(24, "samplingFrequency")?,
        None => {
            return Err(Error::OutOfRange {
                element: "samplingFrequencyIndex",
                value: u64::from(index),
                allowed: "0 to 12, or 15",
            });
        }
    };
    Timescale::new(hz)
        .filter(|_| (7_350..=96_000).contains(&hz))
        .ok_or_else(|| Error::OutOfRange {
            element: "samplingFrequency",
            value: u64::from(hz),
            allowed: "7350 to 96000",
        })
}

/// GASpecificConfig (section 4.4.1) of AAC-LC; gives the number of channels.
fn read_general_audio(bits: &mut Bits<'_>, channel_configuration: u8) -> Result<u8, Error> {
    if bits.bit("frameLengthFlag")? {
        return Err(Error::Unsupported {
            element: "frame length in samples",
            value: 960,
            remedy: "send frames of 1024 samples",
        });
    }
    if bits.bit("dependsOnCoreCoder")? {
        bits.u(14, "coreCoderDelay")?;
    }
    bits.bit("extensionFlag")?;
    // Table 1.19, with the later 6.1 and 7.1 layouts.
    match channel_configuration {
        0 => read_program(bits),
        1..=6 => Ok(channel_configuration),
        11 => Ok(7),
        7 | 12 | 14 => Ok(8),
        other => Err(Error::OutOfRange {
            element: "channelConfiguration",
            value: u64::from(other),
            allowed: "0 to 7, 11, 12 or 14",
        }),
    }
}

/// program_config_element (table 4.2); gives the number of channels.
fn read_program(bits: &mut Bits<'_>) -> Result<u8, Error> {
    const ELEMENT: &str = "program_config_element";
    bits.u(10, ELEMENT)?;
    let [front, side, back] = [
        bits.u8(4, ELEMENT)?,
        bits.u8(4, ELEMENT)?,
        bits.u8(4, ELEMENT)?,
    ];
    let low_frequency = bits.u8(2, ELEMENT)?;
    let associated = bits.u(3, ELEMENT)?;
    let coupling = bits.u(4, ELEMENT)?;
    for mixdown_bits in [4, 4, 3] {
        if bits.bit(ELEMENT)? {
            bits.u(mixdown_bits, ELEMENT)?;
        }
    }
    let mut channels = low_frequency;
    for _ in 0..front + side + back {
        let pair = bits.bit("element_is_cpe")?;
        channels += if pair { 2 } else { 1 };
        bits.u(4, ELEMENT)?;
    }
    for _ in 0..u32::from(low_frequency) + associated {
        bits.u(4, ELEMENT)?;
    }
    for _ in 0..coupling {
        bits.u(5, ELEMENT)?;
    }
    bits.align();
    for _ in 0..bits.u8(8, "comment_field_bytes")? {
        bits.u(8, "comment_field_data")?;
    }
    if (1..=8).contains(&channels) {
        return Ok(channels);
    }
    Err(Error::OutOfRange {
        element: "channels of the program_config_element",
        value: u64::from(channels),
        allowed: "1 to 8",
    })
}

/// SBR and PS behind the LC configuration, where decoders without them stop reading.
fn read_backward_compatible(bits: &mut Bits<'_>) -> Result<Extension, Error> {
    if bits.remaining() < 16 || bits.u(11, "syncExtensionType")? != 0x2b7 {
        return Ok(Extension::None);
    }
    if read_object_type(bits)? != SBR || !bits.bit("sbrPresentFlag")? {
        return Ok(Extension::None);
    }
    read_frequency(bits)?;
    let ps = bits.remaining() >= 12
        && bits.u(11, "syncExtensionType")? == 0x548
        && bits.bit("psPresentFlag")?;
    Ok(if ps { Extension::Ps } else { Extension::Sbr })
}

const AAC_LC: u8 = 2;
const SBR: u8 = 5;
const PS: u8 = 29;
const ESCAPE: u8 = 31;
/// Two bytes are usual; a program_config_element with its comment can take 300.
const ASC_MAX: usize = 512;
/// Table 1.18.
const FREQUENCIES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (u8, u32, u8) {
        let config = parse_asc(bytes).unwrap();
        (config.object_type, config.sample_rate.hz(), config.channels)
    }

    #[test]
    fn low_complexity() {
        assert_eq!(read(&[0x11, 0x90]), (2, 48_000, 2));
        assert_eq!(read(&[0x12, 0x10]), (2, 44_100, 2));
        assert_eq!(codecs(&parse_asc(&[0x11, 0x90]).unwrap()), "mp4a.40.2");
        // As FFmpeg writes it: with the extension that says "no SBR".
        assert_eq!(read(&[0x11, 0x90, 0x56, 0xe5, 0x00]), (2, 48_000, 2));
    }

    #[test]
    fn high_efficiency_by_each_kind_of_signalling() {
        // Hierarchical: AOT 5, core 24 kHz, stereo, extension 48 kHz, core LC.
        assert_eq!(read(&[0x2b, 0x11, 0x88, 0x00]), (5, 24_000, 2));
        // The same with PS: AOT 29, mono core.
        assert_eq!(read(&[0xeb, 0x09, 0x88, 0x00]), (29, 24_000, 1));
        // Backward compatible: LC, then 0x2b7, AOT 5, present, 48 kHz; then 0x548 and PS.
        assert_eq!(read(&[0x13, 0x10, 0x56, 0xe5, 0x98]), (5, 24_000, 2));
        assert_eq!(
            read(&[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]),
            (29, 24_000, 1)
        );
    }

    #[test]
    fn a_frequency_can_be_spelled_out() {
        // AOT 2, index 15, 44100 = 0x00ac44, stereo.
        let bits = format!("{:05b}{:04b}{:024b}{:04b}000", 2, 15, 44_100, 2);
        assert_eq!(read(&pack(&bits)), (2, 44_100, 2));
    }

    #[test]
    fn channels_can_be_listed() {
        // Front: one pair and one single; back: one pair; LFE: one. 5.1.
        let element = format!(
            "{:010b}{:04b}{:04b}{:04b}{:02b}{:03b}{:04b}000",
            0, 2, 0, 1, 1, 0, 0
        );
        let bits = format!(
            "{:05b}{:04b}{:04b}000{element}00000100001000000000",
            2, 3, 0
        );
        let mut bytes = pack(&bits);
        bytes.push(0);
        assert_eq!(read(&bytes), (2, 48_000, 6));
    }

    #[test]
    fn what_nothing_can_play_is_refused_by_name() {
        // Escape type 42 (xHE-AAC).
        let usac = pack(&format!("{:05b}{:06b}{:04b}{:04b}00000", 31, 42 - 32, 3, 2));
        assert!(matches!(
            parse_asc(&usac),
            Err(Error::Unsupported { value: 42, .. })
        ));
        assert!(matches!(
            parse_asc(&[0x11, 0x94]),
            Err(Error::Unsupported { value: 960, .. })
        ));
        assert!(parse_asc(&[0x16, 0x90]).is_err(), "frequency index 13");
        assert!(
            parse_asc(&[0x11, 0xd0]).is_err(),
            "channel configuration 10"
        );
        assert!(parse_asc(&[0x11]).is_err());
        assert!(parse_asc(&[]).is_err());
        assert!(parse_asc(&[0x11; 513]).is_err());
    }

    fn pack(bits: &str) -> Vec<u8> {
        bits.as_bytes()
            .chunks(8)
            .map(|byte| {
                let value = byte.iter().fold(0, |value, bit| value << 1 | (bit - b'0'));
                value << (8 - byte.len())
            })
            .collect()
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_configuration_or_an_error(bytes: Vec<u8>) {
            if let Ok(config) = parse_asc(&bytes) {
                prop_assert!((1..=8).contains(&config.channels));
            }
        }
    }
}
