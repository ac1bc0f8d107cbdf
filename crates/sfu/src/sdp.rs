//! The rules of WHEP (draft-ietf-wish-whep-04 section 4.4) and WHIP (RFC 9725 section 4.4) for
//! offers, and the answer.
//!
//! An offer is read into [`Offered`] under limits, judged into a [`Plan`], and written anew with
//! only what the plan needs: str0m's own parser never sees text from outside, and answers exactly
//! the payload types chosen here.

mod attribute;
mod canonical;
mod codec;
mod fragment;
mod parse;
mod plan;
mod publish;

pub(crate) use canonical::write_offer;
pub(crate) use codec::VideoFormat;
pub(crate) use fragment::{of as fragment_of, parse as parse_fragment, write as write_fragment};
pub(crate) use parse::parse;
pub(crate) use plan::{AudioPlan, Plan, VideoPlan, plan};
pub(crate) use publish::plan as plan_publish;

/// What was understood of an offer. Borrowed strings have been checked to hold only the characters
/// their grammar allows, so they can be written out again.
#[derive(Debug, Default)]
pub(crate) struct Offered<'a> {
    /// Identification tags of the BUNDLE group, in its order.
    bundle: Vec<&'a str>,
    ice_lite: bool,
    /// Session-level values, for sections that have none of their own.
    transport: Transport<'a>,
    direction: Option<Direction>,
    sections: Vec<Section<'a>>,
    candidates: usize,
    payload_types: usize,
}

/// ICE and DTLS parameters (RFC 8839 section 5, RFC 8842 section 5).
#[derive(Debug, Default, Clone, Copy)]
struct Transport<'a> {
    ufrag: Option<&'a str>,
    pwd: Option<&'a str>,
    /// Of SHA-256, with colons.
    fingerprint: Option<&'a str>,
    setup: Option<Setup>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setup {
    ActPass,
    Active,
    Passive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SectionKind {
    Audio,
    Video,
    Application,
}

/// One `m=` section.
#[derive(Debug)]
struct Section<'a> {
    kind: SectionKind,
    /// Port 0: stopped or rejected, unless it is `bundle-only` (RFC 8843 section 6).
    zero_port: bool,
    bundle_only: bool,
    mid: Option<&'a str>,
    direction: Option<Direction>,
    transport: Transport<'a>,
    rtcp_mux: bool,
    /// Identifier of the `sdes:mid` header extension (RFC 8843 section 14).
    mid_extension: Option<u8>,
    /// Identifier of the transport-wide sequence number
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    twcc_extension: Option<u8>,
    /// The first `a=ssrc` (RFC 5576 section 4.1).
    ssrc: Option<u32>,
    /// `a=ssrc-group:FID`: a stream and its retransmissions (RFC 5576 section 4.2).
    repair: Option<(u32, u32)>,
    /// Identifiers of the `sdes:rtp-stream-id` and `sdes:repaired-rtp-stream-id` header extensions
    /// (RFC 8852).
    rid_extension: Option<u8>,
    repaired_rid_extension: Option<u8>,
    /// `a=rid:<name> send` (RFC 8851).
    rids: Vec<&'a str>,
    /// `a=simulcast:send` (RFC 8853 section 5.1): a name of each stream.
    simulcast: Vec<&'a str>,
    payloads: Vec<Payload<'a>>,
}

/// One payload type of a section, in the order of preference the `m=` line gives.
#[derive(Debug, Default)]
struct Payload<'a> {
    number: u8,
    /// Encoding name, clock rate and channels of `a=rtpmap`.
    name: &'a str,
    clock_rate: u32,
    channels: u8,
    /// `apt` of an RTX payload type (RFC 4588 section 8.6).
    apt: Option<u8>,
    packetization_mode: u8,
    profile_level_id: Option<u32>,
    /// `sprop-parameter-sets`, as it came.
    parameter_sets: Option<&'a str>,
    /// `profile-id` of VP9.
    profile_id: Option<u8>,
    /// `profile`, `level-idx` and `tier` of AV1.
    profile: Option<u8>,
    level_idx: Option<u8>,
    tier: Option<u8>,
    nack: bool,
    pli: bool,
    fir: bool,
    transport_cc: bool,
}

impl Section<'_> {
    /// Whether the offerer gave the section up.
    fn is_stopped(&self) -> bool {
        self.zero_port && !self.bundle_only
    }
}

impl Payload<'_> {
    /// RFC 5761 section 4: with RTCP on the same port, numbers 64 to 95 look like RTCP.
    fn can_be_multiplexed(&self) -> bool {
        !(64..=95).contains(&self.number)
    }
}
