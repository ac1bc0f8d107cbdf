//! Every verdict in words: its code, what was found, what it costs, and the setting to change.
//!
//! `docs/api.md` has a row for each code, and a test holds that page against [`CODES`]. OBS's menus are named as OBS 32
//! has them in English.

use media::VideoCodec;

use crate::{api::Verdict, stream::judge::pace::Frames};

pub(crate) const AUDIO_CHANNELS: &str = "audio_channels";
pub(crate) const AV_SKEW: &str = "av_skew";
pub(crate) const B_FRAMES: &str = "b_frames";
pub(crate) const CLOCK_DRIFT: &str = "clock_drift";
pub(crate) const CODEC: &str = "codec";
pub(crate) const FASTER_THAN_REAL_TIME: &str = "faster_than_real_time";
pub(crate) const HIGH_BITRATE: &str = "high_bitrate";
pub(crate) const INTERLACED: &str = "interlaced";
pub(crate) const LONG_GOP: &str = "long_gop";
pub(crate) const MULTITRACK: &str = "multitrack";
pub(crate) const NO_SOUND: &str = "no_sound";
pub(crate) const NO_WEBRTC: &str = "no_webrtc";
pub(crate) const OPEN_GOP: &str = "open_gop";
pub(crate) const OVER_ANNOUNCED_BITRATE: &str = "over_announced_bitrate";
pub(crate) const PROFILE: &str = "profile";
pub(crate) const REPAIR_FAILS: &str = "repair_fails";
pub(crate) const REPAIR_REFUSED: &str = "repair_refused";
pub(crate) const REPAIR_TOO_SLOW: &str = "repair_too_slow";
pub(crate) const SAMPLE_RATE: &str = "sample_rate";
pub(crate) const SLOW_UPLINK: &str = "slow_uplink";
pub(crate) const UNSTABLE_FRAME_RATE: &str = "unstable_frame_rate";
pub(crate) const VP8_NO_HLS: &str = "vp8_no_hls";

/// All codes of verdicts, in order.
pub const CODES: [&str; 22] = [
    AUDIO_CHANNELS,
    AV_SKEW,
    B_FRAMES,
    CLOCK_DRIFT,
    CODEC,
    FASTER_THAN_REAL_TIME,
    HIGH_BITRATE,
    INTERLACED,
    LONG_GOP,
    MULTITRACK,
    NO_SOUND,
    NO_WEBRTC,
    OPEN_GOP,
    OVER_ANNOUNCED_BITRATE,
    PROFILE,
    REPAIR_FAILS,
    REPAIR_REFUSED,
    REPAIR_TOO_SLOW,
    SAMPLE_RATE,
    SLOW_UPLINK,
    UNSTABLE_FRAME_RATE,
    VP8_NO_HLS,
];

pub(super) fn b_frames(announced: Option<u8>) -> Verdict {
    let found = match announced {
        Some(count) => format!(
            "The video has B-frames: its parameter set announces up to {count} pictures out of order."
        ),
        None => "The video has B-frames: pictures come out of order.".to_owned(),
    };
    Verdict {
        code: B_FRAMES,
        found,
        cost: "No browser plays them over WebRTC: the server encodes the picture again for those viewers, which takes its \
               processors, some quality and a tenth of a second.",
        remedy: "In OBS, Settings > Output, Output Mode: Advanced, Streaming: with x264 add `bframes=0` to x264 \
                 Options, with a hardware encoder set B-Frames to 0. In FFmpeg: `-bf 0`.",
    }
}

/// `whole`: the length of the last GOP; else none has ended yet.
pub(super) fn long_gop(whole: Option<i64>) -> Verdict {
    Verdict {
        code: LONG_GOP,
        found: match whole {
            Some(ticks) => format!("Key frames are {} apart.", seconds(ticks)),
            None => "No key frame has come for more than 4 s.".to_owned(),
        },
        cost: GOP_COST,
        remedy: "In OBS, Settings > Output, Output Mode: Advanced, Streaming, Keyframe Interval: 2 s (0 means 250 \
                 frames). In FFmpeg: `-force_key_frames 'expr:gte(t,n_forced*2)'`, or `-g` with twice the frame rate.",
    }
}

