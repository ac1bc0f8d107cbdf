//! Why an access unit could not be given, or a payload not be read.

/// What a publisher or its path did wrong. It costs the access unit it is in, and those up to the
/// next key frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Packets did not come.
    #[error("packets are missing")]
    Lost,
    /// A payload ends inside an element.
    #[error("an RTP payload is cut off")]
    Truncated,
    /// `forbidden_zero_bit` is set: something on the way knows of bit errors (RFC 6184 section 5.3).
    #[error("a NAL unit is marked as damaged (forbidden_zero_bit)")]
    Forbidden,
    /// A packet type of packetization-mode 2.
    #[error("{0} packets belong to packetization-mode 2, which was not agreed on")]
    Interleaved(&'static str),
    /// A packet type that RFC 6184 table 3 says to ignore. Alone among the faults it costs nothing.
    #[error("packet type {0} is reserved")]
    Reserved(u8),
    /// An aggregation packet or fragment inside another.
    #[error("NAL unit type {0} inside an aggregate or fragments")]
    Nested(u8),
    /// A fragment of a NAL unit, frame or OBU whose beginning did not come.
    #[error("a fragment without its beginning")]
    NoStart,
    /// A fragmented NAL unit, frame or OBU breaks off.
    #[error("fragments without their end")]
    NoEnd,
    /// The first slice of the picture is not in it.
    #[error("a picture without its first slice")]
    NoFirstSlice,
    /// IDR slices and others, or two frames of VP8, under one timestamp.
    #[error("two pictures under one timestamp")]
    TwoPictures,
    /// More than a picture can be.
    #[error("more than {limit} {what}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// An IDR picture names parameter sets that did not come.
    #[error("a key frame without its parameter sets; set the encoder to repeat them")]
    NoParameterSets,
    /// A frame whose beginning cannot be read, or describes what is not carried here.
    #[error("a frame: {0}")]
    Frame(media::Error),
    /// Parameter sets that cannot be read, or describe what is not carried here.
    #[error("parameter sets: {0}")]
    ParameterSets(#[from] media::Error),
}
