//! What is fuzzed: one function per reader of outside bytes, which gives it any bytes and checks what it promises.
//!
//! | module | whose bytes |
//! |---|---|
//! | [`publisher`] | the publisher's: RTMP session, chunks, AMF0, FLV tags, and all of it through the engine; RTP packets |
//! | [`bitstream`] | the encoder's: configurations of every codec, NAL units, OBUs, Opus packets, time stamps |
//! | [`h265`] | the encoder's in H.265: parameter sets, records, messages |
//! | [`cue`] | the API caller's and the peers': requests, cues and their carriers |
//! | [`playlist`] | the HLS player's: queries and names |
//! | [`viewer`] | the WebRTC viewer's: offers, fragments, datagrams, a TCP connection's frames |
//! | [`viewer`] | the WebRTC viewer's: offers, fragments, datagrams |
//! | [`credential`] | anybody's: signed tokens and their claims, publish names |
//! | [`child`] | the transcoding child's, in both directions |
//!
//! These sources are compiled twice: into the libFuzzer binaries of `fuzz/`, which explore, and into
//! `tests/fuzz-replay`, which holds the committed corpus against them on every test run. Time does not pass here unless
//! a target lets it, so that the same bytes do the same thing again.

pub mod bitstream;
pub mod child;
pub mod credential;
pub mod cue;
pub mod h265;
pub mod playlist;
pub mod publisher;
mod take;
pub mod viewer;

use std::{sync::OnceLock, time::Instant};

/// One fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its binary's name, and its folder's in `fuzz/corpus`.
    pub name: &'static str,
    /// Takes any bytes; panics when a promise is broken.
    pub run: fn(&[u8]),
    /// How much one run costs; the replay makes that many times fewer mutations.
    pub cost: usize,
}

const fn target(name: &'static str, cost: usize, run: fn(&[u8])) -> Target {
    Target { name, run, cost }
}

/// Every target, as `fuzz/Cargo.toml` lists their binaries.
pub const TARGETS: &[Target] = &[
    target("aac_asc", 1, bitstream::aac_asc),
    target("access_claims", 4, credential::claims),
    target("access_publish_name", 1, credential::publish_name),
    target("access_token", 16, credential::token),
    target("av1_obus", 1, bitstream::av1_obus),
    target("av1_sample", 1, bitstream::av1_sample),
    target("cue_channel", 1, cue::channel),
    target("cue_emsg", 1, cue::emsg),
    target("cue_id3", 1, cue::id3),
    target("cue_json", 1, cue::json),
    target("cue_painted", 1, cue::painted),
    target("cue_request", 100, cue::request),
    target("cue_sei", 1, cue::sei),
    target("cue_snapshot", 1, cue::snapshot),
    target("cue_time", 1, cue::time),
    target("engine_publish", 80, publisher::engine),
    target("flv_audio", 1, publisher::flv_audio),
    target("flv_tracks", 2, publisher::flv_tracks),
    target("flv_video", 1, publisher::flv_video),
    target("frame_grid", 1, bitstream::frame_grid),
    target("h264_avcc", 1, bitstream::h264_avcc),
    target("h264_nals", 1, bitstream::h264_nals),
    target("h264_sets", 1, bitstream::h264_sets),
    target("h264_sps", 1, bitstream::h264_sps),
    target("h264_sei", 1, bitstream::h264_sei),
    target("h265_hvcc", 1, h265::hvcc),
    target("h265_sei", 1, h265::sei),
    target("h265_sets", 1, h265::sets),
    target("h265_sps", 1, h265::sps),
    target("hls_name", 1, playlist::name),
    target("hls_query", 8, playlist::query),
    target("opus_head", 1, bitstream::opus_head),
    target("opus_packet", 1, bitstream::opus_packet),
    target("rtmp_amf0", 1, publisher::amf0),
    target("rtmp_chunks", 16, publisher::chunks),
    target("rtmp_session", 8, publisher::session),
    target("rtp_av1", 4, publisher::rtp_av1),
    target("rtp_h264", 4, publisher::rtp_h264),
    target("rtp_vp8", 4, publisher::rtp_vp8),
    target("rtp_vp9", 4, publisher::rtp_vp9),
    target("sdp_fragment", 1, viewer::fragment),
    target("tcp_frames", 1, viewer::frames),
    target("sdp_offer", 160, viewer::offer),
    target("transcode_from_child", 1, child::from_child),
    target("transcode_to_child", 1, child::to_child),
    target("vp8_key_frame", 1, bitstream::vp8_key_frame),
    target("vp9_header", 1, bitstream::vp9_header),
    target("webrtc_datagram", 200, viewer::datagram),
];

/// The one instant at which everything happens.
fn now() -> Instant {
    static NOW: OnceLock<Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "where virtual time begins does not matter"
    )]
    *NOW.get_or_init(Instant::now)
}
