//! How long a process has been busy, and how it is.

use std::{fs, time::Duration};

/// Processor time of all its threads so far, from `/proc/PID/stat` (proc(5): `utime` and `stime`).
pub(super) fn processor_time(pid: u32) -> Option<Duration> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// What `/proc/PID/status` says of a process about to be killed, for the log: whether it runs, waits or was stopped, in how
/// many threads, with how much memory. Of a hang that is all there will be.
pub(super) fn condition(pid: u32) -> Option<String> {
    describe(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn describe(status: &str) -> Option<String> {
    let field = |name: &str| {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(str::trim)
    };
    let state = field("State")?;
    let (threads, resident) = (field("Threads")?, field("VmRSS").unwrap_or("0 kB"));
    Some(format!("{state}, {threads} threads, {resident} resident"))
}

fn parse(stat: &str) -> Option<Duration> {
    // The program's name, in parentheses, may have spaces and parentheses of its own; fields 14 and 15 come 12 after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let ticks = next()?.checked_add(next()?)?;
    Some(Duration::from_millis(
        ticks.checked_mul(1_000 / TICKS_PER_SECOND)?,
    ))
}

/// What Linux has told user space since 2.6, whatever its own clock does.
const TICKS_PER_SECOND: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        let stat = "77 (a) name (b) S 1 77 77 0 -1 4194304 100 0 0 0 415 28 0 0 20 0 10 0 5 0";
        assert_eq!(parse(stat), Some(Duration::from_millis(4_430)));
        assert_eq!(parse("77 (a) S 1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn how_a_process_is_is_said_in_a_line() {
        let status = "Name:\ta\nState:\tT (stopped)\nVmRSS:\t   56320 kB\nThreads:\t9\n";
        assert_eq!(
            describe(status).as_deref(),
            Some("T (stopped), 9 threads, 56320 kB resident")
        );
        // One that is being taken down has no memory any more.
        assert_eq!(
            describe("State:\tZ (zombie)\nThreads:\t1\n").as_deref(),
            Some("Z (zombie), 1 threads, 0 kB resident")
        );
        assert_eq!(describe(""), None);
        assert!(condition(std::process::id()).unwrap().contains("threads"));
    }

    #[test]
    fn this_process_has_been_busy_and_one_that_is_not_there_has_not() {
        let pid = std::process::id();
        let before = processor_time(pid).unwrap();
        assert!(processor_time(pid).unwrap() >= before);
        assert_eq!(processor_time(u32::MAX), None);
    }
}
