//! An offer becomes a session.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use str0m::{
    Candidate, IceCreds, Rtc, RtcConfig,
    change::SdpOffer,
    channel::{ChannelConfig, Reliability},
    crypto::{CryptoProvider, dtls::DtlsCert},
    format::{Codec, CodecConfig, CodecSpec, FormatParams, PayloadParams},
    media::{Frequency, Mid, Rid},
    net::TcpType,
    rtp::{Extension, ExtensionMap, Ssrc},
};

use crate::{
    Answer, Config, Error, Offer, PublishOffer, Refusal,
    fanout::HeaderTemplate,
    publisher::{self, Publisher},
    routes::Ice,
    sdp::{self, AudioPlan, Plan, VideoFormat, VideoPlan},
    session::{Parts, Session},
    stand_in::StandIn,
    transport::Transport,
};

/// What all sessions of a shard have in common.
#[derive(Debug)]
pub(crate) struct Acceptor {
    pub(crate) crypto: Arc<CryptoProvider>,
    /// Made once: a certificate costs milliseconds, and viewers gain nothing from one each.
    certificate: DtlsCert,
    candidates: Vec<Candidate>,
    shard: u16,
    retransmit_packets: usize,
}

/// A session that has just been made.
#[derive(Debug)]
pub(crate) struct Accepted<S> {
    pub(crate) session: S,
    pub(crate) answer: Answer,
    /// What the peer's checks must say.
    pub(crate) ice: Ice,
}

/// A transport that has answered, and what it was answered with.
struct Answered {
    transport: Transport,
    answer: Answer,
    ice: Ice,
}

