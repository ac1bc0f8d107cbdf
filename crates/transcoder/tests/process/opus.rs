//! An Opus source, as a WHIP publisher is one.

use bytes::Bytes;
use media::{MediaTime, Timescale, opus::packet_samples};
use transcode::{OpusChannels, OpusToAac, Start};

use crate::{
    child::{self, Packet},
    ffmpeg, ogg,
};

/// Packets of one length.
pub(crate) struct Opus {
    pub(crate) packets: Vec<Bytes>,
    /// Samples in each.
    pub(crate) samples: i64,
    pub(crate) channels: u8,
}

/// How to encode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) channels: u8,
    /// Of a packet, as FFmpeg wants it.
    pub(crate) milliseconds: &'static str,
    /// `audio` and `lowdelay` give CELT at this test's bit rate, `voip` SILK.
    pub(crate) application: &'static str,
    pub(crate) bitrate: &'static str,
}

/// As browsers and OBS send it.
pub(crate) const USUAL: Layout = Layout {
    channels: 2,
    milliseconds: "20",
    application: "audio",
    bitrate: "128k",
};

impl Opus {
    pub(crate) fn encode(layout: Layout, signal: &[f32]) -> Self {
        #[rustfmt::skip]
        let options = [
            "-b:a", layout.bitrate, "-application", layout.application,
            "-frame_duration", layout.milliseconds,
        ];
        let packets = ogg::packets(&ffmpeg::encode_opus(layout.channels, signal, &options));
        let samples = packet_samples(&packets[0]).unwrap();
        for packet in &packets {
            assert_eq!(packet_samples(packet), Ok(samples));
        }
        Self {
            packets,
            samples: samples.into(),
            channels: layout.channels,
        }
    }

    pub(crate) fn start(&self) -> Start {
        Start::OpusToAac(OpusToAac::new(match self.channels {
            1 => OpusChannels::Mono,
            _ => OpusChannels::Stereo,
        }))
    }

    /// FFmpeg's own decoding, in stereo: sample 0 is the first packet's first, the encoder's delay included.
    pub(crate) fn decoded(&self) -> Vec<[f32; 2]> {
        let samples = u64::try_from(self.samples).unwrap();
        let sound = ffmpeg::decode_ogg(ogg::file_of(self.packets.iter(), samples));
        assert_eq!(sound.len() as u64, self.packets.len() as u64 * samples);
        sound
    }

    /// The n-th packet's time on an unbroken line that begins at `first` ticks of 48 kHz.
    pub(crate) fn line(&self, first: i64) -> impl Fn(usize) -> MediaTime + use<> {
        let samples = self.samples;
        move |n| MediaTime::new(first + i64::try_from(n).unwrap() * samples, Timescale::OPUS)
    }

    /// Transcodes all of it, the n-th packet at `pts(n)`; checks the exit.
    pub(crate) fn transcoded(&self, pts: impl Fn(usize) -> MediaTime) -> Vec<Packet> {
        self.transcoded_without(|_| false, pts)
    }

    /// The same, with some packets lost.
    pub(crate) fn transcoded_without(
        &self,
        lost: impl Fn(usize) -> bool,
        pts: impl Fn(usize) -> MediaTime,
    ) -> Vec<Packet> {
        let packets = self.packets.iter().enumerate().filter(|(n, _)| !lost(*n));
        child::transcoded(self.start(), packets.map(|(n, packet)| (pts(n), packet)))
    }
}
