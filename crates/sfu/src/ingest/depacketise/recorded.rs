//! What libvpx and libaom encoded, in packets as browsers make them, comes out as it went in.

use media::{VideoConfig, av1};

use recordings::ivf;

use super::*;

const VP8: &[u8] = include_bytes!("../../../../media/tests/data/vp8.ivf");
const VP9: &[u8] = include_bytes!("../../../../media/tests/data/vp9.ivf");
const AV1: &[u8] = include_bytes!("../../../../media/tests/data/av1.ivf");

/// RFC 7741 with a picture number of 15 bits.
fn vp8(number: u8, frame: &[u8], size: usize) -> Vec<Vec<u8>> {
    let pieces = frame.chunks(size).enumerate();
    let packet = |(n, piece): (usize, &[u8])| {
        let starts = if n == 0 { 0x10 } else { 0 };
        [&[0x80 | starts, 0x80, 0x92, number][..], piece].concat()
    };
    pieces.map(packet).collect()
}

/// RFC 9628 with a picture number of 15 bits.
fn vp9(number: u8, frame: &[u8], size: usize) -> Vec<Vec<u8>> {
    let last = frame.len().div_ceil(size) - 1;
    let pieces = frame.chunks(size).enumerate();
    let packet = |(n, piece): (usize, &[u8])| {
        let starts = if n == 0 { 0x08 } else { 0 };
        let ends = if n == last { 0x04 } else { 0 };
        [&[0x80 | starts | ends, 0x92, number][..], piece].concat()
    };
    pieces.map(packet).collect()
}

/// The AV1 format, each OBU without its size, delimiters left out as it tells senders to.
fn av1(_: u8, unit: &[u8], size: usize) -> Vec<Vec<u8>> {
    let obus: Vec<_> = av1::obus(unit).map(Result::unwrap).collect();
    let begins = obus.iter().any(|obu| obu.kind == av1::OBU_SEQUENCE_HEADER);
    let mut packets: Vec<Vec<u8>> = Vec::new();
    for obu in obus
        .iter()
        .filter(|obu| obu.kind != av1::OBU_TEMPORAL_DELIMITER)
    {
        let bytes = [&[obu.kind << 3], obu.payload].concat();
        let last = bytes.len().div_ceil(size) - 1;
        for (n, piece) in bytes.chunks(size).enumerate() {
            let continues = if n > 0 { 0x80 } else { 0 };
            let goes_on = if n < last { 0x40 } else { 0 };
            let new = if begins && packets.is_empty() {
                0x08
            } else {
                0
            };
            packets.push([&[continues | goes_on | 0x10 | new][..], piece].concat());
        }
    }
    packets
}

/// What LL-HLS has of a temporal unit: all but the delimiter, which is its first two bytes.
fn without_delimiter(unit: &[u8]) -> &[u8] {
    assert_eq!(unit[..2], [0x12, 0]);
    &unit[2..]
}

struct Source {
    codec: RtpCodec,
    frames: Vec<&'static [u8]>,
    packetise: fn(u8, &[u8], usize) -> Vec<Vec<u8>>,
    sample: fn(&[u8]) -> &[u8],
}

fn sources() -> [Source; 3] {
    let source = |codec, file, packetise, sample| Source {
        codec,
        frames: ivf(file),
        packetise,
        sample,
    };
    [
        source(RtpCodec::Vp8, VP8, vp8, |frame| frame),
        source(RtpCodec::Vp9, VP9, vp9, |frame| frame),
        source(RtpCodec::Av1, AV1, av1, without_delimiter),
    ]
}

/// What comes of all packets but those that `lost` names by picture and number.
fn receive(source: &Source, size: usize, markers: bool, lost: &[(usize, usize)]) -> Vec<Output> {
    let mut depacketiser = Depacketiser::new(source.codec);
    let mut outputs = Vec::new();
    let mut after_gap = false;
    for (picture, frame) in source.frames.iter().enumerate() {
        let packets = (source.packetise)(u8::try_from(picture).unwrap(), frame, size);
        for (n, payload) in packets.iter().enumerate() {
            if lost.contains(&(picture, n)) {
                after_gap = true;
                continue;
            }
            depacketiser.push(Packet {
                payload,
                rtp_time: i64::try_from(picture).unwrap() * 3000,
                marker: markers && n + 1 == packets.len(),
                after_gap: std::mem::take(&mut after_gap),
            });
            outputs.extend(std::iter::from_fn(|| depacketiser.poll_output()));
        }
    }
    outputs
}