impl Acceptor {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto.dtls_provider.generate_certificate();
        let udp = config.candidates.iter().map(host_candidate);
        let tcp = config.tcp_candidates.iter().map(passive_candidate);
        let candidates = udp.chain(tcp).collect::<Result<Vec<_>, _>>()?;
        if candidates.is_empty() {
            return Err(Error::NoCandidates);
        }
        Ok(Self {
            crypto,
            certificate: certificate.ok_or(Error::Crypto("no DTLS certificate"))?,
            candidates,
            shard: config.shard,
            retransmit_packets: config.retransmit_packets.max(1),
        })
    }

    /// A viewer's session.
    pub(crate) fn accept(
        &self,
        now: Instant,
        offer: &Offer<'_>,
    ) -> Result<Accepted<Session>, Refusal> {
        let offered = sdp::parse(offer.sdp)?;
        let plan = sdp::plan(&offered, &offer.media)?;
        let Answered {
            mut transport,
            answer,
            ice,
        } = self.answer(now, &plan)?;
        let rtc = &mut transport.rtc;
        let random: [u8; 4] = random()?;
        let first = |n: usize| u16::from_be_bytes([random[n], random[n + 1]]);
        let video = plan.video_mid().zip(plan.video).map(|(mid, video)| {
            let (ssrc, first) = (sending(rtc, mid)?, first(0));
            Ok(HeaderTemplate::new(
                video.payload_type,
                ssrc,
                first,
                video.nack,
            ))
        });
        let video = video.transpose()?;
        let audio = plan.audio_mid().zip(plan.audio).map(|(mid, audio)| {
            let (ssrc, first) = (sending(rtc, mid)?, first(2));
            Ok(HeaderTemplate::new(audio.payload_type, ssrc, first, false))
        });
        let audio = audio.transpose()?;
        let rtx = self.limit_retransmission(rtc, video.as_ref());
        let channel = plan
            .data
            .then(|| rtc.direct_api().create_data_channel(cue_channel()));
        transport.count_retransmissions(rtx);
        let session = Session::new(Parts {
            stream: offer.stream,
            transport,
            video_mid: plan.video_mid().map(Mid::from),
            video_codec: plan.video.map(|video| video.format.codec().into()),
            video,
            audio,
            channel,
        });
        Ok(Accepted {
            session,
            answer,
            ice,
        })
    }

    /// A publisher's session.
    pub(crate) fn accept_publisher(
        &self,
        now: Instant,
        offer: &PublishOffer<'_>,
    ) -> Result<Accepted<Publisher>, Refusal> {
        let offered = sdp::parse(offer.sdp)?;
        let plan = sdp::plan_publish(&offered)?;
        let Answered {
            transport,
            answer,
            ice,
        } = self.answer(now, &plan)?;
        let video = plan.video_mid().zip(plan.video);
        let video = video.map(|(mid, video)| {
            let track = publisher::Expected {
                mid: mid.into(),
                payload_type: video.payload_type,
                ssrc: video.ssrc,
                rids: plan.rids.iter().map(|rid| Rid::from(*rid)).collect(),
            };
            (video.format.codec(), track)
        });
        let audio = plan.audio_mid().zip(plan.audio);
        let audio = audio.map(|(mid, audio)| publisher::Expected {
            mid: mid.into(),
            payload_type: audio.payload_type,
            ssrc: audio.ssrc.map(|ssrc| (ssrc, None)),
            rids: Vec::new(),
        });
        let mut session = Publisher::new(now, transport, video, audio);
        session.know(&plan.parameter_sets);
        Ok(Accepted {
            session,
            answer,
            ice,
        })
    }

    /// A transport made as planned.
    fn answer(&self, now: Instant, plan: &Plan<'_>) -> Result<Answered, Refusal> {
        let (ufrag, pwd) = self.credentials()?;
        let creds = IceCreds {
            ufrag: ufrag.clone(),
            pass: pwd.clone(),
        };
        let mut rtc = self.build(now, plan, creds);
        for candidate in &self.candidates {
            rtc.add_local_candidate(candidate.clone());
        }
        let transport = |error: &dyn std::fmt::Display| Refusal::Transport(error.to_string());
        let canonical = SdpOffer::from_sdp_string(&sdp::write_offer(plan))
            .map_err(|error| transport(&error))?;
        let answer = rtc
            .sdp_api()
            .accept_offer(canonical)
            .map_err(|error| transport(&error))?
            .to_sdp_string();
        let ice = Ice {
            generation: 0,
            ufrag,
            pwd,
            remote_ufrag: plan.ufrag.to_owned(),
        };
        let stand_in = StandIn::new(&self.candidates[0], &ice);
        let fragment = sdp::fragment_of(&answer);
        Ok(Answered {
            transport: Transport::new(now, rtc, stand_in, fragment),
            answer: Answer { sdp: answer },
            ice,
        })
    }

    /// A user name fragment and a password nobody can guess. RFC 8445 section 5.3: at least 24 bits
    /// of randomness in the fragment, 128 in the password.
    pub(crate) fn credentials(&self) -> Result<(String, String), Refusal> {
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let random: [u8; 24] = random()?;
        let (fragment, password) = random.split_at(8);
        let ufrag = format!("{:04x}{}", self.shard, hex(fragment));
        Ok((ufrag, hex(password)))
    }

    fn build(&self, now: Instant, plan: &Plan<'_>, creds: IceCreds) -> Rtc {
        let mut extensions = ExtensionMap::empty();
        // str0m renumbers it to the offer's. The others would cost octets in every packet and tell
        // a viewer nothing.
        extensions.set(1, Extension::RtpMid);
        if plan.video.is_some_and(|video| video.transport_cc) {
            // A browser that does not hear how its packets arrive sends 300 kbit/s for ever.
            extensions.set(2, Extension::TransportSequenceNumber);
        }
        if !plan.rids.is_empty() {
            extensions.set(3, Extension::RtpStreamId);
            extensions.set(4, Extension::RepairedRtpStreamId);
        }
        let mut config = RtcConfig::new()
            .set_rtp_mode(true)
            .set_mtu(DATAGRAM_MAX..=DATAGRAM_MAX)
            .set_ice_lite(true)
            .set_local_ice_credentials(creds)
            .set_crypto_provider(Arc::clone(&self.crypto))
            .set_dtls_cert(self.certificate.clone())
            .set_extension_map(extensions)
            .set_stats_interval(Some(STATS_INTERVAL))
            .set_rtcp_report_interval_audio(REPORT_INTERVAL)
            .set_rtcp_report_interval_video(REPORT_INTERVAL)
            .set_send_buffer_video(self.retransmit_packets)
            .set_sctp_max_message_size(CHANNEL_MESSAGE_MAX);
        *config.codec_config() = CodecConfig::new_from_payload_params(payload_params(plan));
        config.build(now)
    }

    /// At most as much is sent again as is sent: half of everything.
    fn limit_retransmission(&self, rtc: &mut Rtc, video: Option<&HeaderTemplate>) -> Option<Ssrc> {
        let mut api = rtc.direct_api();
        let stream = api.stream_tx(&video?.ssrc())?;
        stream.set_rtx_cache(self.retransmit_packets, RETRANSMIT_AGE, Some(0.5));
        stream.rtx()
    }
}

/// The stream str0m will send on a section it has just answered.
fn sending(rtc: &mut Rtc, mid: &str) -> Result<Ssrc, Refusal> {
    let mut api = rtc.direct_api();
    let stream = api.stream_tx_by_mid(Mid::from(mid), None);
    let stream = stream.ok_or_else(|| Refusal::Transport(format!("nothing to send on {mid}")))?;
    Ok(stream.ssrc())
}