/// In H.265 key frames may be open, and still be joined at.
pub(super) fn open_key_frames() -> Verdict {
    Verdict {
        code: OPEN_GOP,
        found: "Key frames are open: CRA pictures, with pictures behind them that refer to what was before.".to_owned(),
        cost: "Who joins or seeks misses a few pictures.",
        remedy: "x265: `open-gop=0`; in FFmpeg `-x265-params open-gop=0`.",
    }
}

pub(super) fn codec(codec: VideoCodec) -> Verdict {
    Verdict {
        code: CODEC,
        found: format!("The video is {} by RTMP.", codec.name()),
        cost: "The server encodes it again for WebRTC viewers, which takes its processors and some quality; by LL-HLS some \
               devices show no picture.",
        remedy: "H.264 reaches everybody as it is: in OBS, Settings > Output, Video Encoder. In FFmpeg: `-c:v libx264`.",
    }
}

/// `is_off`: nothing is encoded again here.
pub(super) fn no_webrtc(codec: VideoCodec, is_off: bool) -> Verdict {
    Verdict {
        code: NO_WEBRTC,
        found: format!("The video is {} by RTMP.", codec.name()),
        cost: "WebRTC viewers are refused; LL-HLS viewers are served where their device decodes it.",
        remedy: match codec {
            _ if is_off => {
                "H.264 reaches everybody: in OBS, Settings > Output, Video Encoder. In FFmpeg: `-c:v libx264`. Or, on the \
                 server, raise `transcoder.repair_percent`, with which it encodes other codecs again, and start it anew."
            }
            VideoCodec::Av1 => {
                "H.264 reaches everybody: in OBS, Settings > Output, Video Encoder. In FFmpeg: `-c:v libx264`. Or, on the \
                 server, install the Debian package gstreamer1.0-plugins-bad, with which it encodes AV1 again, and start it anew."
            }
            VideoCodec::H264 | VideoCodec::H265 | VideoCodec::Vp8 | VideoCodec::Vp9 => {
                "H.264 reaches everybody: in OBS, Settings > Output, Video Encoder. In FFmpeg: `-c:v libx264`."
            }
        },
    }
}

/// The kinds of which there are several; `None` when there are none.
pub(super) fn multitrack(video: bool, audio: bool) -> Option<Verdict> {
    let (found, remedy) = match (video, audio) {
        (true, true) => (
            "The encoder sends several video and several audio tracks; the first of each is taken.",
            "In OBS, Settings > Stream: turn off Multitrack Video; Settings > Output: tick one Audio Track.",
        ),
        (true, false) => (
            "The encoder sends several video tracks; the first is taken.",
            "In OBS, Settings > Stream: turn off Multitrack Video.",
        ),
        (false, true) => (
            "The encoder sends several audio tracks; the first is taken.",
            "In OBS, Settings > Output: tick one Audio Track.",
        ),
        (false, false) => return None,
    };
    Some(Verdict {
        code: MULTITRACK,
        found: found.to_owned(),
        cost: "The others are sent here for nothing.",
        remedy,
    })
}

pub(super) fn open_gop(points: u32, ticks: i64) -> Verdict {
    Verdict {
        code: OPEN_GOP,
        found: format!(
            "The GOPs are open: for {} there was no IDR picture, but {points} recovery points.",
            seconds(ticks)
        ),
        cost: GOP_COST,
        remedy: "In OBS, Settings > Output, Output Mode: Advanced, Streaming: take `open-gop` and `intra-refresh` out of \
                 x264 Options, Keyframe Interval: 2 s. In FFmpeg: `-flags +cgop`, and no `intra-refresh` for x264.",
    }
}

