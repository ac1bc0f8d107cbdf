//! What every picture must be, by its codec.

use media::{
    VideoConfig,
    av1::{self, OBU_PADDING, OBU_SEQUENCE_HEADER, OBU_TEMPORAL_DELIMITER},
    h264::{NAL_AUD, NAL_FILLER, NAL_IDR, NAL_PPS, NAL_SLICE, NAL_SPS, nal_type, nals, parse_avcc},
    vp8,
};

use crate::{
    AccessUnit, Rendition, RtpCodec,
    h264::{ACCESS_UNIT_MAX, NALS_MAX},
};

/// Holds pictures to their codec's word.
pub(super) struct Judge {
    codec: RtpCodec,
    rendition: Rendition,
}

impl Judge {
    pub(super) fn new(codec: RtpCodec) -> Self {
        Self {
            codec,
            rendition: Rendition::video(0),
        }
    }

    pub(super) fn check(&mut self, unit: &AccessUnit) {
        // A superframe's index comes on top of its frames.
        assert!(!unit.payload.is_empty() && unit.payload.len() <= ACCESS_UNIT_MAX + 34);
        if let Some(config) = &unit.config {
            assert_eq!(config.codec(), self.codec.into());
            let (width, height) = config.size();
            assert!(width > 0 && height > 0);
            assert!(!config.codecs().is_empty() && !config.profile().is_empty());
        }
        match self.codec {
            RtpCodec::H264 => self.h264(unit),
            RtpCodec::Vp8 => assert_eq!(vp8::is_keyframe(&unit.payload), Some(unit.keyframe)),
            // Its first frame's header was read, and is all that can be said of it.
            RtpCodec::Vp9 => {}
            RtpCodec::Av1 => av1(unit),
        }
    }

    fn h264(&mut self, unit: &AccessUnit) {
        let whole: usize = nals(&unit.payload).map(|nal| 4 + nal.len()).sum();
        assert_eq!(whole, unit.payload.len(), "no rest");
        assert!(nals(&unit.payload).count() <= NALS_MAX);
        let mut slices = nals(&unit.payload)
            .map(|nal| nal_type(&nal))
            .collect::<Vec<_>>();
        assert!(
            !slices
                .iter()
                .any(|kind| matches!(*kind, 0 | NAL_SPS | NAL_AUD | NAL_FILLER))
        );
        assert!(!unit.keyframe || !slices.contains(&NAL_PPS));
        slices.retain(|kind| (NAL_SLICE..=NAL_IDR).contains(kind));
        assert!(!slices.is_empty());
        assert!(
            slices
                .iter()
                .all(|kind| (*kind == NAL_IDR) == unit.keyframe)
        );
        if let Some(VideoConfig::H264(config)) = &unit.config {
            let read = parse_avcc(&config.avcc).expect("what is written is read");
            assert_eq!(read.config, *config);
        }
        self.pass_on(unit);
    }

    /// The viewers' side takes whatever this side gives.
    fn pass_on(&mut self, unit: &AccessUnit) {
        if let Some(config) = &unit.config {
            self.rendition.set_video_config(config);
        }
        let pts = media::Pts(unit.rtp_time).media_time();
        let frame = media::Frame {
            track: media::TrackKind::Video,
            dts: pts,
            pts,
            keyframe: unit.keyframe,
            payload: unit.payload.clone(),
        };
        let packets = self
            .rendition
            .push(&frame)
            .expect("within the packetiser's limits");
        let starts = packets.iter().any(|packet| packet.starts_keyframe);
        assert_eq!(starts, unit.keyframe);
    }
}

/// OBUs with their sizes to the last byte, a sequence header in each key frame, no delimiter.
fn av1(unit: &AccessUnit) {
    let obus: Result<Vec<_>, _> = av1::obus(&unit.payload).collect();
    let obus = obus.expect("what is written is read");
    let mut again = Vec::new();
    for obu in &obus {
        assert!(!matches!(obu.kind, OBU_TEMPORAL_DELIMITER | OBU_PADDING));
        av1::put_obu(&mut again, obu);
    }
    assert_eq!(again, unit.payload, "no rest");
    let has_sequence = obus.iter().any(|obu| obu.kind == OBU_SEQUENCE_HEADER);
    assert!(has_sequence || !unit.keyframe);
}
