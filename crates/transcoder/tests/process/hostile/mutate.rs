//! How a stream is broken.

use bytes::{Bytes, BytesMut};
use media::h264;
use transcode::{AacToOpus, Start, VideoSource, VideoToH264, VideoToJpeg};

use super::source::{Codec, Source, Unit};

/// The same numbers in every run.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        // Neighbouring seeds are to have nothing in common; and zero would stay zero.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// George Marsaglia's xorshift.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

pub(super) type Mutation = (&'static str, fn(&mut Dice, &mut Vec<Unit>));

/// Those that make sense of a codec.
pub(super) fn mutations(codec: Codec) -> Vec<Mutation> {
    let mut all = ANY.to_vec();
    if matches!(codec, Codec::H264 | Codec::H265) {
        all.extend(NALS);
    }
    if codec == Codec::H264 {
        all.extend(SETS);
    }
    all
}

const ANY: &[Mutation] = &[
    ("bits flipped", |dice, units| {
        for unit in units {
            for _ in 0..dice.below(8) {
                flip(dice, unit);
            }
        }
    }),
    ("one bit flipped", |dice, units| {
        let n = dice.below(units.len());
        flip(dice, &mut units[n]);
    }),
    ("cut short", |dice, units| {
        for unit in units {
            if dice.below(3) == 0 {
                let length = 1 + dice.below(unit.payload.len());
                unit.payload.truncate(length);
            }
        }
    }),
    ("out of order", |dice, units| {
        for n in 1..units.len() {
            units.swap(n, dice.below(n + 1));
        }
    }),
    ("without its beginning", |dice, units| {
        units.drain(..1 + dice.below(units.len() - 1));
    }),
    ("with gaps", |dice, units| {
        units.retain(|_| dice.below(3) > 0);
    }),
    ("one put into another", |dice, units| {
        for n in 1..units.len() {
            let other = units[dice.below(n)].payload.clone();
            let at = dice.below(units[n].payload.len());
            units[n].payload = [&units[n].payload[..at], &other[dice.below(other.len())..]]
                .concat()
                .into();
        }
    }),
    ("noise", |dice, units| {
        for unit in units {
            let length = 1 + dice.below(2_000);
            unit.payload = dice.bytes(length).into();
        }
    }),
    ("noise behind the first bytes", |dice, units| {
        for unit in units {
            let length = dice.below(200);
            unit.payload.truncate(8);
            unit.payload = [&unit.payload[..], &dice.bytes(length)].concat().into();
        }
    }),
    ("a great deal of noise", |dice, units| {
        units.truncate(2);
        for unit in units {
            unit.payload = [&unit.payload[..], &dice.bytes(60_000)].concat().into();
            unit.payload.truncate(60_000);
        }
    }),
];

/// Of NAL units behind their lengths.
const NALS: &[Mutation] = &[
    ("lengths that are not", |dice, units| {
        for unit in units {
            if dice.below(2) == 0 || unit.payload.len() < 4 {
                continue;
            }
            let told = u32::try_from(unit.payload.len() - 4).unwrap();
            let [small, random] = [dice.below(100), dice.below(1 << 31)];
            let [small, random] = [small, random].map(|n| u32::try_from(n).unwrap());
            let length = dice.one_of(&[
                0,
                1,
                3,
                told.wrapping_sub(1),
                told + 1,
                u32::MAX,
                1 << 31,
                small,
                random,
            ]);
            let mut payload = BytesMut::from(&unit.payload[..]);
            payload[..4].copy_from_slice(&length.to_be_bytes());
            unit.payload = payload.freeze();
        }
    }),
    ("NAL units cut short", |dice, units| {
        for unit in units {
            let cut = |nal: Bytes| nal.slice(..1 + dice.below(nal.len()));
            unit.payload = joined(h264::nals(&unit.payload).map(cut));
        }
    }),
    ("NAL units of other pictures", |dice, units| {
        let mut all: Vec<Bytes> = Vec::new();
        for unit in units.iter() {
            all.extend(h264::nals(&unit.payload));
        }
        for unit in units {
            let count = 1 + dice.below(4);
            unit.payload = joined((0..count).map(|_| all[dice.below(all.len())].clone()));
        }
    }),
    ("10,000 tiny NAL units", |dice, units| {
        let unit = dice.below(units.len());
        let first: Vec<Bytes> = h264::nals(&units[0].payload).collect();
        let tiny = (0..10_000).map(|_| {
            let mut nal = first[dice.below(first.len())].slice(..2).to_vec();
            if dice.below(2) == 0 {
                nal[0] = dice.byte() & 0x7f;
            }
            let more = dice.below(4);
            nal.extend(dice.bytes(more));
            Bytes::from(nal)
        });
        units[unit].payload = joined(tiny);
    }),
    ("NAL units of other types", |dice, units| {
        for unit in units {
            let other = |nal: Bytes| {
                let mut nal = nal.to_vec();
                nal[0] = dice.byte() & 0x7f;
                Bytes::from(nal)
            };
            unit.payload = joined(h264::nals(&unit.payload).map(other));
        }
    }),
];

/// Of H.264's sets.
const SETS: &[Mutation] = &[
    ("another size told", |dice, units| {
        let (width, height) = dice.one_of(&[(1, 1), (3, 255), (11, 9), (40, 23), (120, 68)]);
        resize(units, width, height);
    }),
    ("sets with bits flipped", |dice, units| {
        let mut with_bits = units[0].clone();
        for _ in 0..1 + dice.below(6) {
            // What an encoder repeats before a key frame stands first.
            let end = with_bits.payload.len().min(50);
            let at = 4 + dice.below(end - 4);
            flip_at(&mut with_bits, at, dice.below(8));
        }
        units[0] = with_bits;
    }),
    ("messages that do not end", |dice, units| {
        // Rec. ITU-T H.264 section 7.3.2.3: type and size are sums of bytes, as long as those are 0xff.
        let mut sei = vec![0x06, dice.one_of(&[0, 1, 4, 5, 6, 45])];
        let length = dice.below(4_000);
        sei.extend(std::iter::repeat_n(0xff, length));
        sei.extend(dice.bytes(20));
        before(units, sei.into());
    }),
];

/// The same conversion of a source that is described wrongly.
pub(super) fn configuration(dice: &mut Dice, start: &Start) -> Start {
    let mut broken = |bytes: &Bytes| {
        let mut bytes = bytes.to_vec();
        for _ in 0..1 + dice.below(4) {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
        }
        if dice.below(3) == 0 {
            bytes.truncate(7.max(dice.below(bytes.len())));
        }
        let more = dice.below(3) * dice.below(30);
        bytes.extend(dice.bytes(more));
        Bytes::from(bytes)
    };
    match start {
        Start::AacToOpus(aac) => Start::AacToOpus(AacToOpus {
            asc: broken(&aac.asc),
            ..aac.clone()
        }),
        Start::VideoToH264(video) => Start::VideoToH264(VideoToH264 {
            source: with_record(&video.source, broken),
            ..video.clone()
        }),
        Start::VideoToJpeg(still) => Start::VideoToJpeg(VideoToJpeg {
            source: with_record(&still.source, broken),
            ..still.clone()
        }),
        Start::OpusToAac(opus) => Start::OpusToAac(*opus),
    }
}

fn with_record(source: &VideoSource, other: impl FnOnce(&Bytes) -> Bytes) -> VideoSource {
    match source {
        VideoSource::H264(record) => VideoSource::H264(other(record)),
        VideoSource::H265(record) => VideoSource::H265(other(record)),
        VideoSource::Vp9 | VideoSource::Vp8 | VideoSource::Av1 => source.clone(),
    }
}

fn flip(dice: &mut Dice, unit: &mut Unit) {
    if !unit.payload.is_empty() {
        flip_at(unit, dice.below(unit.payload.len()), dice.below(8));
    }
}

fn flip_at(unit: &mut Unit, at: usize, bit: usize) {
    let mut payload = BytesMut::from(&unit.payload[..]);
    payload[at] ^= 1 << bit;
    unit.payload = payload.freeze();
}

/// The group's own sets tell another size, in macroblocks.
pub(super) fn resize(units: &mut [Unit], width: u32, height: u32) {
    let other = |nal: Bytes| match nal[0] & 0x1f {
        h264::NAL_SPS => resized(&nal, width, height),
        _ => nal,
    };
    units[0].payload = joined(h264::nals(&units[0].payload).map(other));
}

/// Puts a NAL unit before the first picture's slices, and behind the sets that are repeated there.
fn before(units: &mut [Unit], nal: Bytes) {
    let is_slice = |nal: &Bytes| matches!(nal[0] & 0x1f, h264::NAL_SLICE | h264::NAL_IDR);
    let (slices, rest): (Vec<_>, Vec<_>) = h264::nals(&units[0].payload).partition(is_slice);
    units[0].payload = joined(rest.into_iter().chain([nal]).chain(slices));
}

/// NAL units, each behind its length.
pub(super) fn joined(nals: impl IntoIterator<Item = Bytes>) -> Bytes {
    let mut payload = Vec::new();
    for nal in nals {
        payload.extend(u32::try_from(nal.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(&nal);
    }
    payload.into()
}

/// The same sequence parameter set (Rec. ITU-T H.264 section 7.3.2.1.1) with another size, in macroblocks: what follows is
/// decoded into pictures of that size.
fn resized(sps: &[u8], width: u32, height: u32) -> Bytes {
    let (header, rest) = sps.split_at(4);
    assert_eq!(header[1], 100, "as `-profile:v high` makes it");
    let mut bits = Bits::of(&without_emulation_prevention(rest));
    for _identifier_chroma_and_depths in 0..4 {
        bits.golomb();
    }
    assert_eq!((bits.take(1), bits.take(1)), (0, 0), "no scaling matrix");
    bits.golomb();
    // Picture order of type 0 has a number of its own.
    if bits.golomb() == 0 {
        bits.golomb();
    }
    bits.golomb();
    bits.take(1);
    let before = bits.at;
    bits.golomb();
    bits.golomb();
    let mut out = bits.all[..before].to_vec();
    put_golomb(&mut out, width - 1);
    put_golomb(&mut out, height - 1);
    out.extend(&bits.all[bits.at..]);
    [header, &with_emulation_prevention(&bytes_of(&out))]
        .concat()
        .into()
}

struct Bits {
    all: Vec<bool>,
    at: usize,
}

impl Bits {
    fn of(bytes: &[u8]) -> Self {
        let bits = |byte: &u8| (0..8).rev().map(|n| byte >> n & 1 == 1).collect::<Vec<_>>();
        let all = bytes.iter().flat_map(bits).collect();
        Self { all, at: 0 }
    }

    fn take(&mut self, count: usize) -> u32 {
        let bits = &self.all[self.at..self.at + count];
        self.at += count;
        bits.iter()
            .fold(0, |value, bit| value << 1 | u32::from(*bit))
    }

    /// Exp-Golomb (section 9.1).
    fn golomb(&mut self) -> u32 {
        let zeros = self.all[self.at..].iter().take_while(|bit| !**bit).count();
        self.at += zeros;
        self.take(zeros + 1) - 1
    }
}

fn put_golomb(bits: &mut Vec<bool>, value: u32) {
    let length = 32 - (value + 1).leading_zeros();
    bits.extend((1..length).map(|_| false));
    bits.extend((0..length).rev().map(|n| (value + 1) >> n & 1 == 1));
}

fn bytes_of(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| {
        let bit = |(n, bit): (usize, &bool)| u8::from(*bit) << (7 - n);
        bits.iter().enumerate().map(bit).sum()
    };
    bits.chunks(8).map(byte).collect()
}

/// Section 7.4.1.1: a byte 3 stands between two zeros and what would look like a start code.
fn without_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if *byte == 3 && out.ends_with(&[0, 0]) {
            continue;
        }
        out.push(*byte);
    }
    out
}

fn with_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if *byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(*byte);
    }
    out
}

#[test]
fn the_size_that_is_told_is_read_so() {
    let mut units = Source::of(Codec::H264).units;
    resize(&mut units, 20, 300);
    let sps = h264::nals(&units[0].payload).find(|nal| nal[0] & 0x1f == h264::NAL_SPS);
    let sps = h264::parse_sps(&sps.unwrap()).unwrap();
    // Of 12 rows of macroblocks four lines are cropped.
    assert_eq!((sps.width, sps.height), (320, 300 * 16 - 12));
}
