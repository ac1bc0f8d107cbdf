//! A reader of chunks: box by box, then sample by sample.

use mp4_atom::{Atom, Decode, Moof};

/// A top-level box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopBox {
    pub(crate) kind: String,
    /// Header included.
    pub(crate) bytes: Vec<u8>,
}

/// A sample as a player sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) dts: u64,
    pub(crate) pts: i64,
    pub(crate) duration: u32,
    pub(crate) sync: bool,
    pub(crate) payload: Vec<u8>,
}

/// The boxes of a file.
pub(crate) fn top(mut bytes: &[u8]) -> Vec<TopBox> {
    let mut boxes = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        assert!(
            (8..=bytes.len()).contains(&size),
            "box of {size} bytes in {}",
            bytes.len()
        );
        let kind = String::from_utf8(bytes[4..8].to_vec()).unwrap();
        boxes.push(TopBox {
            kind,
            bytes: bytes[..size].to_vec(),
        });
        bytes = &bytes[size..];
    }
    boxes
}

/// The kinds of a file's boxes.
pub(crate) fn kinds(bytes: &[u8]) -> Vec<String> {
    top(bytes).into_iter().map(|top| top.kind).collect()
}

/// The `moof` of a chunk.
pub(crate) fn moof(bytes: &[u8]) -> Moof {
    let top = top(bytes)
        .into_iter()
        .find(|top| top.kind == "moof")
        .unwrap();
    Moof::decode_body(&mut &top.bytes[8..]).unwrap()
}

/// The samples of a chunk, read through their offsets.
pub(crate) fn samples(bytes: &[u8]) -> Vec<Sample> {
    let boxes = top(bytes);
    let before: usize = boxes
        .iter()
        .take_while(|top| top.kind != "moof")
        .map(|top| top.bytes.len())
        .sum();
    let moof = moof(bytes);
    let [traf] = &moof.traf[..] else {
        panic!("one traf per moof")
    };
    let [trun] = &traf.trun[..] else {
        panic!("one trun per traf")
    };
    assert!(traf.tfhd.default_base_is_moof && traf.tfhd.base_data_offset.is_none());
    let mut at = before + usize::try_from(trun.data_offset.unwrap()).unwrap();
    let mut dts = traf.tfdt.as_ref().unwrap().base_media_decode_time;
    let mut samples = Vec::new();
    for entry in trun.samples.iter() {
        let (size, duration) = (entry.size.unwrap() as usize, entry.duration.unwrap());
        samples.push(Sample {
            dts,
            pts: i64::try_from(dts).unwrap() + entry.cts.unwrap(),
            duration,
            sync: match entry.flags.unwrap() {
                0x0200_0000 => true,
                0x0101_0000 => false,
                other => panic!("sample flags {other:08x}"),
            },
            payload: bytes[at..at + size].to_vec(),
        });
        at += size;
        dts += u64::from(duration);
    }
    assert_eq!(
        at,
        bytes.len(),
        "the samples fill the mdat to the end of the chunk"
    );
    samples
}

/// The body of the one box of a kind.
pub(crate) fn decode<T: Atom>(bytes: &[u8]) -> T {
    let kind = T::KIND.to_string();
    let top = top(bytes).into_iter().find(|top| top.kind == kind).unwrap();
    T::decode(&mut &top.bytes[..]).unwrap()
}
