//! The conversation with the server, from `Start` to the exit status. What is before it is in `opening`.
//!
//! Four kinds of thread: this one waits for the end; one reads standard input and feeds the decoder; one
//! takes decoded samples to the encoder; one per run writes packets. They wait for each other only through
//! bounded queues that run from standard input to standard output, so a server that stops reading finds its
//! own writes waiting, and nothing grows.

use std::{
    io::{self, Read},
    os::unix::process::parent_id,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use bytes::Bytes;
use media::MediaTime;
use transcode::{FromChild, Picture, SourcePicture, ToChild, VideoToJpeg};

use crate::{
    conversion::{Conversion, Sound},
    decode::{Decoded, Decoder},
    encode::{Codec, Listener},
    error::Error,
    fence, log,
    opening::{self, Opening, READ_BYTES},
    outlet,
    runs::Runs,
    still,
    video::{Video, Viewer},
};

/// What the threads tell the one that waits.
enum Event {
    /// `Stop`, or the end of the input.
    InputEnded,
    /// One packet or picture has been written.
    Written,
    /// All that came in has gone out.
    Drained,
    Failed(Error),
}

/// Talks until the end; returns the exit status.
pub(crate) fn run(fence: fence::Mode) -> i32 {
    let (events, ends) = mpsc::channel();
    let voice = Voice(events);
    let opening = match opening::open(fence) {
        Ok(Some(opening)) => opening,
        Ok(None) => return 0,
        Err(error) => return voice.report(&error),
    };
    let reader = voice.clone();
    thread::spawn(move || {
        if let Err(error) = read(io::stdin().lock(), opening, &reader) {
            reader.tell(Event::Failed(error));
        }
    });
    let parent = parent_id();
    // Turns without a packet since the input ended.
    let mut idle_turns: Option<u32> = None;
    loop {
        match ends.recv_timeout(TURN) {
            Ok(Event::InputEnded) => idle_turns = Some(0),
            Ok(Event::Written) => idle_turns = idle_turns.map(|_| 0),
            Ok(Event::Drained) => return 0,
            Ok(Event::Failed(error)) => return voice.report(&error),
            // Standard input ends with the parent, but nobody reads it while the pipeline hangs.
            Err(RecvTimeoutError::Timeout) if parent_id() != parent => return 0,
            Err(RecvTimeoutError::Timeout) if idle_turns == Some(IDLE_TURNS_MAX) => {
                log::warning(format_args!("the rest is not taken, or does not come"));
                return 0;
            }
            Err(RecvTimeoutError::Timeout) => idle_turns = idle_turns.map(|turns| turns + 1),
            Err(RecvTimeoutError::Disconnected) => return 0,
        }
    }
}

/// How every thread speaks.
#[derive(Clone)]
struct Voice(Sender<Event>);

impl Voice {
    fn tell(&self, event: Event) {
        // The receiver lives as long as the process.
        let _ = self.0.send(event);
    }

    /// Tells server and log of the end; returns the exit status.
    fn report(&self, error: &Error) -> i32 {
        log::error(format_args!("{error}"));
        // Whoever does not read any more does not want to know either.
        let _ = outlet::send(&FromChild::Failed {
            message: error.to_string(),
        });
        error.exit_status()
    }
}

impl Listener for Voice {
    fn packet(&self, pts: MediaTime, payload: Bytes) -> Result<(), Error> {
        outlet::send(&FromChild::Packet { pts, payload })?;
        self.tell(Event::Written);
        Ok(())
    }

    fn failed(&self, error: Error) {
        self.tell(Event::Failed(error));
    }
}

impl Viewer for Voice {
    fn configuration(&self, avcc: Bytes) -> Result<(), Error> {
        outlet::send(&FromChild::Configuration(avcc))
    }

    fn picture(&self, picture: Picture) -> Result<(), Error> {
        outlet::send(&FromChild::Picture(picture))?;
        self.tell(Event::Written);
        Ok(())
    }

    fn drained(&self) {
        self.tell(Event::Drained);
    }

    fn failed(&self, error: Error) {
        self.tell(Event::Failed(error));
    }
}

/// Where what comes in goes.
#[derive(Debug)]
enum Entrance {
    Sound(Decoder),
    Video(Video),
    Stills(Stills),
}

/// Makes each picture while it is read: the next one waits in the pipe.
#[derive(Debug)]
struct Stills(VideoToJpeg);

impl Stills {
    fn push(&self, picture: SourcePicture) -> Result<(), Error> {
        if !picture.wanted {
            return Ok(());
        }
        outlet::send(&FromChild::Jpeg(still::jpeg(&self.0, picture)?))
    }
}

/// Reads the input to its end, then lets the pipelines run empty.
fn read(mut input: impl Read, opening: Opening, voice: &Voice) -> Result<(), Error> {
    let Opening {
        start,
        mut messages,
    } = opening;
    let mut entrance = begin(Conversion::of(&start), voice)?;
    let mut bytes = vec![0; READ_BYTES];
    'input: loop {
        for message in messages.by_ref() {
            match (message?, &mut entrance) {
                (ToChild::Start(_), _) => return Err(Error::Order("a second Start")),
                (ToChild::Frame { pts, payload }, Entrance::Sound(decoder)) => {
                    decoder.push(pts, payload)?;
                }
                (ToChild::Picture(picture), Entrance::Video(video)) => video.push(picture)?,
                (ToChild::Keyframe, Entrance::Video(video)) => video.keyframe(),
                (ToChild::Picture(picture), Entrance::Stills(stills)) => stills.push(picture)?,
                (ToChild::Stop, _) => break 'input,
                (ToChild::Frame { .. } | ToChild::Picture(_) | ToChild::Keyframe, _) => {
                    return Err(Error::Order("a frame of what Start did not name"));
                }
            }
        }
        let count = match input.read(&mut bytes) {
            Ok(0) if messages.is_at_boundary() => break,
            Ok(0) => return Err(Error::Order("the input ends inside a message")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Read(error)),
        };
        messages.push(&bytes[..count]);
    }
    voice.tell(Event::InputEnded);
    match entrance {
        Entrance::Sound(decoder) => decoder.finish(),
        Entrance::Video(video) => video.finish(),
        Entrance::Stills(_) => voice.tell(Event::Drained),
    }
    Ok(())
}

