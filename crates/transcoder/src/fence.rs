//! The fence: what this process may still do once it reads what strangers have sent.
//!
//! Decoders are C code. Whoever takes one over is to find a process that can compute, read its input and write its
//! output: no file, no network, no program, no other process, no more memory than a stream needs. So, in this order:
//!
//! | step | where |
//! |---|---|
//! | one thread, limits, no capabilities, no new privileges | [`Fence::enter`], `limits` |
//! | four system calls refused; files and TCP closed except what GStreamer needs to load itself | `calls`, `files` |
//! | GStreamer starts, `Start` is read, the conversion's pipelines run once over a sample | `opening`, `warm` |
//! | every system call refused that computing does not need, in every thread | [`Fence::close`], `calls` |
//! | the first byte of a stranger's is looked at by C code | `session` |
//!
//! Two stages, because GStreamer's threads descend from one that it may make while it starts: what was put on the main thread
//! after that would not hold them, and what is strict enough for strangers' bytes would not let GStreamer load a plugin.
//! `docs/adr/0015-the-transcoder-is-fenced.md` has the reasons, `--fence-probe` the proof.

mod calls;
mod files;
mod limits;
mod probe;

use std::{fmt, fs, io};

use crate::{error::Error, log};

pub(crate) use limits::Memory;
pub(crate) use probe::probe;

/// How strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Up, or the process ends.
    Required,
    /// None: for machines where it cannot be put up.
    Off,
    /// A system call that is not in the list ends the process instead of being refused, so that a list that has become
    /// too short on a new system is found out.
    Rehearsal,
}

impl Mode {
    /// Reads the argument of `--fence`.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "required" => Some(Self::Required),
            "off" => Some(Self::Off),
            "rehearsal" => Some(Self::Rehearsal),
            _ => None,
        }
    }
}

/// The first stage, done.
#[derive(Debug)]
pub(crate) struct Fence {
    mode: Mode,
    landlock: Option<u32>,
}

impl Fence {
    /// Before GStreamer starts and before any thread does.
    ///
    /// # Errors
    /// The system refuses it; what has to be allowed is said.
    pub(crate) fn enter(mode: Mode) -> Result<Self, Error> {
        if mode != Mode::Off {
            alone()?;
        }
        Self::enter_late(mode)
    }

    /// With threads about, which landlock then does not hold: to see whether it can be put up at all.
    ///
    /// # Errors
    /// As [`enter`](Self::enter).
    pub(crate) fn enter_late(mode: Mode) -> Result<Self, Error> {
        if mode == Mode::Off {
            log::info(format_args!(
                "the fence is off: a broken decoder could do what the server can"
            ));
            return Ok(Self {
                mode,
                landlock: None,
            });
        }
        limits::set()?;
        calls::refuse_a_few()?;
        let landlock = files::close()?;
        Ok(Self { mode, landlock })
    }

    /// After everything is loaded that will be used, and before anything of a stranger's is. Reaches the threads that
    /// exist, too.
    ///
    /// # Errors
    /// As [`enter`](Self::enter), or the fence does not hold.
    pub(crate) fn close(&self, memory: Memory) -> Result<(), Error> {
        if self.mode == Mode::Off {
            return Ok(());
        }
        limits::memory(memory)?;
        calls::allow_only_work(self.mode)?;
        if self.mode == Mode::Required {
            holds()?;
        }
        log::info(format_args!("{self}; memory {memory}"));
        Ok(())
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mode, self.landlock) {
            (Mode::Off, _) => f.write_str("fence: off"),
            (_, Some(version)) => write!(f, "fence: files, network, programs closed; landlock {version}"),
            (_, None) => f.write_str(
                "fence: files, network, programs closed; no landlock (kernel or container does not offer it)",
            ),
        }
    }
}

/// What is put on this thread now holds its descendants, and no thread that exists already.
fn alone() -> Result<(), Error> {
    // Without /proc nobody can say; the second stage reaches every thread, and checks itself.
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Ok(());
    };
    let names = tasks.flatten().map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        name.trim().to_owned()
    });
    let names: Vec<String> = names.collect();
    if names.len() > 1 {
        return Err(Error::Fence(format!(
            "there are threads already ({}); a preloaded library must not start any",
            names.join(", ")
        )));
    }
    Ok(())
}

/// Tries what must not work any more.
fn holds() -> Result<(), Error> {
    let refused = |tried: io::Result<()>| {
        tried.is_err_and(|error| error.raw_os_error() == Some(libc::ENOSYS))
    };
    let file = fs::File::open("/proc/self/status").map(drop);
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).map(drop);
    if refused(file) && refused(socket) {
        Ok(())
    } else {
        Err(Error::Fence("it is up, and does not hold".to_owned()))
    }
}
