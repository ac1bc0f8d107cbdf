//! VP9: what a frame's uncompressed header says (VP9 Bitstream & Decoding Process Specification
//! v0.7 section 6.2), and superframes (annex B).

mod superframe;

use crate::{
    Error,
    bits::Bits,
    video::{Colour, checked_size},
};

pub use superframe::superframe;

/// A VP9 track's configuration, read from a key frame: VP9 has none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp9Config {
    /// 0 to 3.
    pub profile: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// How much of the colour there is.
    pub subsampling: Subsampling,
    /// What the numbers mean.
    pub colour: Colour,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
}

/// Chroma samples to luma samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// One to four.
    Yuv420,
    /// One to two, side by side.
    Yuv422,
    /// One to two, one above the other.
    Yuv440,
    /// One to one.
    Yuv444,
}

/// What kind of frame a header begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// A key frame: decoding can start here.
    Key(Vp9Config),
    /// Any other.
    Other,
}

/// Reads the beginning of a frame.
///
/// # Errors
/// Bytes that begin no frame, or a key frame that is cut off or of a size decoders cannot be asked
/// for.
pub fn parse_header(frame: &[u8]) -> Result<Header, Error> {
    let mut bits = Bits::plain(frame);
    let marker = bits.u8(2, "frame_marker")?;
    if marker != 2 {
        return Err(Error::OutOfRange {
            element: "frame_marker",
            value: marker.into(),
            allowed: "2",
        });
    }
    let profile = bits.u8(1, "profile_low_bit")? | bits.u8(1, "profile_high_bit")? << 1;
    if profile == 3 {
        zero(&mut bits)?;
    }
    if bits.bit("show_existing_frame")? {
        return Ok(Header::Other);
    }
    // frame_type: 0 is KEY_FRAME.
    if bits.bit("frame_type")? {
        return Ok(Header::Other);
    }
    bits.bit("show_frame")?;
    bits.bit("error_resilient_mode")?;
    let sync = bits.u(24, "frame_sync_code")?;
    if sync != SYNC_CODE {
        return Err(Error::OutOfRange {
            element: "frame_sync_code",
            value: sync.into(),
            allowed: "0x498342",
        });
    }
    read_key(&mut bits, profile).map(Header::Key)
}

/// `color_config` and `frame_size` (sections 6.2.2 and 6.2.3).
fn read_key(bits: &mut Bits<'_>, profile: u8) -> Result<Vp9Config, Error> {
    let bit_depth = match profile {
        0 | 1 => 8,
        _ if bits.bit("ten_or_twelve_bit")? => 12,
        _ => 10,
    };
    let has_subsampling = profile % 2 == 1;
    let space = bits.u8(3, "color_space")?;
    let (full_range, subsampling) = if space == CS_RGB {
        if !has_subsampling {
            return Err(Error::OutOfRange {
                element: "color_space",
                value: space.into(),
                allowed: "RGB only in profiles 1 and 3",
            });
        }
        zero(bits)?;
        (true, Subsampling::Yuv444)
    } else {
        let full_range = bits.bit("color_range")?;
        let subsampling = if has_subsampling {
            let both = (bits.bit("subsampling_x")?, bits.bit("subsampling_y")?);
            zero(bits)?;
            Subsampling::of(both)
        } else {
            Subsampling::Yuv420
        };
        (full_range, subsampling)
    };
    let width = bits.u(16, "frame_width_minus_1")? + 1;
    let height = bits.u(16, "frame_height_minus_1")? + 1;
    let (width, height) = checked_size(width, height)?;
    Ok(Vp9Config {
        profile,
        bit_depth,
        subsampling,
        colour: colour(space, full_range),
        width,
        height,
    })
}

fn zero(bits: &mut Bits<'_>) -> Result<(), Error> {
    if bits.bit("reserved_zero")? {
        return Err(Error::OutOfRange {
            element: "reserved_zero",
            value: 1,
            allowed: "0",
        });
    }
    Ok(())
}

/// Section 7.2.2: the space names a standard, and that what H.273 tells apart.
const fn colour(space: u8, full_range: bool) -> Colour {
    let (primaries, transfer, matrix) = match space {
        // CS_BT_601 and CS_SMPTE_170.
        1 | 3 => (6, 6, 6),
        2 => (1, 1, 1),
        4 => (7, 7, 7),
        5 => (9, 14, 9),
        // H.273: RGB has the identity matrix.
        CS_RGB => (1, 13, 0),
        _ => (2, 2, 2),
    };
    Colour {
        primaries,
        transfer,
        matrix,
        full_range,
    }
}