fn begin(conversion: Conversion<'_>, voice: &Voice) -> Result<Entrance, Error> {
    announce(conversion)?;
    match conversion {
        Conversion::Sound(sound) => begin_sound(sound, voice).map(Entrance::Sound),
        Conversion::Video(start) => {
            let video = Video::new(start, voice)?;
            outlet::send(&FromChild::Ready)?;
            Ok(Entrance::Video(video))
        }
        Conversion::Still(start) => {
            outlet::send(&FromChild::Ready)?;
            Ok(Entrance::Stills(Stills(start.clone())))
        }
    }
}

/// Builds the first pipeline, and the thread that takes its samples to the second.
fn begin_sound(sound: Sound<'_>, voice: &Voice) -> Result<Decoder, Error> {
    let failed = voice.clone();
    let (decoder, decoded) = Decoder::new(sound, move |error| Listener::failed(&failed, error))?;
    let runs = Runs::new(Codec::of(sound), voice.clone());
    outlet::send(&FromChild::Ready)?;
    let voice = voice.clone();
    thread::spawn(move || {
        voice.tell(match encode_all(&decoded, runs) {
            Ok(()) => Event::Drained,
            Err(error) => Event::Failed(error),
        });
    });
    Ok(decoder)
}

/// Logs what is to be done, and looks at what can be wrong with it before any pipeline does.
fn announce(conversion: Conversion<'_>) -> Result<(), Error> {
    match conversion {
        Conversion::Sound(Sound::AacToOpus(aac)) => {
            log::info(format_args!(
                "AAC {} Hz, {} channels, to Opus at {} bit/s",
                aac.sample_rate.hz(),
                aac.channels,
                aac.bitrate_bps
            ));
            // A decoder that cannot use it would only say "not-negotiated", and only at the first frame.
            media::aac::parse_asc(&aac.asc)?;
        }
        Conversion::Sound(Sound::OpusToAac(opus)) => log::info(format_args!(
            "Opus, {} channels, to AAC at {} bit/s",
            opus.channels.count(),
            opus.bitrate_bps
        )),
        Conversion::Video(video) => log::info(format_args!(
            "video of {}/1000 frames a second to H.264 at {} bit/s",
            video.frame_rate_milli, video.bitrate_bps
        )),
        Conversion::Still(still) => log::info(format_args!(
            "key frames to JPEG of {} samples at most",
            still.side_max
        )),
    }
    Ok(())
}

/// Takes samples from one pipeline to the other until there are no more.
fn encode_all(decoded: &Decoded, mut runs: Runs<Voice>) -> Result<(), Error> {
    while let Some(chunk) = decoded.pull()? {
        runs.take(chunk)?;
    }
    runs.finish();
    Ok(())
}

/// How long a dead parent can go unnoticed while the pipeline hangs.
const TURN: Duration = Duration::from_millis(500);

/// Two seconds: how long the rest may stand still after the end of the input. The server has lost patience
/// by then; this is for a sibling that holds the pipe of a dead one open.
const IDLE_TURNS_MAX: u32 = 4;