pub(super) fn profile(name: &str, chroma: u8, depth: u8) -> Verdict {
    let chroma = match chroma {
        0 => "4:0:0",
        2 => "4:2:2",
        3 => "4:4:4",
        _ => "4:2:0",
    };
    Verdict {
        code: PROFILE,
        found: format!("The video's profile is {name}: {chroma}, {depth} bits."),
        cost: "Browsers and phones are only sure to decode 4:2:0 with 8 bits: the server encodes the picture again for every \
               viewer, which takes its processors and some quality; while it cannot, some see no picture.",
        remedy: "In OBS, Settings > Advanced, Color Format: NV12, and Settings > Output, Profile: high. In FFmpeg: \
                 `-pix_fmt yuv420p -profile:v high`.",
    }
}

pub(super) fn repair_fails() -> Verdict {
    Verdict {
        code: REPAIR_FAILS,
        found: "What encodes the picture again for WebRTC viewers failed again and again before it had made one.".to_owned(),
        cost: "WebRTC viewers have no picture until it succeeds, which is tried ever more rarely; LL-HLS viewers are served.",
        remedy: "Publish what needs no repair, as the other findings say. The server's log has the reason (\"transcoder\"): a \
                 GStreamer plugin that is missing (x264enc is in gstreamer1.0-plugins-ugly), or video that no decoder takes.",
    }
}

pub(super) fn repair_refused() -> Verdict {
    Verdict {
        code: REPAIR_REFUSED,
        found: "The picture would have to be encoded again for WebRTC viewers, and this server's processors are taken."
            .to_owned(),
        cost: "WebRTC viewers have no picture until others end; LL-HLS viewers are served.",
        remedy: "Publish what needs no repair, as the other findings say, a smaller picture or a lower frame rate; or give \
                 the server more processors (`transcoder.repair_percent`).",
    }
}

pub(super) fn repair_too_slow() -> Verdict {
    Verdict {
        code: REPAIR_TOO_SLOW,
        found: "This server could not encode the picture again in real time: it fell two seconds behind.".to_owned(),
        cost: "WebRTC viewers have no picture until it tries again; LL-HLS viewers are served.",
        remedy: "Publish what needs no repair, as the other findings say, a smaller picture or a lower frame rate; or give \
                 the server more processors.",
    }
}

pub(super) fn interlaced() -> Verdict {
    Verdict {
        code: INTERLACED,
        found: "The video may be interlaced: its parameter set allows fields (`frame_mbs_only_flag` 0).".to_owned(),
        cost: "Browsers do not deinterlace: edges that move look like combs. For WebRTC viewers the server encodes the picture \
               again, since their decoders may show nothing: that takes its processors and some quality.",
        remedy: "In OBS, right-click the source, Deinterlacing: Yadif, and take `tff`, `bff` and `interlaced` out of x264 \
                 Options. In FFmpeg: `-vf yadif`, without `-flags +ildct+ilme`.",
    }
}

pub(super) fn high_bitrate(bps: u64) -> Verdict {
    Verdict {
        code: HIGH_BITRATE,
        found: format!("The video has {}.", mbit(bps)),
        cost: "Every viewer gets it whole: those with less to spare freeze, and this server sends as much for each of \
               them.",
        remedy: "In OBS, Settings > Output, Video Bitrate: 2500 Kbps for 720p, 4500 for 1080p, at most 8000. In FFmpeg: \
                 `-b:v 4500k -maxrate 4500k -bufsize 4500k`.",
    }
}

pub(super) fn over_announced_bitrate(bps: u64, announced_kbps: u32) -> Verdict {
    Verdict {
        code: OVER_ANNOUNCED_BITRATE,
        found: format!(
            "The video has {}, its encoder announced {}.",
            mbit(bps),
            mbit(u64::from(announced_kbps) * 1_000)
        ),
        cost: "The network that was reckoned for it may not bear it: viewers freeze where the encoder overshoots.",
        remedy: "In OBS, Settings > Output, Output Mode: Advanced, Streaming, Rate Control: CBR. In FFmpeg: beside \
                 `-b:v` also `-maxrate` and `-bufsize`, both with the same number.",
    }
}

