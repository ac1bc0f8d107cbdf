//! The multivariant playlist, written by hls_m3u8.

use bytes::Bytes;
use hls_m3u8::{
    MasterPlaylist,
    tags::{ExtXMedia, VariantStream},
    types::{Channels, MediaType, StreamData, UFloat},
};

use super::shelf::{Entry, Shelf};
use crate::publication::{Init, Msn};

/// Bits per second of one rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rate {
    peak: u64,
    average: u64,
}

/// Writes the playlist of the renditions that have media, video first; `None` when there is none.
pub(super) fn write(
    shelves: &[&Shelf],
    listed_from: Msn,
    independent: bool,
    suffix: &str,
) -> Option<Bytes> {
    let live: Vec<(&Shelf, &Init)> = shelves
        .iter()
        .filter_map(|shelf| Some((*shelf, shelf.inits.back()?)))
        .collect();
    let (first, _) = live.first()?;
    let rates = live.iter().map(|(shelf, _)| rate(shelf, listed_from));
    let rate = rates.fold(Rate::default(), |sum, rate| Rate {
        // Section 4.4.6.2: BANDWIDTH is "the largest sum of peak segment bit rates" of a playable
        // combination.
        peak: sum.peak + rate.peak,
        average: sum.average + rate.average,
    });
    let codecs: Vec<&str> = live.iter().map(|(_, init)| init.codecs.as_str()).collect();
    let mut data = StreamData::new(rate.peak.max(1));
    data.set_average_bandwidth(Some(rate.average.max(1)));
    data.set_codecs(Some(codecs));
    let picture = live.iter().find_map(|(_, init)| init.picture);
    data.set_resolution(
        picture.map(|picture| (usize::from(picture.width), usize::from(picture.height))),
    );
    let group = live
        .get(1)
        .map(|(shelf, init)| audio_group(shelf, init, suffix));
    let variant = VariantStream::ExtXStreamInf {
        uri: format!("{}{suffix}", first.rendition.playlist_name()).into(),
        frame_rate: picture
            .and_then(|picture| picture.frame_rate_milli)
            .map(frame_rate),
        audio: group.as_ref().map(|_| GROUP.into()),
        subtitles: None,
        closed_captions: None,
        stream_data: data,
    };
    let playlist = MasterPlaylist::builder()
        .media(group.into_iter().collect::<Vec<_>>())
        .variant_streams(vec![variant])
        .has_independent_segments(independent)
        .build()
        .expect("the one variant names the one group, which exists");
    Some(playlist.to_string().into())
}

fn audio_group<'a>(shelf: &Shelf, init: &Init, suffix: &str) -> ExtXMedia<'a> {
    let mut media = ExtXMedia::builder();
    media
        .media_type(MediaType::Audio)
        .group_id(GROUP)
        .name("Main")
        .is_default(true)
        .is_autoselect(true)
        .uri(format!("{}{suffix}", shelf.rendition.playlist_name()));
    if let Some(channels) = init.channels {
        media.channels(Channels::new(channels.into()));
    }
    media
        .build()
        .expect("type, group and name are set, and an audio rendition may have the rest")
}

/// Peak and average over the complete segments listed, or over what there is of the first one.
fn rate(shelf: &Shelf, listed_from: Msn) -> Rate {
    let listed = || {
        shelf
            .listed(listed_from)
            .filter(|entry| !entry.is_gap() && entry.ticks > 0)
    };
    let complete = || listed().filter(|entry| entry.closed.is_some());
    let peak = complete()
        .map(|entry| bits_per_second(std::iter::once(entry)))
        .max();
    match peak {
        Some(peak) => Rate {
            peak,
            average: bits_per_second(complete()),
        },
        None => {
            let so_far = bits_per_second(listed());
            Rate {
                peak: so_far,
                average: so_far,
            }
        }
    }
}

fn bits_per_second<'a>(entries: impl Iterator<Item = &'a Entry>) -> u64 {
    let (bytes, ticks) = entries.fold((0, 0), |(bytes, ticks), entry| {
        (bytes + entry.bytes, ticks + entry.ticks)
    });
    let bits = u128::from(bytes) * 8 * 90_000;
    u64::try_from(bits.div_ceil(u128::from(ticks.max(1)))).unwrap_or(u64::MAX)
}

/// Section 4.4.6.2: FRAME-RATE has three decimals.
fn frame_rate(milli: u32) -> UFloat {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "three decimals of a frame rate fit a single float"
    )]
    let rate = (f64::from(milli) / 1000.0) as f32;
    UFloat::new(rate)
}

const GROUP: &str = "audio";
