//! Records of encoders, and what is written instead of them.

use super::*;
use crate::{
    VideoConfig,
    h265::vectors::{CAMERA, HEIF, LAYERS, SMALL, TEN_BIT, X265, X265_PPS, X265_VPS, YUV422, hex},
    sei::OWN_UUID,
};

fn config(sps: &str) -> H265Config {
    configure(vec![hex(X265_VPS)], vec![hex(sps)], vec![hex(X265_PPS)]).unwrap()
}

/// As a sender writes it: arrays by type.
fn record(arrays: &[(u8, &[Bytes])]) -> Vec<u8> {
    let mut out = vec![1; 1];
    out.extend([0; 20]);
    out.push(0xf0 | 3);
    out.push(u8::try_from(arrays.len()).unwrap());
    for (kind, units) in arrays {
        out.push(*kind);
        out.extend(u16::try_from(units.len()).unwrap().to_be_bytes());
        for unit in *units {
            out.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
            out.extend_from_slice(unit);
        }
    }
    out
}

fn sets() -> [Bytes; 3] {
    [hex(X265_VPS), hex(X265), hex(X265_PPS)]
}

#[test]
fn names_are_those_players_know() {
    for (sps, name) in [
        (X265, "hvc1.1.6.H120.90"),
        (CAMERA, "hvc1.1.2.L120.90"),
        (HEIF, "hvc1.1.6.L120"),
        (SMALL, "hvc1.1.6.L30.90"),
        (TEN_BIT, "hvc1.2.4.L90.90"),
        (YUV422, "hvc1.4.10.L60.9D.8"),
        (LAYERS, "hvc1.1.6.L186.80"),
    ] {
        assert_eq!(VideoConfig::from(config(sps)).codecs(), name);
    }
    assert_eq!(VideoConfig::from(config(TEN_BIT)).profile(), "Main 10");
    assert_eq!(
        VideoConfig::from(config(YUV422)).profile(),
        "Range Extensions"
    );
}

#[test]
fn a_record_is_written_anew() {
    let [vps, sps, pps] = sets();
    let sei = Bytes::from_static(&[0x4e, 1, 5, 1, 0, 0x80]);
    let sent = record(&[
        (NAL_VPS, std::slice::from_ref(&vps)),
        (NAL_SPS, std::slice::from_ref(&sps)),
        (NAL_PPS, std::slice::from_ref(&pps)),
        (39, &[sei]),
    ]);
    let read = parse_hvcc(&sent).unwrap();
    assert_eq!((read.length_size, read.config.reorder_pics), (4, 2));
    assert_eq!(
        read.config,
        configure(vec![vps.clone()], vec![sps.clone()], vec![pps.clone()]).unwrap()
    );
    let head = hex("01 21 60000000 900000000000 78 f000 fc fd f8 f8 0000 0f 03");
    let hvcc = &read.config.hvcc;
    assert_eq!(hvcc[..23], head[..]);
    // Each array is complete, and messages are left out.
    assert_eq!((hvcc[23], &hvcc[24..26]), (0x80 | 32, &[0, 1][..]));
    assert_eq!(hvcc.len(), 23 + 3 * 5 + vps.len() + sps.len() + pps.len());
    let again = parse_hvcc(hvcc).unwrap();
    assert_eq!((again.length_size, &again.config), (4, &read.config));
}

#[test]
fn draft_records_and_shorter_lengths_are_taken() {
    let [vps, sps, pps] = sets();
    let arrays: [(u8, &[Bytes]); 3] = [
        (0x80 | NAL_VPS, &[vps]),
        (NAL_SPS, &[sps]),
        (NAL_PPS, &[pps]),
    ];
    let mut sent = record(&arrays);
    sent[0] = 0;
    sent[21] = 0xf1;
    assert_eq!(parse_hvcc(&sent).unwrap().length_size, 2);
    for (at, value) in [(0, 2), (21, 0xf2)] {
        let mut broken = sent.clone();
        broken[at] = value;
        assert!(parse_hvcc(&broken).is_err(), "{at}");
    }
    for length in 0..sent.len() {
        assert!(parse_hvcc(&sent[..length]).is_err(), "{length}");
    }
}

#[test]
fn sets_that_make_no_track_are_refused() {
    let [vps, sps, pps] = sets();
    let refused = |vps: &[&Bytes], sps: &[&Bytes], pps: &[&Bytes]| {
        let owned = |list: &[&Bytes]| list.iter().map(|unit| (*unit).clone()).collect();
        configure(owned(vps), owned(sps), owned(pps)).unwrap_err()
    };
    refused(&[], &[&sps], &[&pps]);
    refused(&[&vps], &[], &[&pps]);
    refused(&[&vps], &[&sps], &[]);
    refused(&[&sps], &[&vps], &[&pps]);
    refused(&[&vps; 17], &[&sps], &[&pps]);
    refused(&[&vps], &[&sps], &[&pps; 65]);
    let forged = Bytes::from([&pps[..], &OWN_UUID].concat());
    refused(&[&vps], &[&sps], &[&forged]);
    let other_size = refused(&[&vps], &[&sps, &hex(SMALL)], &[&pps]);
    assert!(
        other_size.to_string().contains("one picture size"),
        "{other_size}"
    );
    let long = Bytes::from([&vps[..], &[0; 40_000]].concat());
    refused(&[&long, &long], &[&sps], &[&pps]);
}
