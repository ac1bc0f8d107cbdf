//! Seccomp: which system calls are answered.
//!
//! What is not is answered as a kernel would that does not have it (`ENOSYS`): libraries are written to go on without. A
//! call's number and its arguments are seen, not the memory they point to, so there can be no rule about a path.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter_all_threads,
};

use super::Mode;
use crate::error::Error;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// The first stage, for good: no thread that exists later can have an elder filter.
pub(super) fn refuse_a_few() -> Result<(), Error> {
    install(always(FEW), SeccompAction::Allow, REFUSAL)
}

/// The second stage.
pub(super) fn allow_only_work(mode: Mode) -> Result<(), Error> {
    let mut rules = work().map_err(|error| Error::Fence(format!("seccomp: {error}")))?;
    let otherwise = match mode {
        Mode::Required | Mode::Off => REFUSAL,
        Mode::Rehearsal => {
            // Of two filters the refusal counts, whichever is the elder.
            install(always(MISSED), SeccompAction::Allow, REFUSAL)?;
            rules.extend(always(MISSED));
            rules.extend(always(FEW));
            SeccompAction::KillProcess
        }
    };
    install(rules, otherwise, SeccompAction::Allow)
}

fn install(rules: Rules, otherwise: SeccompAction, listed: SeccompAction) -> Result<(), Error> {
    let program = std::env::consts::ARCH
        .try_into()
        .and_then(|architecture| SeccompFilter::new(rules, otherwise, listed, architecture))
        .and_then(BpfProgram::try_from)
        .map_err(|error| Error::Fence(format!("seccomp: {error}")))?;
    apply_filter_all_threads(&program).map_err(|error| {
        Error::Fence(format!(
            "seccomp: {error}; the service or container must allow the system call `seccomp` (docs/install.md)"
        ))
    })
}

fn always(calls: &[c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

/// All that computing needs.
fn work() -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    for group in [MEMORY, THREADS, SIGNALS, TIME, PIPES, PIPES_OF_OLD, REST] {
        rules.extend(always(group));
    }
    // Not shared, which `RLIMIT_DATA` does not count; never to be executed.
    let private = masked(3, libc::MAP_TYPE, libc::MAP_PRIVATE)?;
    rules.insert(libc::SYS_mmap, one(vec![private, not_executable()?])?);
    rules.insert(libc::SYS_mprotect, one(vec![not_executable()?])?);
    // A thread, not a process.
    let thread = masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, one(vec![thread])?);
    // abort() raises a signal; nobody else is to get one.
    let own = equal(0, u64::from(std::process::id()))?;
    rules.insert(libc::SYS_tgkill, one(vec![own])?);
    rules.insert(
        libc::SYS_prctl,
        any(0, &[libc::PR_SET_NAME, libc::PR_GET_NAME])?,
    );
    // x264 makes one of its threads nicer. 0 is the caller.
    for call in [libc::SYS_setpriority, libc::SYS_getpriority] {
        rules.insert(call, one(vec![equal(0, 0)?, equal(1, 0)?])?);
    }
    // A pipeline's bus wakes its reader by one.
    rules.insert(libc::SYS_socketpair, any(0, &[libc::AF_UNIX])?);
    let flags = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];
    rules.insert(libc::SYS_fcntl, any(1, &flags)?);
    Ok(rules)
}

/// One rule: all of its conditions.
fn one(conditions: Vec<SeccompCondition>) -> Result<Vec<SeccompRule>, BackendError> {
    Ok(vec![SeccompRule::new(conditions)?])
}

/// One rule for each value that the argument may have.
fn any(argument: u8, values: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value: &i32| SeccompRule::new(vec![equal(argument, bits(*value))?]);
    values.iter().map(rule).collect()
}

/// The upper half of an `int` is nobody's.
fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: i32, value: i32) -> Result<SeccompCondition, BackendError> {
    let mask = SeccompCmpOp::MaskedEq(bits(mask));
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, mask, bits(value))
}

fn not_executable() -> Result<SeccompCondition, BackendError> {
    masked(2, libc::PROT_EXEC, 0)
}

fn bits(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

const REFUSAL: SeccompAction = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());

/// Refused before GStreamer starts.
const FEW: &[c_long] = &[
    // Its flags are in memory, where no rule sees them; glibc then takes `clone`, whose flags are seen.
    libc::SYS_clone3,
    // GLib then makes one thread the mother of all others, on every system; and it reaches other processes' threads.
    libc::SYS_sched_setattr,
    libc::SYS_socket,
    // Calls that no filter sees.
    libc::SYS_io_uring_setup,
];

const MEMORY: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
];

const THREADS: &[c_long] = &[
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    // How many cores there are.
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // Whether the server is still there.
    libc::SYS_getppid,
];

const SIGNALS: &[c_long] = &[
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
];

/// Mostly without a call; some virtual machines have no clock that can be read so.
const TIME: &[c_long] = &[
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrusage,
];

const PIPES: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_ppoll,
    libc::SYS_lseek,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
];

/// Younger architectures have only the calls that replaced them.
#[cfg(target_arch = "x86_64")]
const PIPES_OF_OLD: &[c_long] = &[libc::SYS_poll, libc::SYS_pipe, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const PIPES_OF_OLD: &[c_long] = &[];

/// Seeds of hash tables; how much memory a sort may take.
const REST: &[c_long] = &[libc::SYS_getrandom, libc::SYS_sysinfo];

/// What libraries are known to ask for and to do without. Only the rehearsal needs it, to tell them from what is new.
const MISSED: &[c_long] = &[libc::SYS_openat];
