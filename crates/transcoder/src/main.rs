//! `shopcast-transcoder`: AAC in, Opus out, or the other way round, in a process of its own.
//!
//! | part | does |
//! |---|---|
//! | `session` | the conversation on standard input and output (`docs/spec/transcoder-protocol.md`) |
//! | `decode` | GStreamer: access units to stereo samples at the source's rate |
//! | `aligner` | puts those samples on the source's timeline, one unbroken run after the other |
//! | `encode` | GStreamer: one run to packets of 20 ms (Opus) or 1024 samples (AAC), with exact times |
//!
//! Logs go to standard error. The exit status is part of the protocol. Why a process of its own, and why
//! two pipelines: `docs/adr/0003-gstreamer-in-a-child.md`.

mod aligner;
mod decode;
mod elements;
mod encode;
mod error;
mod log;
mod outlet;
mod runs;
mod samples;
mod session;

use std::{io::Write, process};

fn main() {
    end_with_the_first_panic();
    let mut arguments = std::env::args().skip(1);
    let status = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => session::run(),
        (Some("--check"), None) => check(),
        _ => usage(),
    };
    // Not a return: a pipeline that hangs must not keep the process by hanging in its destructor.
    process::exit(status);
}

/// Whether this machine has what transcoding needs; fills GStreamer's registry by the way.
fn check() -> i32 {
    match elements::check() {
        Ok(versions) => {
            // Nobody there to read it is no failure of the check.
            let _ = writeln!(std::io::stdout(), "{versions}");
            0
        }
        Err(error) => {
            log::error(format_args!("{error}"));
            error.exit_status()
        }
    }
}

fn usage() -> i32 {
    eprintln!(
        "usage: shopcast-transcoder [--check]\nStarted by the server; speaks a binary protocol."
    );
    error::INPUT_BROKEN
}

/// A process with one of its threads gone would look alive and yield nothing.
fn end_with_the_first_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        process::exit(error::BUG);
    }));
}
