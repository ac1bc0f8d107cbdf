//! `shopcast-transcoder`: AAC in, Opus out, or the other way round, or video in and H.264 or JPEG
//! out, in a process of its own.
//!
//! | part | does |
//! |---|---|
//! | `fence` | what the process may still do: no file, no network, no program, so much memory |
//! | `opening`, `warm` | everything up to the point where a stranger's bytes may come |
//! | `session` | the conversation on standard input and output (`docs/spec/transcoder-protocol.md`) |
//! | `decode` | GStreamer: access units to stereo samples at the source's rate |
//! | `aligner` | puts those samples on the source's timeline, one unbroken run after the other |
//! | `encode` | GStreamer: one run to packets of 20 ms (Opus) or 1024 samples (AAC), with exact times |
//! | `video` | GStreamer: access units of video to access units of H.264, each at its time |
//! | `still` | GStreamer: key frames to JPEG |
//!
//! Logs go to standard error. The exit status is part of the protocol. Why a process of its own, and why
//! two pipelines: `docs/adr/0003-gstreamer-in-a-child.md`.

mod aligner;
mod conversion;
mod decode;
mod elements;
mod encode;
mod error;
mod fence;
mod log;
mod opening;
mod outlet;
mod runs;
mod samples;
mod session;
mod still;
mod video;
mod warm;

use std::{env, io::Write, os::unix::process::CommandExt, process};

fn main() {
    end_with_the_first_panic();
    let words: Vec<String> = env::args().skip(1).collect();
    let (fence, words) = match words.as_slice() {
        [option, mode, rest @ ..] if option == "--fence" => (fence::Mode::parse(mode), rest),
        all => (Some(fence::Mode::Required), all),
    };
    let status = match (fence, words) {
        (None, _) => usage(),
        (Some(fence), [check]) if check == "--check" => {
            // It makes the list of plugins.
            with_environment(&[ORC]);
            told(elements::check(fence))
        }
        (Some(fence), words) => {
            if fence != fence::Mode::Off {
                with_environment(&[ORC, REGISTRY, NO_HELPER]);
            }
            match words {
                [] => session::run(fence),
                [probe, targets @ ..] if probe == "--fence-probe" => {
                    told(fence::probe(fence, targets))
                }
                _ => usage(),
            }
        }
    };
    // Not a return: a pipeline that hangs must not keep the process by hanging in its destructor.
    process::exit(status);
}

/// What a command for an operator found out.
fn told(found: Result<(String, i32), error::Error>) -> i32 {
    match found {
        Ok((text, status)) => {
            // Nobody there to read it is no failure.
            let _ = writeln!(std::io::stdout(), "{text}");
            status
        }
        Err(error) => {
            log::error(format_args!("{error}"));
            error.exit_status()
        }
    }
}

fn usage() -> i32 {
    eprintln!(
        "usage: shopcast-transcoder [--fence required|off|rehearsal] [--check | --fence-probe ATTEMPT=TARGET...]\n\
         Started by the server; speaks a binary protocol."
    );
    error::INPUT_BROKEN
}

/// Begins again with what libraries must be told in the environment, unless they have been: to set a variable of one's own is
/// not safe.
fn with_environment(wanted: &[(&str, &str)]) {
    let told = |(name, value): &(&str, &str)| env::var_os(name).is_some_and(|own| own == *value);
    if wanted.iter().all(told) {
        return;
    }
    let error = match env::current_exe() {
        // It returns only if it fails; then the process does what it can.
        Ok(own) => process::Command::new(own)
            .args(env::args_os().skip(1))
            .envs(wanted.iter().copied())
            .exec(),
        Err(error) => error,
    };
    log::warning(format_args!(
        "the environment is not {wanted:?}, and cannot be: {error}"
    ));
}

/// Orc takes its compiled kernels. Otherwise it writes machine code while it runs, into a file or into memory that can be
/// both written and executed: the fence has neither, and Orc, having neither, aborts.
const ORC: (&str, &str) = ("ORC_CODE", "backup");

/// GStreamer believes its list of plugins. Otherwise it looks whether /dev and more are as they were, where the fence lets
/// it see nothing, and loads every plugin of which that is said.
const REGISTRY: (&str, &str) = ("GST_REGISTRY_UPDATE", "no");

/// Without a list it looks through the plugins in this process, since the fence lets it start no other.
const NO_HELPER: (&str, &str) = ("GST_REGISTRY_FORK", "no");

/// A process with one of its threads gone would look alive and yield nothing.
fn end_with_the_first_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        process::exit(error::BUG);
    }));
}
