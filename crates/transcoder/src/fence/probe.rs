//! `--fence-probe`: goes through all steps, and then tries what a decoder that has been taken over would try, on three
//! kinds of thread. It is told what to try, so that who starts it can see whether anything came through.
//!
//! What begins with `early:` is tried between the two stages instead, where only landlock stands in its way.

use std::{fs, io, net, os::unix::net::UnixStream, sync::mpsc, thread};

use gstreamer::{self as gst, prelude::*};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{Pid, PidfdFlags, Resource, Rlimit, pidfd_open, setrlimit, test_kill_process},
};

use super::{Fence, Memory, Mode};
use crate::{elements, error::Error, warm};

/// Tries `attempts`, each `WHAT=TARGET`; says of each what came of it on each thread, and exits with 0 if all were
/// refused.
pub(crate) fn probe(mode: Mode, attempts: &[String]) -> Result<(String, i32), Error> {
    let (early, late): (Vec<_>, Vec<_>) = attempts.iter().partition(|word| word.starts_with(EARLY));
    let (early, attempts) = (Attempt::parse_all(&early)?, Attempt::parse_all(&late)?);
    let fence = Fence::enter(mode)?;
    gst::init()?;
    let early = all(&early);
    warm::all()?;
    fence.close(Memory::of_all())?;

    let mut lines = vec![fence.to_string()];
    let mut done = 0;
    let mut tell = |place: &str, outcomes: Vec<Outcome>| {
        for (attempt, outcome) in outcomes {
            done += usize::from(outcome.is_ok());
            let outcome =
                outcome.map_or_else(|error| format!("refused ({error})"), |()| "DONE".into());
            lines.push(format!("{place}: {attempt}: {outcome}"));
        }
    };
    tell("early", early);
    tell("main", all(&attempts));
    let own = attempts.clone();
    let fresh = thread::spawn(move || all(&own)).join();
    tell(
        "fresh",
        fresh.map_err(|_| Error::Unexpected("a thread has ended"))?,
    );
    tell("streaming", on_a_streaming_thread(attempts)?);
    Ok((lines.join("\n"), i32::from(done > 0)))
}

type Outcome = (String, io::Result<()>);

fn all(attempts: &[Attempt]) -> Vec<Outcome> {
    let outcome = |attempt: &Attempt| (attempt.word.clone(), attempt.carry_out());
    attempts.iter().map(outcome).collect()
}

/// In a pipeline that is made after the fence, by the thread that pushes its buffers, which GStreamer has made.
fn on_a_streaming_thread(attempts: Vec<Attempt>) -> Result<Vec<Outcome>, Error> {
    let (told, outcomes) = mpsc::channel();
    let failed = told.clone();
    let source = elements::source(&gst::Caps::new_empty_simple("audio/x-opus"), 1);
    let sink = elements::sink();
    let pad = sink
        .static_pad("sink")
        .ok_or(Error::Unexpected("a sink without an input"))?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let _ = told.send(Ok(all(&attempts)));
        gst::PadProbeReturn::Ok
    });
    let _running = elements::run(&[source.upcast_ref(), sink.upcast_ref()], move |error| {
        let _ = failed.send(Err(error));
    })?;
    let _ = source.push_buffer(gst::Buffer::from_slice([0]));
    outcomes
        .recv()
        .unwrap_or(Err(Error::Unexpected("the pipeline has ended")))
}

/// What is tried.
#[derive(Debug, Clone)]
struct Attempt {
    word: String,
    call: fn(&str) -> io::Result<()>,
}

impl Attempt {
    fn parse_all(words: &[&String]) -> Result<Vec<Self>, Error> {
        let bare = |word: &str| Self::parse(word.strip_prefix(EARLY).unwrap_or(word));
        words.iter().map(|word| bare(word)).collect()
    }

    fn parse(word: &str) -> Result<Self, Error> {
        let (what, _) = word.split_once('=').unwrap_or((word, ""));
        let call = ATTEMPTS
            .iter()
            .find_map(|(name, call)| (*name == what).then_some(*call))
            .ok_or(Error::Order("an attempt that is none of this probe's"))?;
        Ok(Self {
            word: word.to_owned(),
            call,
        })
    }

    fn carry_out(&self) -> io::Result<()> {
        let (_, target) = self.word.split_once('=').unwrap_or_default();
        (self.call)(target)
    }
}

const EARLY: &str = "early:";

type Call = fn(&str) -> io::Result<()>;

const ATTEMPTS: &[(&str, Call)] = &[
    ("open", |path| fs::File::open(path).map(drop)),
    ("create", |path| fs::File::create(path).map(drop)),
    ("list", |path| fs::read_dir(path).map(drop)),
    ("stat", |path| fs::metadata(path).map(drop)),
    ("connect", |to| net::TcpStream::connect(to).map(drop)),
    ("listen", |at| net::TcpListener::bind(at).map(drop)),
    ("datagram", |to| {
        let socket = net::UdpSocket::bind(("127.0.0.1", 0))?;
        socket.send_to(b"out", to).map(drop)
    }),
    ("unix", |path| UnixStream::connect(path).map(drop)),
    ("run", run),
    ("signal", |pid| {
        test_kill_process(process(pid)?).map_err(Into::into)
    }),
    ("pidfd", |pid| {
        pidfd_open(process(pid)?, PidfdFlags::empty())?;
        Ok(())
    }),
    ("memfd", |name| {
        memfd_create(name, MemfdFlags::CLOEXEC)?;
        Ok(())
    }),
    // Downwards, which everybody may.
    ("limit", |bytes| {
        let current = Some(number(bytes)?);
        let limit = Rlimit {
            current,
            maximum: current,
        };
        setrlimit(Resource::Data, limit).map_err(Into::into)
    }),
    ("allocate", allocate),
];

fn run(program: &str) -> io::Result<()> {
    let status = std::process::Command::new(program).status()?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| io::Error::other(status.to_string()))
}

/// Memory that is really there.
fn allocate(bytes: &str) -> io::Result<()> {
    let size = usize::try_from(number(bytes)?).map_err(io::Error::other)?;
    let mut memory = Vec::<u8>::new();
    memory.try_reserve_exact(size).map_err(io::Error::other)?;
    memory.resize(size, 1);
    std::hint::black_box(&memory);
    Ok(())
}

fn process(pid: &str) -> io::Result<Pid> {
    let pid = i32::try_from(number(pid)?).map_err(io::Error::other)?;
    Pid::from_raw(pid).ok_or_else(|| io::Error::other("0 is no process"))
}

fn number(word: &str) -> io::Result<u64> {
    word.parse().map_err(io::Error::other)
}
