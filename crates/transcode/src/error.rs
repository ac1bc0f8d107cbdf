//! What can be wrong with a message, or with an input of the supervisor.

/// Why bytes are no message, a message cannot be written, or an input does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A length outside the protocol's limits.
    #[error("{element} of {bytes} bytes; between {min} and {max} are allowed")]
    Length {
        /// Which field.
        element: &'static str,
        /// How long it is.
        bytes: usize,
        /// The shortest allowed.
        min: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A number outside the protocol's limits.
    #[error("{element} is {value}; {allowed}")]
    Value {
        /// Which field.
        element: &'static str,
        /// What it says.
        value: i64,
        /// What it may say.
        allowed: &'static str,
    },
    /// A message type this direction does not have.
    #[error(
        "message type {0:#04x} does not belong to this direction; both ends must be of one build"
    )]
    UnknownType(u8),
    /// The body ends inside a field.
    #[error("message ends inside {element}")]
    CutOff {
        /// Which field.
        element: &'static str,
    },
    /// The body goes on after its last field.
    #[error("{bytes} bytes after the last field of {message}")]
    Trailing {
        /// Which message.
        message: &'static str,
        /// How many bytes.
        bytes: usize,
    },
    /// A text that is not UTF-8.
    #[error("{element} is not UTF-8")]
    NotUtf8 {
        /// Which field.
        element: &'static str,
    },
    /// A file that is no JPEG.
    #[error("the file is no JPEG")]
    NotJpeg,
    /// More bytes were pushed than two of the longest messages, without a message being taken out.
    #[error("{bytes} bytes wait in the decoder; take messages out after every push")]
    Undrained {
        /// How many wait.
        bytes: usize,
    },
    /// The supervisor cannot be in this situation when its driver keeps the contract.
    #[error("input {input} while {status}; the driver reports each step of a child once, in order")]
    Unexpected {
        /// Which input.
        input: &'static str,
        /// The supervisor's status.
        status: crate::Status,
    },
}
