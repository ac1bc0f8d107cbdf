//! What one payload says of its picture, for whoever passes it on before the picture is whole.

/// What a payload holds, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Look {
    /// Coded picture, or the beginning of it: no longer only what stands before one.
    pub(crate) picture: bool,
    /// The picture is one that decoding can start at.
    pub(crate) keyframe: bool,
}
