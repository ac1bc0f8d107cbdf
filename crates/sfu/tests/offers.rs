//! Which offers are answered, how, and why the others are not.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

mod support;

use std::{fmt::Write as _, time::Duration};

use media::{H264Config, VideoConfig};
use sfu::{
    MediaDescription, NotRepaired, Offer, PublishOffer, Refusal, SessionId, VideoDescription,
    Withheld,
};
use support::{STREAM, World, h264_config};

const CHROMIUM: &str = include_str!("fixtures/chromium-156.sdp");
const GSTREAMER: &str = include_str!("fixtures/gstreamer-1.22.sdp");

/// The answer to an offer for a stream of constrained baseline video with sound.
fn answer(sdp: &str) -> Result<String, Refusal> {
    let config = VideoConfig::from(h264_config());
    answer_for(
        sdp,
        MediaDescription {
            video: Some(VideoDescription::Source(&config)),
            audio: true,
        },
    )
}

fn answer_for(sdp: &str, media: MediaDescription<'_>) -> Result<String, Refusal> {
    let mut world = World::new();
    let offer = Offer {
        session: SessionId(1),
        stream: STREAM,
        sdp,
        media,
    };
    let answer = world
        .sfu
        .accept_offer(world.now, offer)
        .map(|answer| answer.sdp);
    let kept = usize::from(answer.is_ok());
    assert_eq!(
        world.sfu.counters().sessions,
        kept,
        "a refused offer leaves nothing"
    );
    assert_eq!(world.sfu.poll_timeout().is_some(), answer.is_ok());
    answer
}

/// The lines of the section that begins with `m=<kind>`.
fn section<'a>(sdp: &'a str, kind: &str) -> Vec<&'a str> {
    let begins = format!("m={kind} ");
    sdp.lines()
        .skip_while(|line| !line.starts_with(&begins))
        .enumerate()
        .take_while(|(n, line)| *n == 0 || !line.starts_with("m="))
        .map(|(_, line)| line)
        .collect()
}

fn with_profile(profile_level: [u8; 3]) -> H264Config {
    H264Config {
        profile_level,
        ..h264_config()
    }
}

#[test]
fn chromium_is_answered_with_one_h264_and_one_opus_in_one_stream() {
    let sdp = answer(CHROMIUM).unwrap();
    let video = section(&sdp, "video");
    assert_eq!(
        video[0], "m=video 9 UDP/TLS/RTP/SAVPF 108 109",
        "42e01f, packetization-mode 1"
    );
    for line in [
        "a=mid:0",
        "a=sendonly",
        "a=setup:passive",
        "a=rtcp-mux",
        "a=rtpmap:108 H264/90000",
        "a=rtpmap:109 rtx/90000",
        "a=fmtp:109 apt=108",
        "a=rtcp-fb:108 nack",
        "a=rtcp-fb:108 nack pli",
        "a=rtcp-fb:108 ccm fir",
        "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=msid:shopcast video",
    ] {
        assert!(video.contains(&line), "{line} is missing:\n{sdp}");
    }
    assert!(
        video
            .iter()
            .any(|line| line.starts_with("a=ssrc-group:FID ")),
        "{sdp}"
    );
    assert!(
        video
            .iter()
            .any(|line| line.starts_with("a=candidate:")
                && line.contains(" 192.0.2.1 8189 typ host"))
    );
    let fmtp = video
        .iter()
        .find(|line| line.starts_with("a=fmtp:108 "))
        .unwrap();
    assert!(fmtp.contains("packetization-mode=1") && fmtp.contains("profile-level-id=42e01f"));
}

#[test]
fn chromium_is_answered_on_one_transport_with_nothing_that_is_not_honoured() {
    let sdp = answer(CHROMIUM).unwrap();
    let audio = section(&sdp, "audio");
    assert_eq!(audio[0], "m=audio 9 UDP/TLS/RTP/SAVPF 111");
    assert!(
        audio.contains(&"a=sendonly") && audio.contains(&"a=msid:shopcast audio"),
        "{sdp}"
    );
    let fmtp = audio
        .iter()
        .find(|line| line.starts_with("a=fmtp:111 "))
        .unwrap();
    assert!(
        fmtp.contains("stereo=1") && fmtp.contains("sprop-stereo=1"),
        "{fmtp}"
    );
    let data = section(&sdp, "application");
    assert!(
        data.contains(&"a=mid:2") && data.contains(&"a=sctp-port:5000"),
        "{sdp}"
    );
    for line in ["a=group:BUNDLE 0 1 2", "a=ice-lite"] {
        assert!(
            sdp.lines().any(|other| other == line),
            "{line} is missing:\n{sdp}"
        );
    }
    for absent in ["transport-cc", "goog-remb", "abs-send-time", "VP8"] {
        assert!(
            !sdp.contains(absent),
            "{absent} is not honoured, so it is not answered"
        );
    }
}

