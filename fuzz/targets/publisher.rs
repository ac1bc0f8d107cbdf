//! The publisher's bytes, by RTMP and by WebRTC.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use bytes::Bytes;
use engine::{ConnId, Input, Output, PublishRefused, Shard, StreamName};
use hls::{Error, Origin, Rendition};
use media::UnixMillis;
use sfu::RtpCodec;

use crate::{now, viewer};

/// A session from its first byte. The first byte of `data` chooses the portions it is fed in.
pub fn session(data: &[u8]) {
    rtmp::fuzz::session(now(), data);
}

/// A session after the handshake, where chunks begin; the first byte as for [`session`].
pub fn chunks(data: &[u8]) {
    rtmp::fuzz::chunks(now(), data);
}

/// Values of a command or data message.
pub fn amf0(data: &[u8]) {
    rtmp::fuzz::amf0(data);
}

/// The body of a video tag.
pub fn flv_video(data: &[u8]) {
    rtmp::fuzz::video(data);
}

/// The body of an audio tag.
pub fn flv_audio(data: &[u8]) {
    rtmp::fuzz::audio(data);
}

/// Messages of one publish, through what is known of its tracks.
pub fn flv_tracks(data: &[u8]) {
    rtmp::fuzz::tracks(data);
}

/// Video packets from the network to access units, and on to the viewers' packets.
pub fn rtp_h264(data: &[u8]) {
    sfu::fuzz::publish(now(), RtpCodec::H264, data);
}

/// The same of VP8.
pub fn rtp_vp8(data: &[u8]) {
    sfu::fuzz::publish(now(), RtpCodec::Vp8, data);
}

/// The same of VP9.
pub fn rtp_vp9(data: &[u8]) {
    sfu::fuzz::publish(now(), RtpCodec::Vp9, data);
}

/// The same of AV1.
pub fn rtp_av1(data: &[u8]) {
    sfu::fuzz::publish(now(), RtpCodec::Av1, data);
}

/// A publisher after the handshake, through everything its bytes reach: the session, the clock, the packetiser, the
/// packager and the origin. Whatever it sends, the engine gives its packager only frames that fit their track, and once
/// the stream is over nothing is left to wait for.
pub fn engine(data: &[u8]) {
    let Some((portion, data)) = data.split_first() else {
        return;
    };
    let size = usize::from(*portion) * 16;
    let size = if size == 0 { data.len().max(1) } else { size };
    SHARD.with_borrow_mut(|(shard, at)| {
        let mut origin = Origin::new(hls::Config::default());
        let conn = ConnId(1);
        shard.handle_input(*at, Input::RtmpOpened { conn });
        for portion in [&HANDSHAKE[..]].into_iter().chain(data.chunks(size)) {
            let data = Bytes::copy_from_slice(portion);
            shard.handle_input(*at, Input::RtmpData { conn, data });
            drain(shard, *at, &mut origin);
        }
        shard.handle_input(*at, Input::RtmpClosed { conn });
        drain(shard, *at, &mut origin);
        let directives = hls::Directives::default();
        let _ = origin.multivariant(&directives);
        for rendition in Rendition::ALL {
            let _ = origin.playlist(rendition, &directives);
        }
        *at += LONG_ENOUGH;
        shard.handle_timeout(*at);
        drain(shard, *at, &mut origin);
        assert_eq!(shard.poll_timeout(), None, "the stream is over");
    });
}

thread_local! {
    /// Every run leaves it as empty as it was, only later.
    static SHARD: RefCell<(Shard, Instant)> = RefCell::new((shard(), now()));
}

fn shard() -> Shard {
    let config = engine::Config::new(viewer::config());
    Shard::new(config, now(), UnixMillis(1_800_000_000_000), 1)
        .expect("the configuration has a candidate")
}

/// More than an interrupted stream waits for its publisher.
const LONG_ENOUGH: Duration = Duration::from_mins(1);

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest says nothing to this target"
)]
fn drain(shard: &mut Shard, at: Instant, origin: &mut Origin) {
    while let Some(output) = shard.poll_output() {
        match output {
            Output::PublishAsked { conn, request } => {
                let refused = || PublishRefused {
                    reason: rtmp::RejectReason::BadName,
                    description: "not a name".into(),
                };
                let decision = StreamName::parse(&request.stream_key).ok_or_else(refused);
                shard.handle_input(at, Input::PublishDecided { conn, decision });
            }
            Output::Hls { publication, .. } => origin.apply(publication),
            Output::HlsFailed { error, .. } => match error {
                // What a publisher can bring about: an unusable configuration, an empty or huge frame.
                Error::DecoderConfig { .. } | Error::FrameSize { .. } => {}
                error => panic!("the engine's own mistake: {error}"),
            },
            _ => {}
        }
    }
}

/// C0, C1 and C2.
const HANDSHAKE: [u8; 3073] = {
    let mut bytes = [0; 3073];
    bytes[0] = 3;
    bytes
};
