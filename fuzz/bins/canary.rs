//! A reader with a bug on purpose, in the shape of ours. Exploration that does not find it finds nothing: `scripts/fuzz`
//! runs it first, from an empty corpus, and fails unless it falls within a minute.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = read(data);
});

#[derive(Debug)]
struct Refused;

/// A message like those of our protocols: a type, a length, fields, and a word of four bytes in the innermost.
fn read(bytes: &[u8]) -> Result<u32, Refused> {
    let (&[kind, high, low], rest) = bytes.split_first_chunk().ok_or(Refused)?;
    if kind != 0x12 {
        return Err(Refused);
    }
    let length = usize::from(high) << 8 | usize::from(low);
    let body = rest.get(..length).ok_or(Refused)?;
    let (&tag, body) = body.split_first().ok_or(Refused)?;
    match tag {
        0x02 => {
            let (word, rest) = body.split_first_chunk().ok_or(Refused)?;
            let word = u32::from_be_bytes(*word);
            assert!(
                word != u32::from_be_bytes(*b"bird") || rest.is_empty(),
                "the canary is found"
            );
            Ok(word)
        }
        _ => Err(Refused),
    }
}
