//! Frames of one track become RTP packets, once for every viewer.

use std::sync::Arc;

use media::{Frame, MediaTime, Pts, Timescale, VideoConfig};

use crate::{
    Error, RenditionPacket, VideoPacket,
    h264::{PAYLOAD_MAX, Packetiser},
    ingest::brings_sets,
};

/// One track as RTP: packetised once, each packet numbered.
#[derive(Debug)]
pub struct Rendition {
    codec: Codec,
    /// RTP timestamp of the track's zero.
    k: u32,
    next_index: u64,
    packets: Vec<RenditionPacket>,
    payloads: Vec<Arc<[u8]>>,
}

#[derive(Debug)]
enum Codec {
    H264(Packetiser),
    Opus,
}

impl Rendition {
    /// Video: H.264 to be packetised, or packets of any codec that a publisher has made; `k` is the stream's random constant: RTP timestamp = pts + k.
    pub fn video(k: u32) -> Self {
        Self::new(Codec::H264(Packetiser::default()), k)
    }

    /// Opus audio; `k` is the track's own random constant: RTP timestamp = pts at 48 kHz + k.
    pub fn audio(k: u32) -> Self {
        Self::new(Codec::Opus, k)
    }

    fn new(codec: Codec, k: u32) -> Self {
        Self {
            codec,
            k,
            next_index: 0,
            packets: Vec::new(),
            payloads: Vec::new(),
        }
    }

    /// Parameter sets to send before every IDR from now on. Call at the start and whenever they
    /// change; audio and other codecs have none.
    pub fn set_video_config(&mut self, config: &VideoConfig) {
        match (&mut self.codec, config) {
            (Codec::H264(packetiser), VideoConfig::H264(config)) => packetiser.set_config(config),
            // Their publishers' packets are passed on as they come, led by no parameter sets of before.
            (
                Codec::H264(packetiser),
                VideoConfig::H265(_)
                | VideoConfig::Vp8(_)
                | VideoConfig::Vp9(_)
                | VideoConfig::Av1(_),
            ) => *packetiser = Packetiser::default(),
            (Codec::Opus, _) => {}
        }
    }

    /// Packetises one frame. The packets stay here until the next call.
    ///
    /// # Errors
    ///
    /// When the frame breaks a limit; nothing of it is sent and the rendition goes on with the
    /// next.
    pub fn push(&mut self, frame: &Frame) -> Result<&[RenditionPacket], Error> {
        self.packets.clear();
        self.payloads.clear();
        let (starts_keyframe, rtp_time, marker) = match &mut self.codec {
            Codec::H264(packetiser) => {
                let done = packetiser.packetise(&frame.payload, &mut self.payloads)?;
                (
                    done.idr,
                    rtp_time(frame.pts, Timescale::VIDEO, self.k),
                    true,
                )
            }
            Codec::Opus => {
                self.payloads.push(opus_payload(&frame.payload)?);
                // RFC 7587 section 4.2: the marker bit says that talk begins after silence; it
                // never falls silent here.
                (false, rtp_time(frame.pts, Timescale::OPUS, self.k), false)
            }
        };
        self.number(frame.stream_pts(), rtp_time, starts_keyframe, marker);
        Ok(&self.packets)
    }

    /// Numbers a packet that a publisher has made. It stays here until the next call.
    ///
    /// Parameter sets go before a key frame that does not begin with its own: a decoder that starts here has no others, and
    /// a publisher may have sent them once, or only told them in its offer.
    pub fn pass(&mut self, pts: Pts, packet: VideoPacket) -> &[RenditionPacket] {
        self.packets.clear();
        self.payloads.clear();
        let VideoPacket {
            marker,
            starts_keyframe,
            payload,
            ..
        } = packet;
        if let Codec::H264(packetiser) = &self.codec
            && starts_keyframe
            && !brings_sets(&payload)
        {
            self.payloads
                .extend(packetiser.parameter_sets().iter().cloned());
        }
        self.payloads.push(payload);
        let rtp_time = rtp_time(pts.media_time(), Timescale::VIDEO, self.k);
        self.number(pts, rtp_time, starts_keyframe, marker);
        &self.packets
    }

    fn number(&mut self, pts: Pts, rtp_time: u32, starts_keyframe: bool, marker: bool) {
        let last = self.payloads.len().saturating_sub(1);
        for (n, payload) in self.payloads.drain(..).enumerate() {
            self.packets.push(RenditionPacket {
                index: self.next_index,
                pts,
                rtp_time,
                marker: marker && n == last,
                starts_keyframe: starts_keyframe && n == 0,
                payload,
            });
            self.next_index += 1;
        }
    }
}

/// `(pts + k) mod 2^32` at the track's RTP clock.
fn rtp_time(pts: MediaTime, clock: Timescale, k: u32) -> u32 {
    let low = pts.rescale_round(clock).ticks().rem_euclid(1 << 32);
    u32::try_from(low)
        .expect("a remainder of 2^32 fits 32 bits")
        .wrapping_add(k)
}

