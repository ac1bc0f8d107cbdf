//! The warm-up: a conversion's pipelines, run once over a sample that is known, so that every plugin and library is
//! loaded, and every table computed, before files are closed to this process.
//!
//! By the code that does the work, with the parameters of the work; only the source is another one.

mod grey;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use media::{MediaTime, Timescale};
use transcode::{
    AacToOpus, OpusToAac, Picture, SourcePicture, VideoSource, VideoToH264, VideoToJpeg,
};

use crate::{
    conversion::{Conversion, Sound},
    decode::Decoder,
    elements,
    encode::{Codec, Listener},
    error::Error,
    runs::Runs,
    still,
    video::{Video, Viewer},
};

/// Runs `conversion` until its first output has come.
pub(crate) fn up(conversion: Conversion<'_>) -> Result<(), Error> {
    let (end, ended) = mpsc::channel();
    let witness = Witness {
        seen: Arc::default(),
        end,
    };
    match conversion {
        Conversion::Sound(sound) => begin_sound(sound, witness)?,
        Conversion::Video(video) => begin_video(video, &witness)?,
        Conversion::Still(start) => return make_still(&start.source, start.side_max),
    }
    // What does not come is told, and not waited for: nobody else would end a `--check`.
    ended.recv_timeout(PATIENCE).unwrap_or(Err(NOTHING))
}

/// Every conversion there is.
pub(crate) fn all() -> Result<(), Error> {
    let AacToOpus { bitrate_bps, .. } = AacToOpus::new(&OpusToAac::output());
    let aac = silent_aac(bitrate_bps);
    up(Conversion::Sound(Sound::AacToOpus(&aac)))?;
    let opus = OpusToAac::new(transcode::OpusChannels::Stereo);
    up(Conversion::Sound(Sound::OpusToAac(&opus)))?;
    up(Conversion::Video(&grey::start(
        FRAME_RATE_MILLI,
        BITRATE_BPS,
    )))?;
    if elements::decodes_av1() {
        up(Conversion::Video(&VideoToH264 {
            source: VideoSource::Av1,
            ..grey::start(FRAME_RATE_MILLI, BITRATE_BPS)
        }))?;
    }
    make_still(&grey::source(), VideoToJpeg::SIDE_MAX_DEFAULT)
}

fn begin_sound(sound: Sound<'_>, witness: Witness) -> Result<(), Error> {
    let silence;
    let (sound, unit, samples) = match sound {
        Sound::AacToOpus(aac) => {
            silence = silent_aac(aac.bitrate_bps);
            (Sound::AacToOpus(&silence), SILENT_AAC, 1024)
        }
        Sound::OpusToAac(_) => (sound, SILENT_OPUS, 960),
    };
    let failed = witness.clone();
    let (mut decoder, decoded) = Decoder::new(sound, move |error| failed.failed(error))?;
    let mut runs = Runs::new(Codec::of(sound), witness.clone());
    for n in 0..UNITS {
        let pts = MediaTime::new(n * samples, Timescale::OPUS);
        decoder.push(pts, Bytes::from_static(unit))?;
    }
    decoder.finish();
    thread::spawn(move || {
        let done = (|| {
            while let Some(chunk) = decoded.pull()? {
                runs.take(chunk)?;
            }
            runs.finish();
            Ok(())
        })();
        drop(decoded);
        witness.done(done);
    });
    Ok(())
}

fn begin_video(video: &VideoToH264, witness: &Witness) -> Result<(), Error> {
    let (source, pictures) = like(&video.source);
    let start = VideoToH264 {
        source,
        ..grey::start(video.frame_rate_milli, video.bitrate_bps)
    };
    let video = Video::new(&start, witness)?;
    for picture in pictures {
        video.push(picture)?;
    }
    video.finish();
    Ok(())
}

fn make_still(source: &VideoSource, side_max: u16) -> Result<(), Error> {
    let (source, pictures) = like(source);
    let picture = pictures.into_iter().next().ok_or(NOTHING)?;
    still::jpeg(&VideoToJpeg { source, side_max }, picture).map(drop)
}

/// Pictures by which the plugin is loaded that decodes such a source: of all but AV1 it is one and the same.
fn like(source: &VideoSource) -> (VideoSource, Vec<SourcePicture>) {
    match source {
        VideoSource::Av1 => (VideoSource::Av1, grey::av1()),
        VideoSource::H264(_) | VideoSource::H265(_) | VideoSource::Vp9 | VideoSource::Vp8 => {
            (grey::source(), grey::pictures())
        }
    }
}

/// AAC of 48 kHz in stereo.
fn silent_aac(bitrate_bps: u32) -> AacToOpus {
    AacToOpus {
        bitrate_bps,
        ..AacToOpus::new(&OpusToAac::output())
    }
}

/// Sees what comes out.
#[derive(Debug, Clone)]
struct Witness {
    seen: Arc<AtomicBool>,
    end: Sender<Result<(), Error>>,
}

impl Witness {
    fn done(&self, done: Result<(), Error>) {
        let seen = self.seen.load(Ordering::Acquire);
        let done = done.and_then(|()| if seen { Ok(()) } else { Err(NOTHING) });
        // Only the first end is waited for.
        let _ = self.end.send(done);
    }

    fn failed(&self, error: Error) {
        self.done(Err(error));
    }

    fn see(&self) {
        self.seen.store(true, Ordering::Release);
    }
}

impl Listener for Witness {
    fn packet(&self, _: MediaTime, _: Bytes) -> Result<(), Error> {
        self.see();
        Ok(())
    }

    fn failed(&self, error: Error) {
        self.failed(error);
    }
}

impl Viewer for Witness {
    fn configuration(&self, _: Bytes) -> Result<(), Error> {
        Ok(())
    }

    fn picture(&self, _: Picture) -> Result<(), Error> {
        self.see();
        Ok(())
    }

    fn drained(&self) {
        self.done(Ok(()));
    }

    fn failed(&self, error: Error) {
        self.failed(error);
    }
}

const NOTHING: Error = Error::Unexpected("the warm-up yields nothing");

/// Less than the server's patience with the whole start.
const PATIENCE: Duration = Duration::from_secs(2);

/// Enough for a packet of either codec.
const UNITS: i64 = 4;
/// A raw_data_block (ISO/IEC 14496-3 section 4.4.2.1): a channel pair without anything in it, and the end.
const SILENT_AAC: &[u8] = &[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80];
/// RFC 6716 section 3.1: 20 ms of CELT in stereo, full band, one frame, of silence.
const SILENT_OPUS: &[u8] = &[0xfc, 0xff, 0xfe];

const FRAME_RATE_MILLI: u32 = 30_000;
const BITRATE_BPS: u32 = 1_000_000;
