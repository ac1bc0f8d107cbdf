//! Landlock: which files can be read while GStreamer loads itself. Nothing can be written, run, or connected to.
//!
//! The second wall: after the second stage no file is opened at all, landlock or not.

use std::{env, path::PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use crate::error::Error;

/// Closes all but what is [`readable`] for this thread and its descendants; says which version of landlock the
/// kernel has, or that it has none.
pub(super) fn close() -> Result<Option<u32>, Error> {
    let status = restrict().map_err(|error| Error::Fence(format!("landlock: {error}")))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => Ok(None),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(Some(effective_abi as u32)),
        _ => Ok(None),
    }
}

fn restrict() -> Result<landlock::RestrictionStatus, RulesetError> {
    // Whatever the kernel does not know of it is left out.
    Ruleset::default()
        .handle_access(AccessFs::from_all(ABI_MAX))?
        .handle_access(AccessNet::from_all(ABI_MAX))?
        .scope(Scope::from_all(ABI_MAX))?
        .create()?
        // Not to be run: a library is mapped, not executed.
        .add_rules(path_beneath_rules(
            readable(),
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?
        .restrict_self()
}

/// What is not there is passed over.
fn readable() -> Vec<PathBuf> {
    let own = LIBRARY_FOLDERS.iter().chain(&FILES).map(PathBuf::from);
    let told = FOLDER_VARIABLES
        .iter()
        .filter_map(env::var_os)
        .flat_map(|folders| env::split_paths(&folders).collect::<Vec<_>>());
    own.chain(told)
        .chain(registry())
        .filter(|path| path.is_absolute())
        .collect()
}

/// GStreamer's list of its plugins, where `GST_REGISTRY` or the XDG Base Directory Specification puts it.
fn registry() -> Option<PathBuf> {
    let told = ["GST_REGISTRY_1_0", "GST_REGISTRY"]
        .iter()
        .find_map(env::var_os);
    if let Some(told) = told {
        return Some(told.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
    let name = format!("gstreamer-1.0/registry.{}.bin", env::consts::ARCH);
    Some(cache.join(name))
}

const ABI_MAX: ABI = ABI::V9;

const LIBRARY_FOLDERS: [&str; 5] = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"];

/// What libraries look at when they are loaded; most of them live without.
const FILES: [&str; 6] = [
    "/etc/ld.so.cache",
    "/sys/devices/system/cpu",
    // Own threads are counted; of a process that has the same name later there is nothing to see.
    "/proc/self",
    "/proc/cpuinfo",
    "/dev/urandom",
    "/dev/null",
];

/// Folders of plugins and libraries elsewhere.
const FOLDER_VARIABLES: [&str; 5] = [
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "LD_LIBRARY_PATH",
];