#[test]
fn gstreamer_is_answered_though_it_bundles_with_port_zero_and_offers_no_rtx() {
    let sdp = answer(GSTREAMER).unwrap();
    let video = section(&sdp, "video");
    assert_eq!(video[0], "m=video 9 UDP/TLS/RTP/SAVPF 96");
    assert!(
        !video.contains(&"a=rtcp-fb:96 nack"),
        "nothing can be sent again without RTX"
    );
    assert!(video.contains(&"a=rtcp-fb:96 nack pli") && video.contains(&"a=sendonly"));
    assert!(!sdp.contains("extmap:"), "{sdp}");
    let audio = section(&sdp, "audio");
    assert_eq!(
        audio[0], "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "bundle-only is no rejection"
    );
    assert!(
        sdp.lines()
            .any(|line| line == "a=group:BUNDLE video0 audio1"),
        "{sdp}"
    );
}

#[test]
fn the_payload_type_whose_profile_fits_is_chosen() {
    let chosen = |profile_level: [u8; 3], sdp: &str| {
        let config = VideoConfig::from(with_profile(profile_level));
        let media = MediaDescription {
            video: Some(VideoDescription::Source(&config)),
            audio: true,
        };
        let answer = answer_for(sdp, media).unwrap();
        let words = section(&answer, "video")[0]
            .split(' ')
            .nth(3)
            .unwrap()
            .to_owned();
        words.parse::<u8>().unwrap()
    };
    assert_eq!(
        chosen([0x42, 0xe0, 0x28], CHROMIUM),
        108,
        "constrained baseline"
    );
    assert_eq!(
        chosen([0x42, 0xc0, 0x1e], CHROMIUM),
        108,
        "constrained baseline, as x264 says it"
    );
    assert_eq!(chosen([0x42, 0x00, 0x1f], CHROMIUM), 102, "baseline");
    assert_eq!(chosen([0x4d, 0x40, 0x28], CHROMIUM), 116, "main");
    assert_eq!(
        chosen([0x64, 0x00, 0x28], CHROMIUM),
        108,
        "high goes under the baseline label"
    );
    let safari = CHROMIUM.replace("profile-level-id=4d001f", "profile-level-id=640c1f");
    assert_eq!(
        chosen([0x64, 0x00, 0x28], &safari),
        116,
        "but under its own where it is offered"
    );
    assert_eq!(chosen([0x4d, 0x40, 0x28], &safari), 108);
}

#[test]
fn offers_without_a_common_codec_are_refused_by_name() {
    let no_h264 = CHROMIUM.replace("H264/90000", "H265/90000");
    let refused = Err(Refusal::NoCommonVideoCodec {
        codec: "H.264",
        parameter: " with packetization-mode=1".to_owned(),
    });
    assert_eq!(answer(&no_h264), refused);
    let mode_0 = CHROMIUM.replace("packetization-mode=1", "packetization-mode=0");
    assert_eq!(answer(&mode_0), refused);
    let no_opus = CHROMIUM.replace("opus/48000/2", "opux/48000/2");
    assert_eq!(answer(&no_opus), Err(Refusal::NoCommonAudioCodec));
}

#[test]
fn directions_other_than_receiving_are_refused() {
    for direction in ["sendonly", "inactive"] {
        let sdp = CHROMIUM.replacen("a=recvonly", &format!("a={direction}"), 1);
        assert_eq!(
            answer(&sdp),
            Err(Refusal::Direction {
                mid: "0".to_owned(),
                direction,
                wanted: "recvonly"
            })
        );
    }
    let both = CHROMIUM.replace("a=recvonly", "a=sendrecv");
    assert!(section(&answer(&both).unwrap(), "video").contains(&"a=sendonly"));
    let unsaid = CHROMIUM.replace("a=recvonly\r\n", "");
    assert!(section(&answer(&unsaid).unwrap(), "video").contains(&"a=sendonly"));
}

