//! The WebRTC viewer's bytes: offers, trickled fragments, datagrams.

use std::{
    cell::RefCell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use media::{H264Config, VideoConfig};
use sfu::{
    Config, Deframer, Event, FiveTuple, Input, MediaDescription, NotRepaired, Offer, Output,
    Patched, Precondition, Protocol, PublishOffer, Refusal, SessionId, Sfu, StreamId,
    VideoDescription, Withheld, frame_head,
};

use crate::{now, take::Take};

/// An offer, a viewer's and a publisher's; the first byte chooses what the stream has. The answer fits it, and nothing is
/// kept when it is refused or over.
pub fn offer(data: &[u8]) {
    let Some((stream, sdp)) = data.split_first() else {
        return;
    };
    let Ok(sdp) = str::from_utf8(sdp) else { return };
    let video = match stream >> 5 {
        1 => vp8(),
        2 => vp9(),
        3 => av1(),
        _ => h264([[0x42, 0xe0, 0x1f], [0x64, 0x00, 0x28]][usize::from(stream >> 4 & 1)]),
    };
    let described = match stream >> 2 & 3 {
        3 => VideoDescription::Withheld(Withheld {
            has: "B-frames",
            why: NotRepaired::Off,
        }),
        2 => VideoDescription::Repaired,
        _ => VideoDescription::Source(&video),
    };
    let media = MediaDescription {
        video: (stream & 1 == 0).then_some(described),
        audio: stream & 2 == 0,
    };
    let offer = Offer {
        session: VIEWER,
        stream: StreamId(1),
        sdp,
        media,
    };
    SHARD.with_borrow_mut(|(sfu, at)| {
        match sfu.accept_offer(*at, offer) {
            Ok(answer) => {
                check_answer(sdp, &answer.sdp);
                assert_eq!(sfu.counters().sessions, 1);
                sfu.remove(*at, VIEWER);
            }
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
        check_empty(sfu);
        let offer = PublishOffer {
            session: VIEWER,
            sdp,
        };
        match sfu.accept_publisher(*at, offer) {
            Ok(answer) => {
                assert!(answer.video || answer.audio);
                sfu.remove(*at, VIEWER);
            }
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
        check_empty(sfu);
    });
}

/// A fragment for a session: candidates, or a restart of ICE.
pub fn fragment(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    thread_local! {
        static JOINED: RefCell<Sfu> = RefCell::new({
            let mut sfu = shard();
            join(&mut sfu, now());
            sfu
        });
    }
    let patched = JOINED.with_borrow_mut(|sfu| sfu.patch(VIEWER, Precondition::Any, text));
    match patched {
        Ok(Patched::Restarted { fragment, .. }) => {
            assert!(fragment.len() < 4_096 && fragment.ends_with("a=end-of-candidates\r\n"));
        }
        Ok(Patched::Trickled) => {}
        Err(refusal) => assert_ne!(refusal, Refusal::NoSession),
    }
}

/// A TCP connection's bytes, in two splits of them: the same datagrams come out, none longer than its limit, until the
/// stream is given up at the same place.
pub fn frames(data: &[u8]) {
    let Some((split, bytes)) = data.split_first() else {
        return;
    };
    let read = |chunk: usize| {
        let (mut deframer, mut datagrams) = (Deframer::new(FRAME_MAX), Vec::new());
        for chunk in bytes.chunks(chunk) {
            let read = deframer.read(chunk, |datagram| datagrams.push(datagram.to_vec()));
            if let Err(error) = read {
                return (datagrams, Some(error));
            }
        }
        (datagrams, None)
    };
    let (datagrams, error) = read(bytes.len().max(1));
    let whole = (datagrams.clone(), error);
    assert_eq!(whole, read(usize::from(*split) + 1));
    let mut framed = 0;
    for datagram in &datagrams {
        assert!((1..=FRAME_MAX).contains(&datagram.len()));
        assert!(frame_head(datagram.len()).is_some());
        framed += 2 + datagram.len();
    }
    assert!(framed <= bytes.len());
}

/// Datagrams to a session: for each a byte for its kind, two for its length, then its body. What proves nothing is
/// answered to nobody, and after its time the session is gone without a trace.
pub fn datagram(data: &[u8]) {
    SHARD.with_borrow_mut(|(sfu, at)| {
        let (ufrag, pwd) = join(sfu, *at);
        receive(sfu, *at, viewer(), &check(&ufrag, &pwd, &[]));
        let mut connected = drain(sfu);
        assert_eq!(sfu.counters().addresses, 1, "the check proved its address");
        let mut take = Take(data);
        while !take.is_empty() {
            let kind = take.u8();
            let length = usize::from(take.u16());
            let body = take.up_to(length);
            match kind % 4 {
                0 => receive(sfu, *at, stranger(), body),
                1 => receive(sfu, *at, viewer(), body),
                2 => receive(sfu, *at, viewer(), &check(&ufrag, &pwd, body)),
                _ => {
                    *at += Duration::from_millis(u64::from(kind) * 4);
                    sfu.handle_timeout(*at);
                }
            }
            connected |= drain(sfu);
        }
        assert!(!connected, "nobody here holds the certificate's key");
        *at += config().half_open_timeout;
        sfu.handle_timeout(*at);
        check_empty(sfu);
    });
}

thread_local! {
    /// Every run leaves it as empty as it was, only later.
    static SHARD: RefCell<(Sfu, Instant)> = RefCell::new((shard(), now()));
}

/// A shard at one address.
pub(crate) fn config() -> Config {
    Config::new(vec![server()])
}

fn shard() -> Sfu {
    Sfu::new(config(), now()).expect("the configuration has a candidate")
}

/// A viewer joins; gives the credentials it must use.
fn join(sfu: &mut Sfu, at: Instant) -> (String, String) {
    let video = h264([0x42, 0xe0, 0x1f]);
    let offer = Offer {
        session: VIEWER,
        stream: StreamId(1),
        sdp: OFFER,
        media: MediaDescription {
            video: Some(VideoDescription::Source(&video)),
            audio: true,
        },
    };
    let answer = sfu
        .accept_offer(at, offer)
        .expect("a GStreamer player made the offer");
    let attribute = |name| {
        let mut values = answer
            .sdp
            .lines()
            .filter_map(|line| line.strip_prefix(name));
        values
            .next()
            .expect("every answer has credentials")
            .to_owned()
    };
    let (ufrag, pwd) = (attribute("a=ice-ufrag:"), attribute("a=ice-pwd:"));
    while sfu.poll_output().is_some() {}
    (ufrag, pwd)
}

/// A binding request signed with the session's password (RFC 8489 section 14.5), with any `attributes` inside.
fn check(ufrag: &str, pwd: &str, attributes: &[u8]) -> Vec<u8> {
    let remote = OFFER
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    let username = format!("{ufrag}:{}", remote.expect("every offer has credentials"));
    let username_bytes = u16::try_from(username.len()).expect("a fragment is short");
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    message.extend([7; 12]);
    message.extend([0, 6]);
    message.extend(username_bytes.to_be_bytes());
    message.extend(username.bytes());
    message.resize(message.len().next_multiple_of(4), 0);
    // PRIORITY, which every check has (RFC 8445 section 7.1.1).
    message.extend([0, 0x24, 0, 4, 0x6e, 0, 0, 0xff]);
    message.extend(attributes);
    message.resize(message.len().next_multiple_of(4), 0);
    // Whoever signs counts the signature's 24 bytes, not the 20 of the header.
    let length = u16::try_from(message.len() - 20 + 24).unwrap_or(u16::MAX);
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
    let signature = hmac.sha1_hmac(pwd.as_bytes(), &[&message]);
    message.extend([0, 8, 0, 20]);
    message.extend(signature);
    message
}

fn receive(sfu: &mut Sfu, at: Instant, source: SocketAddr, contents: &[u8]) {
    let tuple = way(source);
    let input = Input::Datagram { tuple, contents };
    sfu.handle_input(at, input);
}

/// The way to the shard from an address.
fn way(remote: SocketAddr) -> FiveTuple {
    FiveTuple {
        protocol: Protocol::Udp,
        local: server(),
        remote,
    }
}

/// Whether the session connected.
fn drain(sfu: &mut Sfu) -> bool {
    let mut connected = false;
    while let Some(output) = sfu.poll_output() {
        match output {
            Output::Transmit { tuple, contents } => {
                assert_eq!(tuple, way(viewer()), "strangers are not answered");
                assert!(contents.len() <= 1500, "a datagram fits the path");
            }
            Output::Admit { tuple } | Output::Close { tuple } => panic!("no TCP here: {tuple:?}"),
            Output::Event(_, event) => {
                connected |= matches!(event, Event::Connected | Event::ChannelOpen);
            }
        }
    }
    connected
}

/// RFC 8829 section 5.3.1: an answer has the offer's m-lines, in their order.
fn check_answer(offer: &str, answer: &str) {
    fn kinds(sdp: &str) -> Vec<&str> {
        let lines = sdp.lines().filter_map(|line| line.strip_prefix("m="));
        lines
            .map(|line| line.split_ascii_whitespace().next().unwrap_or_default())
            .collect()
    }
    assert_eq!(kinds(offer), kinds(answer), "{answer}");
    assert!(answer.len() <= 64 * 1024);
    for line in answer.split_terminator("\r\n") {
        assert!(
            line.as_bytes().get(1) == Some(&b'=') && !line.contains(['\r', '\n', '\0']),
            "{line:?}"
        );
    }
}

/// As the server reads them.
const FRAME_MAX: usize = 2_048;

fn check_empty(sfu: &mut Sfu) {
    while sfu.poll_output().is_some() {}
    let counters = sfu.counters();
    assert_eq!(
        (counters.sessions, counters.half_open, counters.addresses),
        (0, 0, 0)
    );
    assert_eq!(sfu.poll_timeout(), None);
}

fn h264(profile_level: [u8; 3]) -> VideoConfig {
    let [profile, flags, level] = profile_level;
    let config = H264Config {
        avcc: Bytes::new(),
        sps: vec![Bytes::copy_from_slice(&[
            0x67, profile, flags, level, 0x8c, 0x8d, 0x40,
        ])],
        pps: vec![Bytes::from_static(&[0x68, 0xce, 0x3c, 0x80])],
        profile_level,
        width: 1280,
        height: 720,
        frame_rate: None,
        reorder_frames: Some(0),
    };
    config.into()
}

fn vp8() -> VideoConfig {
    let frame = [0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0xa0, 0x00, 0x5a, 0x00];
    let config = media::vp8::parse_key_frame(&frame);
    config.expect("libvpx wrote it").into()
}

fn vp9() -> VideoConfig {
    let frame = [0x82, 0x49, 0x83, 0x42, 0x40, 0x09, 0xf0, 0x05, 0x96, 0x06];
    match media::vp9::parse_header(&frame) {
        Ok(media::vp9::Header::Key(config)) => config.into(),
        other => panic!("libvpx wrote it: {other:?}"),
    }
}

fn av1() -> VideoConfig {
    let header = [0x00, 0x00, 0x00, 0x03, 0xb4, 0xfd, 0x93, 0x6b, 0xe4, 0x01];
    let config = media::av1::parse_sequence_header(&header);
    config.expect("libaom wrote it").into()
}

fn server() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 8189))
}

fn viewer() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1], 5000))
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 66], 666))
}

const VIEWER: SessionId = SessionId(1);
const OFFER: &str = include_str!("../../crates/sfu/tests/fixtures/gstreamer-1.22.sdp");