/// RFC 7587 section 4.2: "the RTP payload ... contains exactly one Opus packet".
fn opus_payload(packet: &[u8]) -> Result<Arc<[u8]>, Error> {
    if packet.is_empty() {
        return Err(Error::EmptyAccessUnit);
    }
    if packet.len() > PAYLOAD_MAX {
        let (got, limit) = (packet.len(), PAYLOAD_MAX);
        return Err(Error::AccessUnit {
            what: "bytes of Opus",
            got,
            limit,
        });
    }
    Ok(Arc::from(packet))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::TrackKind;

    use super::*;

    fn frame(track: TrackKind, pts: MediaTime, payload: &'static [u8]) -> Frame {
        Frame {
            track,
            dts: pts,
            pts,
            keyframe: true,
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn packets_are_numbered_without_gaps_and_only_the_last_of_a_frame_is_marked() {
        let mut video = Rendition::video(0);
        let two: &[u8] = &[0, 0, 0, 2, 0x06, 1, 0, 0, 0, 2, 0x65, 1];
        let broken = frame(TrackKind::Video, Pts(0).media_time(), &[1]);
        let mut seen = Vec::new();
        for n in 0..3 {
            let packets = video
                .push(&frame(TrackKind::Video, Pts(n).media_time(), two))
                .unwrap();
            seen.extend(
                packets
                    .iter()
                    .map(|p| (p.index, p.pts.0, p.marker, p.starts_keyframe)),
            );
            assert!(video.push(&broken).is_err());
        }
        let expected: Vec<_> = (0..6)
            .map(|n| (n, i64::try_from(n / 2).unwrap(), n % 2 == 1, n % 2 == 0))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_publishers_key_frame_without_parameter_sets_is_led_by_them() {
        let sps: &[u8] = &[
            0x67, 0x42, 0xc0, 0x1e, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0, 0x44, 0x00, 0x00, 0x03,
            0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xca, 0x3c, 0x58, 0xba, 0x80,
        ];
        let pps: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
        let sets = [sps, pps].map(|set| vec![Bytes::from_static(set)]);
        let [sps, pps] = sets;
        let mut video = Rendition::video(0);
        video.set_video_config(&media::h264::configure(sps, pps).unwrap().into());
        let mut pass = |starts_keyframe, payload: &[u8]| {
            let packet = VideoPacket {
                rtp_time: 0,
                marker: true,
                starts_keyframe,
                payload: payload.into(),
            };
            let packets = video.pass(Pts(7), packet).iter();
            packets
                .map(|p| (p.index, p.payload[0], p.marker, p.starts_keyframe))
                .collect::<Vec<_>>()
        };
        let led = [(0, 0x78, false, true), (1, 0x65, true, false)];
        assert_eq!(pass(true, &[0x65, 0x88]), led);
        assert_eq!(pass(false, &[0x41, 0x9a]), [(2, 0x41, true, false)]);
        assert_eq!(pass(true, &[0x67, 0x42]), [(3, 0x67, true, true)]);
        // A publisher that has come back with VP8 has none.
        let key = [0x50, 0x42, 0, 0x9d, 0x01, 0x2a, 160, 0, 0x5a, 0];
        let vp8 = media::vp8::parse_key_frame(&key).unwrap();
        video.set_video_config(&vp8.into());
        let packet = VideoPacket {
            rtp_time: 0,
            marker: true,
            starts_keyframe: true,
            payload: [0x10, 0x50][..].into(),
        };
        let packets = video.pass(Pts(8), packet);
        assert_eq!((packets.len(), packets[0].index), (1, 4));
    }

    #[test]
    fn time_stamps_are_the_constant_plus_the_time_and_wrap() {
        let slice: &[u8] = &[0, 0, 0, 2, 0x41, 1];
        let mut video = Rendition::video(u32::MAX);
        let mut stamp = |pts| {
            let packets = video
                .push(&frame(TrackKind::Video, Pts(pts).media_time(), slice))
                .unwrap();
            packets[0].rtp_time
        };
        assert_eq!(
            (stamp(0), stamp(1), stamp((1 << 32) + 901)),
            (u32::MAX, 0, 900)
        );
        let mut audio = Rendition::audio(5);
        for n in 0..200i64 {
            let pts = MediaTime::new(480_000 + n * 960, Timescale::OPUS);
            let packets = audio
                .push(&frame(TrackKind::Audio, pts, &[0xfc, 1]))
                .unwrap();
            assert_eq!(
                i64::from(packets[0].rtp_time),
                480_005 + n * 960,
                "20 ms each, exactly"
            );
            assert_eq!(packets[0].pts, Pts(900_000 + n * 1_800));
            assert!(!packets[0].marker);
        }
    }

    #[test]
    fn an_opus_packet_is_one_payload_or_refused() {
        let mut audio = Rendition::audio(0);
        let at = MediaTime::new(0, Timescale::OPUS);
        assert_eq!(
            audio.push(&frame(TrackKind::Audio, at, &[])).unwrap_err(),
            Error::EmptyAccessUnit
        );
        assert!(
            audio
                .push(&frame(TrackKind::Audio, at, &[0; 1_276]))
                .is_err()
        );
        let packets = audio.push(&frame(TrackKind::Audio, at, &[7; 400])).unwrap();
        assert_eq!(
            (packets.len(), &*packets[0].payload, packets[0].index),
            (1, &[7; 400][..], 0)
        );
    }
}