#[test]
fn what_is_withheld_is_refused_with_what_helps() {
    for (not_repaired, words) in [
        (NotRepaired::Off, ["bframes=0", "zerolatency"]),
        (NotRepaired::Busy, ["later", "LL-HLS"]),
        (NotRepaired::Fails, ["failed", "LL-HLS"]),
        (NotRepaired::NotDecoded, ["publish H.264", "LL-HLS"]),
    ] {
        let why = Withheld {
            has: "B-frames",
            why: not_repaired,
        };
        let media = MediaDescription {
            video: Some(VideoDescription::Withheld(why)),
            audio: true,
        };
        let refusal = answer_for(CHROMIUM, media).unwrap_err();
        assert_eq!(refusal, Refusal::Withheld(why));
        let text = refusal.to_string();
        assert!(text.contains("the stream has B-frames"), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        // Sound alone can be had.
        let (head, rest) = CHROMIUM.split_once("m=video").unwrap();
        let only_audio = format!("{head}m=audio{}", rest.split_once("m=audio").unwrap().1);
        let only_audio = only_audio.replace("BUNDLE 0 1 2", "BUNDLE 1 2");
        answer_for(&only_audio, media).unwrap();
    }
}

#[test]
fn what_is_being_repaired_is_promised_as_constrained_baseline() {
    let media = MediaDescription {
        video: Some(VideoDescription::Repaired),
        audio: true,
    };
    let sdp = answer_for(CHROMIUM, media).unwrap();
    let video = section(&sdp, "video");
    assert!(video.contains(&"a=sendonly"), "{sdp}");
    assert!(
        video
            .iter()
            .any(|line| line.contains("profile-level-id=42e0")),
        "{sdp}"
    );
    let no_h264 = CHROMIUM.replace("H264/90000", "H26X/90000");
    let refusal = answer_for(&no_h264, media).unwrap_err();
    assert!(
        refusal.to_string().contains("the stream is H.264"),
        "{refusal}"
    );
}

#[test]
fn tracks_the_stream_lacks_are_inactive_or_rejected() {
    let config = VideoConfig::from(h264_config());
    let silent = MediaDescription {
        video: Some(VideoDescription::Source(&config)),
        audio: false,
    };
    let sdp = answer_for(CHROMIUM, silent).unwrap();
    assert!(section(&sdp, "audio").contains(&"a=inactive"), "{sdp}");
    assert!(section(&sdp, "video").contains(&"a=sendonly"), "{sdp}");
    let no_opus = CHROMIUM.replace("opus/48000/2", "opux/48000/2");
    let sdp = answer_for(&no_opus, silent).unwrap();
    assert!(section(&sdp, "audio")[0].starts_with("m=audio 0 "), "{sdp}");
    assert!(
        sdp.lines().any(|line| line == "a=group:BUNDLE 0 2"),
        "{sdp}"
    );

    let radio = MediaDescription {
        video: None,
        audio: true,
    };
    let sdp = answer_for(CHROMIUM, radio).unwrap();
    assert!(section(&sdp, "video").contains(&"a=inactive"), "{sdp}");
    // Nor is it rejected to who has no H.264: the transport of all is this section's.
    let no_h264 = CHROMIUM.replace("H264/90000", "X264/90000");
    let sdp = answer_for(&no_h264, radio).unwrap();
    assert!(section(&sdp, "video")[0].starts_with("m=video 9 "), "{sdp}");
    assert!(section(&sdp, "video").contains(&"a=inactive"), "{sdp}");

    let nothing = MediaDescription {
        video: None,
        audio: false,
    };
    assert_eq!(answer_for(CHROMIUM, nothing), Err(Refusal::NotReady));
    let (head, rest) = CHROMIUM.split_once("m=video").unwrap();
    let only_audio = format!("{head}m=audio{}", rest.split_once("m=audio").unwrap().1);
    let only_audio = only_audio.replace("BUNDLE 0 1 2", "BUNDLE 1 2");
    assert_eq!(answer_for(&only_audio, silent), Err(Refusal::NothingToSend));
}

#[test]
fn both_dtls_roles_and_line_ends_are_understood() {
    for (offered, answered) in [
        ("actpass", "passive"),
        ("active", "passive"),
        ("passive", "active"),
    ] {
        let sdp = CHROMIUM.replace("a=setup:actpass", &format!("a=setup:{offered}"));
        let line = format!("a=setup:{answered}");
        assert!(section(&answer(&sdp).unwrap(), "video").contains(&line.as_str()));
    }
    let holdconn = CHROMIUM.replace("a=setup:actpass", "a=setup:holdconn");
    assert!(matches!(answer(&holdconn), Err(Refusal::Malformed(_))));
    assert!(
        answer(&CHROMIUM.replace("\r\n", "\n")).is_ok(),
        "LF alone will do"
    );
}

#[test]
fn what_is_missing_is_said() {
    for (what, remove) in [
        ("BUNDLE", "a=group:BUNDLE 0 1 2\r\n"),
        ("rtcp-mux", "a=rtcp-mux\r\n"),
        ("a=mid", "a=mid:1\r\n"),
        ("v=0", "v=0\r\n"),
    ] {
        let Err(Refusal::Malformed(text)) = answer(&CHROMIUM.replace(remove, "")) else {
            panic!("without {what} it is refused");
        };
        assert!(text.contains(what), "{text}");
    }
    for attribute in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"] {
        let without: String = CHROMIUM
            .split_inclusive('\n')
            .filter(|line| !line.starts_with(attribute))
            .collect();
        let Err(Refusal::Malformed(text)) = answer(&without) else {
            panic!("without {attribute} it is refused");
        };
        assert!(text.contains(attribute.trim_end_matches(':')), "{text}");
    }
    let sha_1 = CHROMIUM.replace("fingerprint:sha-256", "fingerprint:sha-1");
    assert!(matches!(answer(&sha_1), Err(Refusal::Malformed(_))));
    for garbage in [
        "",
        "hello",
        "v=0",
        "v=0\r\nm=video",
        "{\"sdp\":\"v=0\"}",
        "v=0\r\nm=video 9 x 999\r\n",
    ] {
        assert!(
            matches!(answer(garbage), Err(Refusal::Malformed(_))),
            "{garbage}"
        );
    }
}

