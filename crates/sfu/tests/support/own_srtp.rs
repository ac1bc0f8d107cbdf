//! SRTP of our own, for the spike and the benchmark: AEAD profiles only, sending only.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test and benchmark uses its part of the harness, and may fail where it likes"
)]

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{AES_128, AES_256, EncryptingKey, UnboundCipherKey},
};
use str0m::crypto::dtls::SrtpProfile;

/// What DTLS exported (RFC 5764 section 4.2), and for which profile.
#[derive(Debug, Clone)]
pub struct Taken {
    pub material: Vec<u8>,
    pub profile: SrtpProfile,
}

/// A packet before it is sealed.
#[derive(Debug, Clone, Copy)]
pub struct RtpPacket<'a> {
    /// With extensions.
    pub header: &'a [u8],
    pub payload: &'a [u8],
    /// Rollover counter and sequence number.
    pub index: u64,
}

/// Seals packets of one SSRC under one key, each index at most once.
pub struct SrtpSender {
    key: LessSafeKey,
    salt: [u8; 12],
    next: u64,
}

impl SrtpSender {
    /// The sender of one side.
    pub fn new(taken: &Taken, is_dtls_client: bool) -> Self {
        let (length, algorithm) = match taken.profile {
            SrtpProfile::AEAD_AES_128_GCM => (16, &AES_128_GCM),
            SrtpProfile::AEAD_AES_256_GCM => (32, &AES_256_GCM),
            other @ (SrtpProfile::AES128_CM_SHA1_80 | _) => panic!("{other} is not used here"),
        };
        // RFC 5764 section 4.2: client key, server key, client salt, server salt; 12 octets of salt
        // by RFC 7714.
        let side = usize::from(!is_dtls_client);
        let master = &taken.material[side * length..][..length];
        let master_salt = &taken.material[2 * length + side * 12..][..12];
        let mut key = vec![0; length];
        derive(master, master_salt, LABEL_ENCRYPTION, &mut key);
        let mut salt = [0; 12];
        derive(master, master_salt, LABEL_SALT, &mut salt);
        let key = UnboundKey::new(algorithm, &key).expect("the key has the algorithm's length");
        Self {
            key: LessSafeKey::new(key),
            salt,
            next: 0,
        }
    }

    /// Appends the sealed packet to `out`.
    pub fn seal(&mut self, packet: &RtpPacket<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
        if packet.index < self.next {
            return Err(Refused::Reused);
        }
        self.next = packet.index + 1;
        let begins = out.len();
        out.extend_from_slice(packet.header);
        out.extend_from_slice(packet.payload);
        let (header, payload) = out[begins..].split_at_mut(packet.header.len());
        let nonce = Nonce::assume_unique_for_key(self.nonce(header, packet.index));
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(header), payload);
        out.extend_from_slice(tag.map_err(|_| Refused::TooLong)?.as_ref());
        Ok(())
    }

    /// RFC 7714 section 8.1: 00 00, SSRC, rollover counter, sequence number; exclusive-or the salt.
    fn nonce(&self, header: &[u8], index: u64) -> [u8; 12] {
        let mut nonce = self.salt;
        for (octet, other) in nonce[2..6].iter_mut().zip(&header[8..12]) {
            *octet ^= other;
        }
        for (octet, other) in nonce[6..].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *octet ^= other;
        }
        nonce
    }
}

/// Why a packet was not sealed.
#[derive(Debug)]
pub enum Refused {
    /// An index was to be sealed a second time: GCM forbids it (RFC 7714 section 8).
    Reused,
    /// More than GCM can seal at once.
    TooLong,
}

/// RFC 3711 section 4.3.3: AES in counter mode over (label exclusive-or salt) * 2^16; key
/// derivation rate 0.
fn derive(master: &[u8], salt: &[u8], label: u8, out: &mut [u8]) {
    let mut block = [0; 16];
    block[..salt.len()].copy_from_slice(salt);
    block[7] ^= label;
    let algorithm = if master.len() == 16 {
        &AES_128
    } else {
        &AES_256
    };
    for (round, chunk) in out.chunks_mut(16).enumerate() {
        block[15] = u8::try_from(round).expect("a key has at most two blocks");
        let key = UnboundCipherKey::new(algorithm, master).expect("the key has its length");
        let key = EncryptingKey::ecb(key).expect("ECB needs nothing else");
        let mut encrypted = block;
        key.encrypt(&mut encrypted).expect("a block is a block");
        chunk.copy_from_slice(&encrypted[..chunk.len()]);
    }
}

const LABEL_ENCRYPTION: u8 = 0;
const LABEL_SALT: u8 = 2;