/// The pictures that were given, by their number, with their configuration.
fn given(source: &Source, outputs: &[Output]) -> Vec<(usize, bool, Option<VideoConfig>)> {
    let mut given = Vec::new();
    for output in outputs {
        if let Output::Unit(unit) = output {
            let picture = usize::try_from(unit.rtp_time / 3000).unwrap();
            assert_eq!(unit.payload, (source.sample)(source.frames[picture]));
            given.push((picture, unit.keyframe, unit.config.clone()));
        }
    }
    given
}

fn numbers(given: &[(usize, bool, Option<VideoConfig>)]) -> Vec<usize> {
    given.iter().map(|(picture, ..)| *picture).collect()
}

#[test]
fn pictures_come_out_as_they_went_in_whatever_the_size_of_packets() {
    for source in sources() {
        for size in [1_180, 100, 7] {
            let outputs = receive(&source, size, true, &[]);
            assert_eq!(outputs.len(), 6, "{:?}", source.codec);
            let given = given(&source, &outputs);
            assert_eq!(numbers(&given), [0, 1, 2, 3, 4, 5]);
            for (picture, keyframe, config) in given {
                assert_eq!(keyframe, picture % 3 == 0, "{:?}", source.codec);
                // The second key frame says the same, which is nothing new.
                assert_eq!(config.is_some(), picture == 0);
                let config = config.map(|config| (config.codec(), config.size()));
                assert!(config.is_none_or(|it| it == (source.codec.into(), (160, 90))));
            }
        }
    }
}

#[test]
fn without_markers_a_picture_ends_where_the_next_begins() {
    for source in sources() {
        let given = given(&source, &receive(&source, 500, false, &[]));
        assert_eq!(numbers(&given), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn a_lost_packet_costs_what_refers_to_its_picture_and_no_more() {
    for source in sources() {
        let last = |picture: usize| {
            let frame = source.frames[picture];
            (source.packetise)(0, frame, 500).len() - 1
        };
        for lost in [(1, 0), (1, last(1)), (2, 0), (2, last(2))] {
            let outputs = receive(&source, 500, true, &[lost]);
            let before: Vec<_> = (0..lost.0).chain(3..6).collect();
            let what = format!("{:?} without {lost:?}: {outputs:?}", source.codec);
            assert_eq!(numbers(&given(&source, &outputs)), before, "{what}");
        }
        for lost in [(0, 0), (0, 1), (0, last(0))] {
            let outputs = receive(&source, 500, true, &[lost]);
            assert_eq!(numbers(&given(&source, &outputs)), [3, 4, 5], "{lost:?}");
        }
    }
}

#[test]
fn a_payload_tells_a_key_frame_before_it_is_whole() {
    for source in sources() {
        let depacketiser = Depacketiser::new(source.codec);
        for (picture, frame) in source.frames.iter().enumerate() {
            let packets = (source.packetise)(0, frame, 1_180);
            let seen: Vec<_> = packets.iter().map(|it| depacketiser.look(it)).collect();
            assert_eq!(
                seen.iter().any(|look| look.keyframe),
                picture % 3 == 0,
                "{:?}",
                source.codec
            );
            assert_eq!(seen.iter().filter(|look| look.picture).count(), 1);
        }
    }
}

#[test]
fn a_pictures_spatial_layers_are_one_sample() {
    let (low, high) = (ivf(VP9)[0], ivf(VP9)[1]);
    let structure = [0x30, 0, 160, 0, 90, 1, 64, 0, 180];
    let low_packet = [&[0xae, 0x92, 1, 0x01, 0x55], &structure[..], low].concat();
    let high_packet = [&[0xec, 0x92, 1, 0x02, 0x55], high].concat();
    let mut depacketiser = Depacketiser::new(RtpCodec::Vp9);
    for (payload, marker) in [(&low_packet, false), (&high_packet, true)] {
        depacketiser.push(Packet {
            payload,
            rtp_time: 0,
            marker,
            after_gap: false,
        });
    }
    let Some(Output::Unit(unit)) = depacketiser.poll_output() else {
        panic!("both layers came");
    };
    assert!(unit.keyframe && unit.payload.starts_with(&[low, high].concat()));
    assert_eq!(unit.payload.len(), low.len() + high.len() + 10);
    assert_eq!(unit.config.map(|config| config.size()), Some((320, 180)));
}