#[test]
fn there_are_limits() {
    let limit = |sdp: &str| match answer(sdp) {
        Err(Refusal::TooLarge { what, limit }) => (what, limit),
        other => panic!("{other:?}"),
    };
    let mut long = CHROMIUM.to_owned();
    long.push_str(&"a=x\r\n".repeat(14_000));
    assert_eq!(limit(&long), ("bytes of SDP", 65_536));
    let mut sections = CHROMIUM.to_owned();
    sections.push_str(&"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n".repeat(14));
    assert_eq!(limit(&sections), ("m-lines", 16));
    let mut payloads = "v=0\r\n".to_owned();
    for _ in 0..3 {
        write!(
            payloads,
            "m=video 9 UDP/TLS/RTP/SAVPF{}\r\n",
            " 96".repeat(50)
        )
        .unwrap();
    }
    assert_eq!(limit(&payloads), ("payload types", 128));
    let mut candidates = CHROMIUM.to_owned();
    candidates.push_str(&"a=candidate:1 1 udp 1 192.0.2.9 1 typ host\r\n".repeat(70));
    assert_eq!(limit(&candidates), ("candidates", 64));
    let mid = CHROMIUM.replace("a=mid:0", "a=mid:abcdefghijklmnopq");
    assert_eq!(limit(&mid), ("characters in a=mid", 16));
    assert_eq!(
        answer("v=0\r\n\0"),
        Err(Refusal::Malformed("a NUL character"))
    );
    let two = CHROMIUM
        .replace("m=audio 9", "m=video 9")
        .replace("opus/48000/2", "H264/90000");
    let two = two.replace("a=fmtp:111 minptime=10", "a=fmtp:111 packetization-mode=1");
    assert_eq!(answer(&two), Err(Refusal::TooManyTracks("video")));
}

