//! The conversation with the server, from the first byte to the exit status.
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
use gstreamer as gst;
use media::MediaTime;
use transcode::{FromChild, Start, ToChild};

use crate::{
    decode::{Decoded, Decoder},
    encode::{Codec, Listener},
    error::Error,
    log, outlet,
    runs::Runs,
};

/// What the threads tell the one that waits.
enum Event {
    /// `Stop`, or the end of the input.
    InputEnded,
    /// One has been written.
    Packet,
    /// All that came in has gone out.
    Drained,
    Failed(Error),
}

/// Talks until the end; returns the exit status.
pub(crate) fn run() -> i32 {
    let (events, ends) = mpsc::channel();
    let voice = Voice(events);
    let reader = voice.clone();
    thread::spawn(move || {
        if let Err(error) = read(io::stdin().lock(), &reader) {
            reader.failed(error);
        }
    });
    let parent = parent_id();
    // Turns without a packet since the input ended.
    let mut idle_turns: Option<u32> = None;
    loop {
        match ends.recv_timeout(TURN) {
            Ok(Event::InputEnded) => idle_turns = Some(0),
            Ok(Event::Packet) => idle_turns = idle_turns.map(|_| 0),
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
        self.tell(Event::Packet);
        Ok(())
    }

    fn failed(&self, error: Error) {
        self.tell(Event::Failed(error));
    }
}

/// Reads the input to its end, then lets the pipelines run empty.
fn read(mut input: impl Read, voice: &Voice) -> Result<(), Error> {
    let mut messages = transcode::Decoder::<ToChild>::new();
    let mut decoder: Option<Decoder> = None;
    let mut bytes = vec![0; READ_BYTES];
    'input: loop {
        let count = match input.read(&mut bytes) {
            Ok(0) if messages.is_at_boundary() => break,
            Ok(0) => return Err(Error::Order("the input ends inside a message")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Read(error)),
        };
        messages.push(&bytes[..count]);
        for message in messages.by_ref() {
            match (message?, &mut decoder) {
                (ToChild::Start(start), None) => decoder = Some(begin(&start, voice)?),
                (ToChild::Start(_), Some(_)) => return Err(Error::Order("a second Start")),
                (ToChild::Frame { pts, payload }, Some(decoder)) => decoder.push(pts, payload)?,
                (ToChild::Frame { .. }, None) => return Err(Error::Order("a Frame before Start")),
                (ToChild::Stop, _) => break 'input,
            }
        }
    }
    voice.tell(Event::InputEnded);
    match decoder {
        Some(decoder) => decoder.finish(),
        None => voice.tell(Event::Drained),
    }
    Ok(())
}

/// Builds the first pipeline, and the thread that takes its samples to the second.
fn begin(start: &Start, voice: &Voice) -> Result<Decoder, Error> {
    announce(start)?;
    gst::init()?;
    let failed = voice.clone();
    let (decoder, decoded) = Decoder::new(start, move |error| failed.failed(error))?;
    let runs = Runs::new(Codec::of(start), voice.clone());
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
fn announce(start: &Start) -> Result<(), Error> {
    match start {
        Start::AacToOpus(aac) => {
            log::info(format_args!(
                "AAC {} Hz, {} channels, to Opus at {} bit/s",
                aac.sample_rate.hz(),
                aac.channels,
                aac.bitrate_bps
            ));
            // A decoder that cannot use it would only say "not-negotiated", and only at the first frame.
            media::aac::parse_asc(&aac.asc)?;
        }
        Start::OpusToAac(opus) => log::info(format_args!(
            "Opus, {} channels, to AAC at {} bit/s",
            opus.channels.count(),
            opus.bitrate_bps
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

/// Fifty frames at once.
const READ_BYTES: usize = 32 * 1024;

/// How long a dead parent can go unnoticed while the pipeline hangs.
const TURN: Duration = Duration::from_millis(500);

/// Two seconds: how long the rest may stand still after the end of the input. The server has lost patience
/// by then; this is for a sibling that holds the pipe of a dead one open.
const IDLE_TURNS_MAX: u32 = 4;
