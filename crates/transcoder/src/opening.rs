//! From the first instruction to the point where a stranger's bytes may come: the fence, GStreamer, `Start`, the
//! warm-up, in the order that the fence needs.

use std::{
    io::{self, Read},
    os::unix::process::parent_id,
};

use gstreamer as gst;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use transcode::{Start, ToChild};

use crate::{
    conversion::Conversion,
    error::Error,
    fence::{Fence, Memory, Mode},
    warm,
};

/// What has been read: the beginning, and what came behind it.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) start: Start,
    pub(crate) messages: transcode::Decoder<ToChild>,
}

/// Does all of it; `None` when there is nothing to do.
pub(crate) fn open(mode: Mode) -> Result<Option<Opening>, Error> {
    let fence = Fence::enter(mode)?;
    gst::init()?;
    let Some(opening) = read(io::stdin().lock())? else {
        return Ok(None);
    };
    let conversion = Conversion::of(&opening.start);
    warm::up(conversion)?;
    fence.close(Memory::of(conversion))?;
    Ok(Some(opening))
}

/// Reads up to and with `Start`. What a stranger wrote into it stays bytes: only safe code looks at them here.
fn read(mut input: io::StdinLock<'_>) -> Result<Option<Opening>, Error> {
    let parent = parent_id();
    let mut messages = transcode::Decoder::<ToChild>::new();
    let mut bytes = vec![0; READ_BYTES];
    loop {
        if !comes(&input, parent)? {
            return Ok(None);
        }
        let count = match input.read(&mut bytes) {
            Ok(0) if messages.is_at_boundary() => return Ok(None),
            Ok(0) => return Err(Error::Order("the input ends inside a message")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Read(error)),
        };
        messages.push(&bytes[..count]);
        match messages.next() {
            Some(Ok(ToChild::Start(start))) => return Ok(Some(Opening { start, messages })),
            Some(Ok(ToChild::Stop)) => return Ok(None),
            Some(Ok(ToChild::Frame { .. } | ToChild::Picture(_) | ToChild::Keyframe)) => {
                return Err(Error::Order("a frame before Start"));
            }
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
    }
}

/// Waits for input, or its end; `false` when the parent is gone, whose end of the pipe a sibling may hold open.
fn comes(input: &io::StdinLock<'_>, parent: u32) -> Result<bool, Error> {
    loop {
        let mut asked = [PollFd::new(input, PollFlags::IN)];
        match poll(&mut asked, Some(&TURN)) {
            Ok(0) if parent_id() != parent => return Ok(false),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(Error::Read(error.into())),
        }
    }
}

/// As much as the standard library's own buffer or more, so that it is passed over and `poll` sees all there is.
pub(crate) const READ_BYTES: usize = 32 * 1024;

const TURN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 500_000_000,
};
