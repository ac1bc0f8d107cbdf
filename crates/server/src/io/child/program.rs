//! The transcoder's program: where it is, how it is started, and whether it can be.

use std::{
    ffi::OsStr,
    io,
    path::{self, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::watch,
    time::timeout,
};
use tracing::{Instrument as _, info, info_span, warn};

use super::pipes::log_line;
use crate::config::{Fence, Transcoder};

/// The program, and how strictly it is fenced.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    fence: Fence,
    /// Whether it decodes AV1, as far as is known; closed once the check has ended.
    checked: watch::Receiver<bool>,
}

impl Program {
    /// The one `configured`, or the one that was installed beside this one. It is checked on `runtime` meanwhile, and none is
    /// started before that: the check writes GStreamer's list of plugins, which a fenced process cannot.
    pub(crate) fn new(configured: &Transcoder, runtime: &Handle) -> Self {
        let (checking, checked) = watch::channel(false);
        let program = Self {
            path: find(&configured.path),
            fence: configured.fence,
            checked,
        };
        if program.fence == Fence::Off {
            warn!(
                "`transcoder.fence` is off: who takes a decoder over by what he publishes can do what this server can"
            );
        }
        let check = program.clone().check(checking);
        runtime.spawn(check.instrument(info_span!("transcoder")));
        program
    }

    /// This path, not fenced and taken for checked.
    #[cfg(test)]
    pub(super) fn unchecked(path: &str) -> Self {
        Self {
            path: path.into(),
            fence: Fence::Required,
            checked: watch::channel(false).1,
        }
    }

    /// For people.
    pub(super) fn display(&self) -> path::Display<'_> {
        self.path.display()
    }

    /// Waits for the check to end, however it does.
    pub(super) async fn checked(&mut self) {
        // An error says that the sender is gone.
        while self.checked.changed().await.is_ok() {}
    }

    /// Whether it decodes AV1, once it has been [`checked`](Self::checked).
    pub(super) fn decodes_av1(&self) -> bool {
        *self.checked.borrow()
    }

    pub(super) fn start(&self) -> io::Result<Child> {
        self.command()
            // The list of plugins is as the check has left it.
            .env("GST_REGISTRY_UPDATE", "no")
            .env("GST_REGISTRY_FORK", "no")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if self.fence == Fence::Off {
            command.args(["--fence", "off"]);
        }
        command
            // It reads what strangers send; what the server was given in the environment, tokens too, is none of its.
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_childs(name)))
            // It is not to make code that it runs: the fence and MemoryDenyWriteExecute= refuse it.
            .env("ORC_CODE", "backup")
            .env("LC_ALL", "C")
            // Its own would be a hold on the folder with the data.
            .current_dir("/")
            // Ctrl-C on a terminal goes to the whole group; the child ends with its input instead.
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Says what it found, and that it is done by letting go of `found`.
    async fn check(self, found: watch::Sender<bool>) {
        let output = self.command().arg("--check").stdin(Stdio::null()).output();
        match timeout(CHECK_TIME_MAX, output).await {
            Ok(Ok(output)) if output.status.success() => {
                for line in String::from_utf8_lossy(&output.stdout).lines() {
                    if decodes(line, "AV1") {
                        found.send_replace(true);
                    }
                    match line.contains(NO_LANDLOCK) {
                        true => {
                            warn!("{line}: a kernel from 5.13 on with `landlock` in `lsm=` has it")
                        }
                        false => info!("{line}"),
                    }
                }
            }
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                said.lines().take(LINES_MAX).for_each(log_line);
                warn!(program = %self.display(), status = %output.status, "the transcoder's check failed; WebRTC viewers may have no sound");
            }
            Ok(Err(error)) => {
                warn!(program = %self.display(), %error, "the transcoder cannot be started; WebRTC viewers will have no sound");
            }
            Err(_) => {
                warn!(program = %self.display(), "the transcoder's check does not end");
            }
        }
    }
}

/// Whether the check's line says that this codec is decoded (`docs/spec/transcoder-protocol.md`).
fn decodes(line: &str, codec: &str) -> bool {
    line.strip_prefix("decodes: ")
        .is_some_and(|codecs| codecs.split(", ").any(|name| name == codec))
}

fn find(configured: &str) -> PathBuf {
    if !configured.is_empty() {
        let path = PathBuf::from(configured);
        // A bare name is looked for on the search path; any other is this process's folder's, which the child's is not.
        return match path.components().count() {
            1 => path,
            _ => path::absolute(&path).unwrap_or(path),
        };
    }
    // Without an own path (deleted while running) the search path decides.
    std::env::current_exe()
        .ok()
        .and_then(|own| own.parent().map(|folder| folder.join(PROGRAM)))
        .unwrap_or_else(|| PROGRAM.into())
}

/// Where programs, libraries and the plugin registry are, and what GStreamer is told.
fn is_childs(name: &OsStr) -> bool {
    const NAMES: [&str; 5] = [
        "PATH",
        "HOME",
        "XDG_CACHE_HOME",
        "LD_LIBRARY_PATH",
        "TMPDIR",
    ];
    let name = name.to_string_lossy();
    NAMES.contains(&&*name) || name.starts_with("GST_")
}

const PROGRAM: &str = "shopcast-transcoder";
/// As the child's check says it.
const NO_LANDLOCK: &str = "no landlock";
/// Looking through every plugin there is takes a second, from a cold disk some more.
const CHECK_TIME_MAX: Duration = Duration::from_secs(30);
const LINES_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_not_told_the_servers_secrets() {
        let told = |name: &str| is_childs(name.as_ref());
        assert!(["PATH", "HOME", "GST_DEBUG"].into_iter().all(told));
        assert!(
            !["SHOPCAST_ACCESS__API_TOKEN", "DATABASE_URL", "PATHS"]
                .into_iter()
                .any(told)
        );
    }

    #[test]
    fn a_path_is_this_process_s_and_a_name_the_search_path_s() {
        assert_eq!(find("cat"), PathBuf::from("cat"));
        assert!(find("target/debug/shopcast-transcoder").is_absolute());
        assert!(find("").ends_with(PROGRAM));
    }

    #[test]
    fn what_is_decoded_is_read_and_what_would_be_is_not() {
        assert!(decodes("decodes: H.264, H.265, VP9, AV1", "AV1"));
        let without =
            "decodes: H.264, H.265, VP9; with the Debian package gstreamer1.0-plugins-bad AV1, too";
        assert!(decodes(without, "H.265") && !decodes(without, "AV1"));
        assert!(!decodes("fence: AV1, AV1", "AV1"));
    }

    #[tokio::test]
    async fn none_is_started_before_the_check_has_ended() {
        let configured = Transcoder {
            path: "true".to_owned(),
            ..Transcoder::default()
        };
        let mut program = Program::new(&configured, &Handle::current());
        // On this one thread the check has not begun.
        assert!(program.checked.has_changed().is_ok());
        program.checked().await;
        assert!(program.checked.has_changed().is_err());
        assert!(!program.decodes_av1(), "`true` has said nothing");
    }

    #[tokio::test]
    async fn it_begins_in_the_root_folder_with_what_the_fence_needs() {
        let output = Program::unchecked("env").command().output().await;
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(said.contains("ORC_CODE=backup\n"), "{said}");
        let output = Program::unchecked("pwd").command().output().await;
        assert_eq!(output.unwrap().stdout, b"/\n");
    }
}