#[test]
fn a_full_shard_says_so() {
    let config = VideoConfig::from(h264_config());
    let media = MediaDescription {
        video: Some(VideoDescription::Source(&config)),
        audio: true,
    };
    let offer = |session| Offer {
        session: SessionId(session),
        stream: STREAM,
        sdp: CHROMIUM,
        media,
    };
    let mut world = World::with(|config| (config.sessions_max, config.half_open_max) = (3, 2));
    world.sfu.accept_offer(world.now, offer(1)).unwrap();
    assert_eq!(
        world.sfu.accept_offer(world.now, offer(1)),
        Err(Refusal::DuplicateSession)
    );
    world.sfu.accept_offer(world.now, offer(2)).unwrap();
    assert_eq!(
        world.sfu.accept_offer(world.now, offer(3)),
        Err(Refusal::TooManyHalfOpen)
    );
    let publisher = PublishOffer {
        session: SessionId(4),
        sdp: &CHROMIUM.replace("a=recvonly", "a=sendonly"),
    };
    let answer = world.sfu.accept_publisher(world.now, publisher);
    assert!(answer.is_ok(), "viewers hold no publisher's place");
    assert_eq!(world.sfu.counters().half_open, 3);
    world.sfu.remove(world.now, SessionId(4));
    assert_eq!(world.sfu.counters().half_open, 2);
    world.run(Duration::from_secs(16));
    assert_eq!(world.sfu.counters().half_open, 0);
    assert!(
        world.sfu.accept_offer(world.now, offer(3)).is_ok(),
        "after 15 s there is room again"
    );
    world.sfu.remove(world.now, SessionId(3));

    let mut world = World::with(|config| config.sessions_max = 1);
    world.join_and_connect(1);
    assert_eq!(
        world.sfu.accept_offer(world.now, offer(2)),
        Err(Refusal::Full)
    );
}

/// What libvpx and libaom wrote.
fn other_codecs() -> [(VideoConfig, u8, &'static str); 4] {
    let vp8 = [0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0xa0, 0x00, 0x5a, 0x00];
    let vp9 = |head: &[u8]| match media::vp9::parse_header(head).unwrap() {
        media::vp9::Header::Key(config) => VideoConfig::from(config),
        media::vp9::Header::Other => panic!("a key frame"),
    };
    let av1 = [0x00, 0x00, 0x00, 0x03, 0xb4, 0xfd, 0x93, 0x6b, 0xe4, 0x01];
    let ten_bit = [
        0x92, 0x49, 0x83, 0x42, 0x00, 0x04, 0xf8, 0x02, 0xcb, 0x03, 0x1c,
    ];
    let eight_bit = [0x82, 0x49, 0x83, 0x42, 0x40, 0x09, 0xf0, 0x05, 0x96, 0x06];
    [
        (media::vp8::parse_key_frame(&vp8).unwrap().into(), 96, "VP8"),
        (vp9(&eight_bit), 98, "VP9 with profile-id=0"),
        (vp9(&ten_bit), 100, "VP9 with profile-id=2"),
        (
            media::av1::parse_sequence_header(&av1).unwrap().into(),
            45,
            "AV1 with profile=0",
        ),
    ]
}

fn answer_in(sdp: &str, config: &VideoConfig) -> Result<String, Refusal> {
    let media = MediaDescription {
        video: Some(VideoDescription::Source(config)),
        audio: true,
    };
    answer_for(sdp, media)
}

#[test]
fn a_stream_is_answered_in_its_codec_with_the_viewers_own_number_and_parameters() {
    for (config, number, name) in other_codecs() {
        let answer = answer_in(CHROMIUM, &config).unwrap();
        let video = section(&answer, "video");
        let begins = format!("m=video 9 UDP/TLS/RTP/SAVPF {number} ");
        assert!(video[0].starts_with(&begins), "{name}: {}", video[0]);
        assert!(video.contains(&"a=sendonly"), "{answer}");
        assert!(video.contains(&format!("a=rtcp-fb:{number} nack").as_str()));
        let map = format!("a=rtpmap:{number} {}/90000", &name[..3]);
        assert!(video.contains(&map.as_str()), "{answer}");
        for parameter in name.split(' ').skip(2) {
            let begins = format!("a=fmtp:{number} ");
            let fmtp = video.iter().find(|line| line.starts_with(&begins)).unwrap();
            assert!(fmtp.contains(parameter), "{fmtp}");
        }
    }
}

#[test]
fn a_viewer_without_the_streams_codec_is_told_which_it_is() {
    for (config, number, name) in other_codecs() {
        // The payload type is there, but of something else.
        let map = format!("a=rtpmap:{number} {}/90000", &name[..3]);
        let without = CHROMIUM.replace(&map, &format!("a=rtpmap:{number} theora/90000"));
        // AV1's High profile decodes Main as well.
        let without = without.replace("a=rtpmap:47 AV1/90000", "a=rtpmap:47 theora/90000");
        let refusal = answer_in(&without, &config).unwrap_err();
        let said = format!(
            "no common video codec: the stream is {}, offer it{}",
            &name[..3],
            &name[3..]
        );
        assert_eq!(refusal.to_string(), said);
    }
}