pub(super) fn no_sound() -> Verdict {
    Verdict {
        code: NO_SOUND,
        found: "No sound comes with the picture.".to_owned(),
        cost: "Viewers hear nothing.",
        remedy: "On the page to go live choose a microphone; in OBS see that a level moves in the Audio Mixer. In FFmpeg: \
                 an input with sound, and no `-an`.",
    }
}

pub(super) fn sample_rate(hz: u32) -> Verdict {
    Verdict {
        code: SAMPLE_RATE,
        found: format!("The sound has {hz} samples a second."),
        cost: "Sound devices run at 48 or 44.1 kHz: it is resampled for every viewer, and below that it is dull or, at some \
               players, silent.",
        remedy: "In OBS, Settings > Audio, Sample Rate: 48 kHz. In FFmpeg: `-ar 48000`.",
    }
}

pub(super) fn audio_channels(channels: u8) -> Verdict {
    Verdict {
        code: AUDIO_CHANNELS,
        found: format!("The sound has {channels} channels."),
        cost: "WebRTC viewers get it mixed down to stereo, LL-HLS viewers with stereo speakers by whatever their device \
               makes of it: speech in the centre may be quiet.",
        remedy: "In OBS, Settings > Audio, Channels: Stereo. In FFmpeg: `-ac 2`.",
    }
}

/// `ticks`: how far the sound is ahead of the picture.
pub(super) fn av_skew(ticks: i64) -> Verdict {
    let (first, second) = if ticks > 0 {
        ("Sound", "the picture")
    } else {
        ("The picture", "the sound")
    };
    Verdict {
        code: AV_SKEW,
        found: format!(
            "{first} comes {} before {second} of the same time stamp.",
            millis(ticks.abs())
        ),
        cost: "Players wait for the later of the two: the delay of every viewer grows by as much, and LL-HLS players at \
               the live edge stall.",
        remedy: "In OBS, stop and start streaming, which aligns both. In FFmpeg: take both from one input, or move one by \
                 `-itsoffset`.",
    }
}

/// `ppm`: how much slower the stamps run than this server's clock.
pub(super) fn clock_drift(ppm: i64) -> Verdict {
    let direction = if ppm > 0 {
        "fall behind"
    } else {
        "run ahead of"
    };
    Verdict {
        code: CLOCK_DRIFT,
        found: format!(
            "The publisher's time stamps {direction} real time by {} ms a minute ({} ppm).",
            (ppm.abs() * 60 + 500) / 1_000,
            ppm.abs()
        ),
        cost: "The UTC of its frames is off by as much, so cards that are bound to a UTC come early or late, and \
               players skip or wait now and then.",
        remedy: "Match the frame rate to what the camera really has, 29.97 is not 30: in OBS, Settings > Video, Common FPS \
                 Values. Let the publisher's computer set its clock by NTP. In FFmpeg, for a live input: \
                 `-use_wallclock_as_timestamps 1`.",
    }
}

pub(super) fn unstable_frame_rate(frames: Frames) -> Verdict {
    let found = if frames.are_missing() {
        format!(
            "{} of {} frames are missing: their time stamps leave gaps.",
            frames.missing,
            frames.missing + frames.came
        )
    } else {
        format!(
            "Frames come at no even rate: {} of {} are off it, steps are {} to {} ms long.",
            frames.irregular, frames.came, frames.shortest_ms, frames.longest_ms
        )
    };
    Verdict {
        code: UNSTABLE_FRAME_RATE,
        found,
        cost: "Movement stutters for every viewer.",
        remedy: "In OBS, View > Stats says which: frames missed by rendering or skipped by \
                 encoding want a lighter scene, size or encoder preset; dropped by the network, a lower Settings > \
                 Output, Video Bitrate. In FFmpeg: `-r 30 -fps_mode cfr`.",
    }
}

