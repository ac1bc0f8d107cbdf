//! Datagrams in a TCP connection (RFC 4571 section 2): each behind its length, two octets in network
//! order.

/// Takes a connection's bytes, gives its datagrams. Keeps at most one that is not complete.
#[derive(Debug)]
pub struct Deframer {
    /// What has come of the frame that is being read, its length first.
    partial: Vec<u8>,
    datagram_max: usize,
}

/// The connection cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {length} bytes, the limit is {limit}: this is no WebRTC peer")]
pub struct FrameError {
    /// What the frame says.
    pub length: usize,
    /// What a datagram may have.
    pub limit: usize,
}

impl Deframer {
    /// For datagrams of up to `datagram_max` bytes.
    pub fn new(datagram_max: usize) -> Self {
        Self {
            partial: Vec::new(),
            datagram_max,
        }
    }

    /// Reads `bytes` in any split, and hands each datagram that has become complete to `take`. Empty
    /// ones are passed over: they carry nothing.
    ///
    /// # Errors
    ///
    /// A frame too long to be a datagram: nothing after it can be trusted.
    pub fn read(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), FrameError> {
        loop {
            if self.partial.is_empty() {
                // The common case: whole frames, which are not copied.
                while let Some((datagram, rest)) = self.split(bytes)? {
                    if !datagram.is_empty() {
                        take(datagram);
                    }
                    bytes = rest;
                }
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let wanted = self.wanted()?;
            let some = wanted.min(bytes.len());
            self.partial.extend_from_slice(&bytes[..some]);
            bytes = &bytes[some..];
            if self.wanted()? == 0 {
                if self.partial.len() > HEAD {
                    take(&self.partial[HEAD..]);
                }
                self.partial.clear();
            }
        }
    }

    /// The first frame of `bytes` and what follows, if it is whole.
    fn split<'a>(&self, bytes: &'a [u8]) -> Result<Option<Split<'a>>, FrameError> {
        let Some((head, rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        Ok(rest.split_at_checked(self.length(*head)?))
    }

    /// How many bytes the frame that is being read still needs, its length first.
    fn wanted(&self) -> Result<usize, FrameError> {
        match self.partial.first_chunk() {
            None => Ok(HEAD - self.partial.len()),
            Some(head) => Ok(HEAD + self.length(*head)? - self.partial.len()),
        }
    }

    fn length(&self, head: [u8; HEAD]) -> Result<usize, FrameError> {
        let (length, limit) = (usize::from(u16::from_be_bytes(head)), self.datagram_max);
        if length > limit {
            return Err(FrameError { length, limit });
        }
        Ok(length)
    }
}

/// What goes before a datagram of `length` bytes; `None` if no frame can hold it.
pub fn frame_head(length: usize) -> Option<[u8; HEAD]> {
    u16::try_from(length).ok().map(u16::to_be_bytes)
}

/// A datagram, and what follows its frame.
type Split<'a> = (&'a [u8], &'a [u8]);

const HEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(datagrams: &[&[u8]]) -> Vec<u8> {
        let frame = |datagram: &&[u8]| [&frame_head(datagram.len()).unwrap(), *datagram].concat();
        datagrams.iter().flat_map(frame).collect()
    }

    fn read(bytes: &[u8], split: usize) -> Vec<Vec<u8>> {
        let (mut deframer, mut read) = (Deframer::new(2_048), Vec::new());
        for chunk in bytes.chunks(split) {
            let take = |datagram: &[u8]| read.push(datagram.to_vec());
            deframer.read(chunk, take).unwrap();
            assert!(deframer.partial.len() < HEAD + 2_048);
        }
        read
    }

    #[test]
    fn datagrams_come_out_as_they_went_in_whatever_the_split() {
        let long = [7; 2_048];
        let bytes = framed(&[b"one", b"", &long, b"2", b""]);
        for split in [1, 2, 3, 5, 7, 100, 2_049, 2_050, 10_000] {
            assert_eq!(read(&bytes, split), [b"one".as_slice(), &long, b"2"]);
        }
    }

    #[test]
    fn a_frame_too_long_to_be_a_datagram_is_an_error_from_its_length_on() {
        let mut deframer = Deframer::new(2_048);
        let error = FrameError {
            length: 0x4745,
            limit: 2_048,
        };
        let nothing = |_: &[u8]| unreachable!();
        assert_eq!(deframer.read(b"GE", nothing), Err(error));
        let mut deframer = Deframer::new(2_048);
        assert_eq!(deframer.read(b"G", nothing), Ok(()));
        assert_eq!(deframer.read(b"ET / HTTP/1.1", nothing), Err(error));
        assert_eq!(frame_head(65_536), None);
    }
}
