//! What the kernel counts, and what this process gives up: limits, capabilities, new privileges.

use std::{fmt, fs};

use rustix::{
    process::{Resource, Rlimit, setrlimit},
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs},
};

use crate::{conversion::Conversion, error::Error, log};

/// How much memory that is its own and can be written a conversion gets (`RLIMIT_DATA`), untouched stacks included.
///
/// Not address space (`RLIMIT_AS`): that counts what is only reserved, 64 MiB for each of eight arenas per core, and
/// 220 MB of libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory(u64);

impl Memory {
    pub(crate) const fn of(conversion: Conversion<'_>) -> Self {
        match conversion {
            Conversion::Sound(_) => Self(SOUND),
            Conversion::Video(_) => Self(VIDEO),
            Conversion::Still(_) => Self(STILL),
        }
    }

    /// For a process that goes through all conversions.
    pub(crate) const fn of_all() -> Self {
        Self(VIDEO)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0 >> 20)
    }
}

/// Everything but the memory, of which there is enough for any conversion until it is known which one.
pub(super) fn set() -> Result<(), Error> {
    // Where memory runs out, this process is the one to go, not the server. Nobody there to say it to is no failure.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    // It would hold a stranger's media.
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, FILES)?;
    limit(Resource::Data, VIDEO)?;
    drop_capabilities();
    set_no_new_privs(true).map_err(|error| Error::Fence(format!("no_new_privs: {error}")))
}

/// The memory of one conversion.
pub(super) fn memory(memory: Memory) -> Result<(), Error> {
    limit(Resource::Data, memory.0)
}

fn limit(resource: Resource, at_most: u64) -> Result<(), Error> {
    // Who started it may have been stricter.
    let hard = rustix::process::getrlimit(resource).maximum;
    let at_most = Some(hard.map_or(at_most, |hard| hard.min(at_most)));
    let limit = Rlimit {
        current: at_most,
        maximum: at_most,
    };
    setrlimit(resource, limit)
        .map_err(|error| Error::Fence(format!("the limit {resource:?}: {error}")))
}

/// Only root, or a service that was given one for its ports, has any. Not being allowed to give them up is no failure:
/// no call that they are for is left.
fn drop_capabilities() {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    if capabilities(None).is_ok_and(|own| own == none) {
        return;
    }
    if let Err(error) = set_capabilities(None, none) {
        log::info(format_args!("capabilities stay: {error}"));
    }
}

/// Seven threads, whose stacks of 8 MiB count whole, and the codecs: 75 MB measured. Six times that.
const SOUND: u64 = 512 << 20;
/// 503 MB measured at 2160p on two cores. On many, x264 has 33 threads at that height and the decoder 16: 400 MB of stacks
/// more. Twice that.
const VIDEO: u64 = 2 << 30;
/// 290 MB measured at 4320p in 10 bits, less than 256 at 2160p: one thread, and few pictures. Three times that.
const STILL: u64 = 1 << 30;
/// Three pipes, and two for each pipeline's bus; a new one for each jump of the source's time.
const FILES: u64 = 256;