fn host_candidate(address: &SocketAddr) -> Result<Candidate, Error> {
    let bad = || Error::BadCandidate(*address);
    if address.ip().is_unspecified() {
        return Err(bad());
    }
    Candidate::host(*address, "udp").map_err(|_| bad())
}

/// RFC 6544 section 4.1: this side takes connections and opens none.
fn passive_candidate(address: &SocketAddr) -> Result<Candidate, Error> {
    let bad = || Error::BadCandidate(*address);
    if address.ip().is_unspecified() {
        return Err(bad());
    }
    let candidate = Candidate::builder().tcp().host(*address);
    let candidate = candidate.tcptype(TcpType::Passive).build();
    candidate.map_err(|_| bad())
}

/// Exactly the payload types of the plan, with the feedback that will be heeded.
fn payload_params(plan: &Plan<'_>) -> Vec<PayloadParams> {
    plan.video
        .map(video_params)
        .into_iter()
        .chain(plan.audio.map(audio_params))
        .collect()
}

fn video_params(video: VideoPlan) -> PayloadParams {
    let (codec, format) = video_format(video.format);
    let spec = CodecSpec {
        codec,
        clock_rate: Frequency::NINETY_KHZ,
        channels: None,
        format,
    };
    let mut params = PayloadParams::new(video.payload_type.into(), video.rtx.map(Into::into), spec);
    params.set_fb_nack(video.nack);
    params.set_fb_pli(video.pli);
    params.set_fb_fir(video.fir);
    params.set_fb_remb(false);
    params.set_fb_transport_cc(video.transport_cc);
    params
}

fn video_format(format: VideoFormat) -> (Codec, FormatParams) {
    let none = FormatParams::default();
    match format {
        VideoFormat::H264 { profile_level_id } => {
            let format = FormatParams {
                level_asymmetry_allowed: Some(true),
                packetization_mode: Some(1),
                profile_level_id: Some(profile_level_id),
                ..none
            };
            (Codec::H264, format)
        }
        VideoFormat::Vp8 => (Codec::Vp8, none),
        VideoFormat::Vp9 { profile_id } => {
            let format = FormatParams {
                profile_id: Some(profile_id.into()),
                ..none
            };
            (Codec::Vp9, format)
        }
        VideoFormat::Av1 {
            profile,
            level_idx,
            tier,
        } => {
            let format = FormatParams {
                profile: Some(profile),
                level_idx: Some(level_idx),
                tier: Some(tier),
                ..none
            };
            (Codec::Av1, format)
        }
    }
}

fn audio_params(audio: AudioPlan) -> PayloadParams {
    let spec = CodecSpec {
        codec: Codec::Opus,
        clock_rate: Frequency::FORTY_EIGHT_KHZ,
        channels: Some(2),
        // RFC 7587 section 7.1: without sprop-stereo a receiver may decode to one channel.
        format: FormatParams {
            min_p_time: Some(10),
            use_inband_fec: Some(true),
            stereo: Some(true),
            sprop_stereo: Some(true),
            ..FormatParams::default()
        },
    };
    let mut params = PayloadParams::new(audio.payload_type.into(), None, spec);
    params.set_fb_transport_cc(false);
    params
}

/// The channel players create with `negotiated: true, id: 0`: no handshake, no second channel.
fn cue_channel() -> ChannelConfig {
    ChannelConfig {
        label: "cues".to_owned(),
        ordered: true,
        reliability: Reliability::Reliable,
        negotiated: Some(0),
        protocol: String::new(),
    }
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Refusal::Transport("no random numbers".to_owned()))?;
    Ok(bytes)
}

/// Browsers need two reports of each track before they play the two in sync.
const REPORT_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
/// Bytes of the largest datagram that every IPv6 link carries: its smallest MTU of 1280 (RFC 8200 section 5) less IPv6 40
/// and UDP 8. SCTP sends no more than this at a time once it has lost something (RFC 9260 section 7.2.3): two texts of one
/// product card fit, and 1150, the default, holds the second back.
const DATAGRAM_MAX: usize = 1232;
const STATS_INTERVAL: std::time::Duration = std::time::Duration::from_secs(2);
/// A retransmission later than this is of no use to anyone watching live.
const RETRANSMIT_AGE: std::time::Duration = std::time::Duration::from_secs(3);
/// What a viewer may send us; we read none of it.
const CHANNEL_MESSAGE_MAX: u32 = 16 * 1024;
