//! Small changes of an input, from a seed: what exploration does, without its feedback.

/// A stream of changes that depends on its seed alone.
pub(crate) struct Mutator(u64);

impl Mutator {
    pub(crate) fn new(seed: &str) -> Self {
        // FNV-1a.
        let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, hash))
    }

    /// `input` with one to four changes; parts may come from `others`.
    pub(crate) fn mutant(&mut self, input: &[u8], others: &[&[u8]]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, others);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, others: &[&[u8]]) {
        let at = self.below(bytes.len() + 1);
        let end = bytes.len().min(at + 1 + self.below(16));
        match self.below(9) {
            0 if at < end => bytes[at] ^= 1 << self.below(8),
            1 if at < end => bytes[at] = self.byte(),
            2 => bytes.insert(at, self.byte()),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => {
                let again = bytes[at..end].repeat(1 + self.below(3));
                bytes.splice(at..at, again);
            }
            6 => {
                let other = others[self.below(others.len())];
                let from = self.below(other.len() + 1);
                let until = other.len().min(from + 1 + self.below(64));
                bytes.splice(at..end, other[from..until].iter().copied());
            }
            7 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_be_bytes();
                let width = 1 << self.below(4);
                for (byte, new) in bytes[at..].iter_mut().zip(&number[8 - width..]) {
                    *byte = *new;
                }
            }
            _ => {
                let text = TEXTS[self.below(TEXTS.len())];
                bytes.splice(at..end, text.bytes());
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap();
        usize::try_from((self.next() >> 16) % limit).unwrap()
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Where arithmetic goes wrong.
const NUMBERS: [u64; 8] = [
    0,
    1,
    0x7f7f_7f7f_7f7f_7f7f,
    0x7fff_ffff_7fff_ffff,
    0x8000_0000_8000_0000,
    u64::MAX - 1,
    u64::MAX,
    0x00ff_ffff_00ff_ffff,
];

/// Where text does.
const TEXTS: [&str; 8] = [
    "-1",
    "9223372036854775808",
    "1e400",
    "\r\n",
    "\"",
    "null",
    "\u{202e}\u{0}",
    "%2F",
];