impl Subsampling {
    pub(crate) const fn of((x, y): (bool, bool)) -> Self {
        match (x, y) {
            (true, true) => Self::Yuv420,
            (true, false) => Self::Yuv422,
            (false, true) => Self::Yuv440,
            (false, false) => Self::Yuv444,
        }
    }
}

impl Vp9Config {
    /// The level as ten times its number: the first that allows this picture 60 times a second
    /// (VP9 levels, "Level definitions"). The bitstream does not say it.
    pub fn level(&self) -> u8 {
        let picture = u64::from(self.width) * u64::from(self.height);
        let fits = |(_, rate_max, picture_max): &&(u8, u64, u64)| {
            picture <= *picture_max && picture * 60 <= *rate_max
        };
        LEVELS
            .iter()
            .find(fits)
            .map_or(LEVEL_MAX, |(level, ..)| *level)
    }
}

/// `vp09.PP.LL.DD` (VP Codec ISO Media File Format Binding, "Codecs Parameter String"); colour is
/// left to `vpcC`, which every player reads.
pub(crate) fn codecs(config: &Vp9Config) -> String {
    let Vp9Config {
        profile, bit_depth, ..
    } = config;
    format!("vp09.{profile:02}.{:02}.{bit_depth:02}", config.level())
}

pub(crate) const fn profile(config: &Vp9Config) -> &'static str {
    match config.profile {
        0 => "Profile 0",
        1 => "Profile 1",
        2 => "Profile 2",
        _ => "Profile 3",
    }
}

const SYNC_CODE: u32 = 0x49_83_42;
const CS_RGB: u8 = 7;
const LEVEL_MAX: u8 = 62;
/// Ten times the level, luma samples a second and luma samples a picture.
const LEVELS: [(u8, u64, u64); 14] = [
    (10, 829_440, 36_864),
    (11, 2_764_800, 73_728),
    (20, 4_608_000, 122_880),
    (21, 9_216_000, 245_760),
    (30, 20_736_000, 552_960),
    (31, 36_864_000, 983_040),
    (40, 83_558_400, 2_228_224),
    (41, 160_432_128, 2_228_224),
    (50, 311_951_360, 8_912_896),
    (51, 588_251_136, 8_912_896),
    (52, 1_176_502_272, 8_912_896),
    (60, 1_176_502_272, 35_651_584),
    (61, 2_353_004_544, 35_651_584),
    (LEVEL_MAX, 4_706_009_088, 35_651_584),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// libvpx, BT.709, 160x90; and ten bits of unknown colour.
    const KEY: [u8; 10] = [0x82, 0x49, 0x83, 0x42, 0x40, 0x09, 0xf0, 0x05, 0x96, 0x06];
    const KEY_10: [u8; 11] = [
        0x92, 0x49, 0x83, 0x42, 0x00, 0x04, 0xf8, 0x02, 0xcb, 0x03, 0x1c,
    ];

    #[test]
    fn key_frames_say_what_they_are() {
        let Header::Key(config) = parse_header(&KEY).unwrap() else {
            panic!("a key frame");
        };
        assert_eq!((config.width, config.height), (160, 90));
        assert_eq!((config.profile, config.bit_depth), (0, 8));
        assert_eq!(config.colour, Colour::BT709);
        assert_eq!(codecs(&config), "vp09.00.11.08");
        let Header::Key(config) = parse_header(&KEY_10).unwrap() else {
            panic!("a key frame");
        };
        assert_eq!((config.width, config.height), (160, 90));
        assert_eq!(config.colour, Colour::UNSPECIFIED);
        assert_eq!(codecs(&config), "vp09.02.11.10");
    }

    #[test]
    fn other_frames_are_told_apart() {
        for other in [0x86, 0x88] {
            assert_eq!(parse_header(&[other]), Ok(Header::Other), "{other:#x}");
        }
        for broken in [&[][..], &[0x42], &KEY[..8], &[0x82, 0x49, 0x83, 0x43]] {
            assert!(parse_header(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn the_level_is_the_first_that_allows_the_picture_at_60_frames() {
        let level = |width, height| {
            let config = Vp9Config {
                profile: 0,
                bit_depth: 8,
                subsampling: Subsampling::Yuv420,
                colour: Colour::BT709,
                width,
                height,
            };
            config.level()
        };
        assert_eq!(level(640, 360), 30);
        assert_eq!(level(1280, 720), 40);
        assert_eq!(level(1920, 1080), 41);
        assert_eq!(level(3840, 2160), 51);
        assert_eq!(level(8192, 8192), 62);
    }
}
