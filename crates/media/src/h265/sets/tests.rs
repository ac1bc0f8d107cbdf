//! Sets in the access units of encoders that repeat them.

use super::*;
use crate::h265::vectors::{CAMERA, SMALL, X265, X265_PPS, X265_VPS, access_unit, hex};

fn config() -> H265Config {
    configure(vec![hex(X265_VPS)], vec![hex(X265)], vec![hex(X265_PPS)]).unwrap()
}

const IDR: &[u8] = &[0x26, 1, 0xaf, 1, 2, 3];
const AUD: &[u8] = &[0x46, 1, 0x50];

#[test]
fn repeated_sets_are_taken_out() {
    let (vps, sps, pps) = (hex(X265_VPS), hex(X265), hex(X265_PPS));
    let unit = access_unit(&[AUD, &vps, &sps, &pps, &pps, IDR]);
    let sets = sets_of(&unit);
    assert_eq!(
        (&sets.vps, &sets.sps, &sets.pps),
        (&vec![vps], &vec![sps], &vec![pps])
    );
    assert!(sets.are_in(&config()));
    assert_eq!(without(&unit, &config()), access_unit(&[AUD, IDR]));
}

#[test]
fn an_access_unit_without_them_is_shared() {
    let unit = access_unit(&[AUD, IDR]);
    assert!(sets_of(&unit).is_empty());
    assert_eq!(without(&unit, &config()).as_ptr(), unit.as_ptr());
    // Another layer's sets are none of ours.
    assert!(sets_of(&access_unit(&[&[0x44, 9, 0xc1], IDR])).is_empty());
}

#[test]
fn other_sets_make_another_configuration() {
    let pps_of = |id_bits: u8| Bytes::copy_from_slice(&[0x44, 1, id_bits, 0x72, 0xb4]);
    // Number 1, which is 010 as a code, beside number 0.
    let second = pps_of(0b0101_0000);
    let sets = sets_of(&access_unit(&[&second, IDR]));
    assert!(!sets.are_in(&config()));
    let both = sets.onto(Some(&config())).unwrap();
    assert_eq!(both.pps, [hex(X265_PPS), second.clone()]);
    assert_eq!((&both.vps, &both.sps), (&config().vps, &config().sps));
    // Number 0 anew.
    let anew = pps_of(0xc3);
    let sets = sets_of(&access_unit(&[&anew, IDR]));
    assert_eq!(sets.onto(Some(&both)).unwrap().pps, [second, anew]);
    // Another picture size replaces the one of its number; all three kinds replace everything.
    let smaller = sets_of(&access_unit(&[&hex(SMALL), IDR]))
        .onto(Some(&config()))
        .unwrap();
    assert_eq!((smaller.width, smaller.sps.len()), (160, 1));
    let whole = access_unit(&[&hex(X265_VPS), &hex(CAMERA), &hex(X265_PPS), IDR]);
    assert_eq!(
        sets_of(&whole).onto(Some(&both)).unwrap().pps,
        [hex(X265_PPS)]
    );
    // Not enough to begin with.
    sets_of(&access_unit(&[&hex(CAMERA), IDR]))
        .onto(None)
        .unwrap_err();
}

#[test]
fn of_more_sets_than_there_can_be_no_more_are_taken() {
    let pps = |n: u16| [&[0x44, 1][..], &n.to_be_bytes()].concat();
    let units: Vec<Vec<u8>> = (0..4_000).map(pps).collect();
    let slices: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
    let sets = sets_of(&access_unit(&slices));
    assert_eq!(sets.pps.len(), 65);
    assert!(sets.onto(Some(&config())).is_err());
}
