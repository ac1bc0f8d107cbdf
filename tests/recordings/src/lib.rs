//! Reads the recordings that tests are fed with. For tests alone: what is no recording makes it panic.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

/// The frames of an IVF file: 32 bytes of header, and 12 before each frame that begin with its size.
///
/// # Panics
/// On a file that is cut off.
pub fn ivf(file: &'static [u8]) -> Vec<&'static [u8]> {
    let mut rest = &file[32..];
    let mut frames = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let size = u32::from_le_bytes(*head.first_chunk().unwrap());
        let (frame, after) = after.split_at(size.try_into().unwrap());
        frames.push(frame);
        rest = after;
    }
    frames
}
