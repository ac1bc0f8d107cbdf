//! What decoder configuration records have in common: lists of parameter sets behind 16-bit lengths
//! (ISO/IEC 14496-15 sections 5.3.3.1 and 8.3.3.1).

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::{Error, sei};

/// One of the lists of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// `nal_unit_type` of a unit, and what it has to be here.
    pub(crate) type_of: fn(&[u8]) -> u8,
    pub(crate) unit_type: u8,
    /// As many as the record counts, or as there are numbers.
    pub(crate) max: usize,
    /// Its name in the specification.
    pub(crate) element: &'static str,
}

/// What can be written into a record: at least one unit, no more than its count can say, each of
/// its own type and of a length that 16 bits can say.
pub(crate) fn check_units(
    units: &[Bytes],
    Kind {
        type_of,
        unit_type,
        max,
        element,
    }: Kind,
) -> Result<(), Error> {
    if units.is_empty() {
        return Err(Error::Truncated { element });
    }
    if units.len() > max {
        return Err(Error::OutOfRange {
            element,
            value: units.len() as u64,
            allowed: "as many as a configuration record counts",
        });
    }
    for unit in units {
        if type_of(unit) != unit_type {
            return Err(Error::OutOfRange {
                element,
                value: u64::from(type_of(unit)),
                allowed: "a NAL unit of its own type",
            });
        }
        check_length(unit.len())?;
        // It would go to viewers as this server's own.
        if sei::mentions_own(unit) {
            return Err(Error::OutOfRange {
                element: "messages of this server's own in a parameter set",
                value: 1,
                allowed: "0",
            });
        }
    }
    Ok(())
}

pub(crate) const fn check_length(bytes: usize) -> Result<(), Error> {
    if bytes > RECORD_MAX {
        return Err(Error::OutOfRange {
            element: "decoder configuration record in bytes",
            value: bytes as u64,
            allowed: "at most 65535",
        });
    }
    Ok(())
}

/// Appends a list of NAL units that [`check_units`] has passed.
pub(crate) fn put_units(out: &mut BytesMut, units: &[Bytes]) {
    for unit in units {
        out.put_u16(u16::try_from(unit.len()).expect("check_units() measured it"));
        out.put_slice(unit);
    }
}

/// A record, as far as it is not read yet.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub(crate) fn length_size(&mut self) -> Result<u8, Error> {
        match 1 + (self.u8("lengthSizeMinusOne")? & 3) {
            3 => Err(Error::OutOfRange {
                element: "lengthSizeMinusOne",
                value: 2,
                allowed: "0, 1 or 3",
            }),
            size => Ok(size),
        }
    }

    pub(crate) fn take(&mut self, count: usize, element: &'static str) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Error::Truncated { element })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self, element: &'static str) -> Result<u8, Error> {
        self.take(1, element).map(|taken| taken[0])
    }

    pub(crate) fn u16(&mut self, element: &'static str) -> Result<u16, Error> {
        self.take(2, element)
            .map(|taken| u16::from(taken[0]) << 8 | u16::from(taken[1]))
    }

    /// A list of NAL units behind 16 bits of length.
    pub(crate) fn units(&mut self, count: u16, element: &'static str) -> Result<Vec<Bytes>, Error> {
        // A count is a claim: no memory is kept for units that are not there.
        let mut units = Vec::new();
        for _ in 0..count {
            let length = self.u16(element)?;
            let unit = self.take(usize::from(length), element)?;
            units.push(Bytes::copy_from_slice(unit));
        }
        Ok(units)
    }
}

/// 31 + 255 parameter sets of 100 to 200 bytes would be rare and still fit.
pub(crate) const RECORD_MAX: usize = 65_535;
