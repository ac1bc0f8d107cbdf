//! What can be wrong with bytes that describe or carry media.

/// Why a piece of codec data was refused. The peer that sent it is at fault; sending it again will
/// not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data stops inside an element.
    #[error("{element} is cut off; the sender must write it whole")]
    Truncated {
        /// The element, by its name in the specification.
        element: &'static str,
    },
    /// An element holds a value outside what its specification, or our limit, allows.
    #[error("{element} is {value}, allowed is {allowed}")]
    OutOfRange {
        /// The element, by its name in the specification.
        element: &'static str,
        /// What it was.
        value: u64,
        /// What it may be.
        allowed: &'static str,
    },
    /// Valid, but nothing downstream can carry it.
    #[error("{element} {value} is not supported; {remedy}")]
    Unsupported {
        /// The element, by its name in the specification.
        element: &'static str,
        /// What it was.
        value: u64,
        /// What to set at the encoder.
        remedy: &'static str,
    },
}