/// `ticks`: how late.
pub(super) fn slow_uplink(ticks: i64) -> Verdict {
    Verdict {
        code: SLOW_UPLINK,
        found: format!(
            "Media come {} later than they did at best in the last minute: slower than real time.",
            seconds(ticks)
        ),
        cost: "The picture freezes for every viewer until it comes.",
        remedy: "In OBS, Settings > Output, Video Bitrate: less than three quarters of what the line uploads, and Settings > \
                 Advanced, Network: Dynamically change bitrate to manage congestion. In FFmpeg: a lower `-b:v`, or a \
                 faster `-preset` where `speed=` is below 1x.",
    }
}

pub(super) fn faster_than_real_time(ahead: i64) -> Verdict {
    Verdict {
        code: FASTER_THAN_REAL_TIME,
        found: format!(
            "Media come faster than real time: {} ahead already.",
            seconds(ahead)
        ),
        cost: "Nobody can watch at that speed: players skip, cards are bound to frames that are long gone.",
        remedy: "In FFmpeg, put `-re` before `-i` of a file. In OBS this does not happen.",
    }
}

/// What LL-HLS cannot carry, its viewers do not see.
pub(super) fn vp8_no_hls() -> Verdict {
    Verdict {
        code: VP8_NO_HLS,
        found: "The video is VP8, which no LL-HLS player takes.".to_owned(),
        cost: "WebRTC viewers see it, LL-HLS viewers get the sound alone.",
        remedy: "Publish H.264, or VP9 or AV1: in a browser, offer it before VP8 (`setCodecPreferences`).",
    }
}

const GOP_COST: &str = "Viewers who join or lose a picture wait longer and load more; for those by WebRTC the server encodes \
                        the picture again, which takes its processors and some quality.";

/// The same where the server encodes no picture again.
pub(super) fn not_encoded_again(verdict: Verdict) -> Verdict {
    let cost = match verdict.code {
        B_FRAMES => {
            "No browser plays them over WebRTC, and this server encodes no picture again (`transcoder.repair_percent` is 0): \
             those viewers are refused."
        }
        PROFILE => {
            "Browsers and phones are only sure to decode 4:2:0 with 8 bits, and this server encodes no picture again \
             (`transcoder.repair_percent` is 0): WebRTC viewers are refused, and some by LL-HLS see no picture."
        }
        INTERLACED => {
            "Browsers do not deinterlace: edges that move look like combs. WebRTC decoders may show nothing, and this server \
             encodes no picture again (`transcoder.repair_percent` is 0): those viewers are refused."
        }
        LONG_GOP | OPEN_GOP if verdict.cost == GOP_COST => {
            "Viewers who join or lose a picture wait longer and load more."
        }
        _ => verdict.cost,
    };
    Verdict { cost, ..verdict }
}

fn seconds(ticks: i64) -> String {
    let tenths = (ticks + 4_500) / 9_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

fn millis(ticks: i64) -> String {
    format!("{} ms", ticks / 90)
}

fn mbit(bps: u64) -> String {
    let tenths = bps.saturating_add(50_000) / 100_000;
    format!("{}.{} Mbit/s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(seconds(750_000), "8.3 s");
        assert_eq!(millis(54_090), "601 ms");
        assert_eq!(mbit(9_249_999), "9.2 Mbit/s");
        assert_eq!(
            clock_drift(1_000).found,
            "The publisher's time stamps fall behind real time by 60 ms a minute (1000 ppm)."
        );
        assert!(
            clock_drift(-1_000)
                .found
                .contains("run ahead of real time by 60 ms")
        );
        assert!(
            av_skew(-90_000)
                .found
                .starts_with("The picture comes 1000 ms before the sound")
        );
    }

    #[test]
    fn codes_are_listed_once_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
