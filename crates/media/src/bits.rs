//! Reads bits, most significant first, optionally skipping H.264 emulation prevention bytes.

use crate::Error;

/// A cursor over bits; every read names the element it is for.
#[derive(Debug, Clone)]
pub(crate) struct Bits<'a> {
    rest: &'a [u8],
    current: u8,
    /// Bits of `current` not yet read.
    left: u8,
    /// `Some` when reading a NAL unit: how many zero bytes were just passed.
    zeros: Option<u8>,
}

impl<'a> Bits<'a> {
    /// Reads `bytes` as they are.
    pub(crate) const fn plain(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            current: 0,
            left: 0,
            zeros: None,
        }
    }

    /// Reads the payload of a NAL unit (after its header byte), leaving out
    /// `emulation_prevention_three_byte`s.
    pub(crate) const fn nal(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            current: 0,
            left: 0,
            zeros: Some(0),
        }
    }

    pub(crate) fn bit(&mut self, element: &'static str) -> Result<bool, Error> {
        if self.left == 0 {
            self.current = self.next_byte().ok_or(Error::Truncated { element })?;
            self.left = 8;
        }
        self.left -= 1;
        Ok(self.current >> self.left & 1 == 1)
    }

    /// `u(n)`; `n` is at most 32.
    pub(crate) fn u(&mut self, n: u32, element: &'static str) -> Result<u32, Error> {
        debug_assert!(n <= 32, "u({n}) does not fit");
        let mut value = 0;
        for _ in 0..n {
            value = value << 1 | u32::from(self.bit(element)?);
        }
        Ok(value)
    }

    /// `u(n)` of at most 8 bits.
    pub(crate) fn u8(&mut self, n: u32, element: &'static str) -> Result<u8, Error> {
        debug_assert!(n <= 8, "u({n}) does not fit");
        let mut value = 0;
        for _ in 0..n {
            value = value << 1 | u8::from(self.bit(element)?);
        }
        Ok(value)
    }

    /// `ue(v)` (H.264 section 9.1); more than 31 leading zeros name no value the standard uses.
    pub(crate) fn ue(&mut self, element: &'static str) -> Result<u32, Error> {
        let mut zeros = 0;
        while !self.bit(element)? {
            zeros += 1;
            if zeros > 31 {
                return Err(Error::OutOfRange {
                    element,
                    value: u64::from(u32::MAX),
                    allowed: "an Exp-Golomb code of at most 32 bits",
                });
            }
        }
        let suffix = u64::from(self.u(zeros, element)?);
        // zeros <= 31, so that (2^zeros - 1) + suffix <= 2^32 - 2.
        Ok(u32::try_from((1_u64 << zeros) - 1 + suffix).unwrap_or(u32::MAX))
    }

    /// `ue(v)` that must not be more than `max`.
    pub(crate) fn ue_max(
        &mut self,
        max: u32,
        element: &'static str,
        allowed: &'static str,
    ) -> Result<u32, Error> {
        let value = self.ue(element)?;
        if value > max {
            return Err(Error::OutOfRange {
                element,
                value: u64::from(value),
                allowed,
            });
        }
        Ok(value)
    }

    /// `se(v)` (H.264 section 9.1.1).
    pub(crate) fn se(&mut self, element: &'static str) -> Result<i64, Error> {
        let code = i64::from(self.ue(element)?);
        Ok(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        })
    }

    /// Moves on to the next byte boundary.
    pub(crate) const fn align(&mut self) {
        self.left = 0;
    }

    /// Bits not yet read; counts emulation prevention bytes.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest
            .len()
            .saturating_mul(8)
            .saturating_add(self.left as usize)
    }

    fn next_byte(&mut self) -> Option<u8> {
        let mut byte = self.take()?;
        if let Some(zeros) = self.zeros {
            // H.264 section 7.4.1: within the NAL unit the sequence 0x000003 stands for 0x0000.
            let mut zeros = zeros;
            if zeros >= 2 && byte == 3 {
                byte = self.take()?;
                zeros = 0;
            }
            self.zeros = Some(if byte == 0 { (zeros + 1).min(2) } else { 0 });
        }
        Some(byte)
    }

    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_of_table_9_2() {
        // 1 010 011 00100 00101 00110 = 0 1 2 3 4 5
        let bytes = [0b1010_0110, 0b0100_0010, 0b1001_1000];
        let mut bits = Bits::plain(&bytes);
        let got: Vec<_> = (0..6).map(|_| bits.ue("x").unwrap()).collect();
        assert_eq!(got, [0, 1, 2, 3, 4, 5]);
        let mut bits = Bits::plain(&bytes);
        let got: Vec<_> = (0..6).map(|_| bits.se("x").unwrap()).collect();
        assert_eq!(got, [0, 1, -1, 2, -2, 3]);
    }

    #[test]
    fn emulation_prevention_bytes_are_left_out() {
        let mut bits = Bits::nal(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]);
        let got: Vec<_> = (0..7).map_while(|_| bits.u8(8, "x").ok()).collect();
        assert_eq!(got, [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(bits.u8(8, "x"), Err(Error::Truncated { element: "x" }));
    }

    #[test]
    fn an_endless_run_of_zeros_is_refused() {
        assert!(matches!(
            Bits::plain(&[0; 64]).ue("x"),
            Err(Error::OutOfRange { .. })
        ));
        assert_eq!(
            Bits::plain(&[0, 0, 0, 1, 255, 255, 255, 255]).ue("x"),
            Ok(u32::MAX - 1)
        );
    }
}
