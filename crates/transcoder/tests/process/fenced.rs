//! What a decoder that was taken over could do from in there: nothing that anybody outside notices.
//!
//! `--fence-probe` tries it on the main thread, on a new one, and on one of GStreamer's.

use std::{
    fs, io,
    net::{TcpListener, UdpSocket},
    os::unix::{
        net::UnixListener,
        process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::{self, Command, Output},
};

use bytes::Bytes;
use media::{MediaTime, Pts, Timescale};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use transcode::{
    FromChild, OpusChannels, OpusToAac, SourcePicture, Start, ToChild, VideoSource, VideoToH264,
    VideoToJpeg,
};

use crate::{
    child::Transcoder,
    ffmpeg::{self, Aac, Layout, STEREO},
    signal, video,
};

const THREADS: [&str; 3] = ["main", "fresh", "streaming"];

#[test]
fn nothing_comes_out_of_the_fence_on_any_thread() {
    let outside = Outside::new("fenced");
    let output = probe(&outside.attempts());
    all_refused(&outside, &output);
    assert!(outside.untouched(), "nothing came through");
}

/// The first stage stands by itself: while GStreamer starts, and where the second had a hole.
#[test]
fn landlock_closes_files_before_all_calls_are() {
    let outside = Outside::new("early");
    let folder = outside.folder.display();
    let early = [
        format!("early:open={folder}/secret"),
        format!("early:create={folder}/made"),
        format!("early:list={folder}"),
        "early:run=/bin/true".into(),
        format!("early:signal={}", process::id()),
        format!("early:connect={}", outside.tcp.local_addr().unwrap()),
        "early:open=/etc/passwd".into(),
    ];
    let output = probe(&early);
    let lines = lines(&output);
    assert!(
        lines[0].contains("landlock "),
        "this kernel has it: {lines:?}"
    );
    assert_eq!(lines.len(), 1 + early.len());
    for line in &lines[1..] {
        assert!(line.contains(": refused ("), "{line}");
    }
    assert!(lines[1].contains("Permission denied"), "{}", lines[1]);
    assert!(outside.untouched());
}

/// That the targets are right, so that what is refused is refused by the fence.
#[test]
fn without_the_fence_all_of_it_is_done() {
    let outside = Outside::new("unfenced");
    let mut command = program();
    command.args(["--fence", "off", "--fence-probe"]);
    let output = command.args(outside.attempts()).output().unwrap();
    let lines = lines(&output);
    assert_eq!(lines[0], "fence: off");
    assert_eq!(lines.len(), 1 + THREADS.len() * outside.attempts().len());
    for line in &lines[1..] {
        assert!(line.ends_with(": DONE"), "{line}");
    }
    assert_eq!(output.status.code(), Some(1));
    for _ in THREADS {
        outside.tcp.accept().unwrap();
        outside.unix.accept().unwrap();
        outside.udp.recv(&mut [0; 8]).unwrap();
    }
    assert!(outside.made().exists());
}

#[test]
fn memory_ends_where_the_limit_is_and_no_earlier() {
    let output = probe(&["allocate=67108864".into(), "allocate=2147483648".into()]);
    let lines = lines(&output);
    for thread in THREADS {
        let said = |bytes| format!("{thread}: allocate={bytes}: ");
        let line = |said: &str| lines.iter().find(|line| line.starts_with(said));
        assert!(line(&said("67108864")).unwrap().ends_with("DONE"));
        assert!(line(&said("2147483648")).unwrap().contains("refused"));
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_kernel_says_so_of_every_thread_of_a_child_at_work() {
    let own = status("/proc/thread-self/status", "Seccomp_filters");
    for job in Job::all() {
        let mut transcoder = Transcoder::started(job.start.clone());
        for message in &job.messages {
            transcoder.send(message);
        }
        while !matches!(
            transcoder.hear().unwrap(),
            FromChild::Packet { .. } | FromChild::Picture(_) | FromChild::Jpeg(_)
        ) {}
        let folder = format!("/proc/{}", transcoder.id());
        let mut threads = 0;
        for task in fs::read_dir(format!("{folder}/task")).unwrap() {
            let status_of = |key| {
                let path = task.as_ref().unwrap().path().join("status");
                status(path.to_str().unwrap(), key)
            };
            assert_eq!(status_of("NoNewPrivs"), 1);
            assert_eq!(status_of("Seccomp"), 2, "a filter");
            assert_eq!(status_of("Seccomp_filters"), own + 2, "both stages'");
            assert_eq!(status_of("CapEff"), 0);
            threads += 1;
        }
        assert!(threads > job.threads, "GStreamer's, too: {threads}");
        let limits = fs::read_to_string(format!("{folder}/limits")).unwrap();
        let limit = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..]
                .split_whitespace()
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(limit("Max core file size"), "0");
        assert_eq!(limit("Max data size"), job.memory.to_string());
        let data = status(&format!("{folder}/status"), "VmData");
        println!(
            "{}: {data} KiB of {} KiB, {threads} threads",
            job.name,
            job.memory >> 10
        );
    }
}

/// A call that the list has forgotten ends the process here, and is only refused elsewhere.
#[test]
fn every_conversion_gets_by_with_the_calls_in_the_list() {
    for job in Job::all() {
        let mut command = program();
        command.args(["--fence", "rehearsal"]);
        let mut transcoder = Transcoder::from_command(command);
        transcoder.send(&ToChild::Start(job.start));
        for message in &job.messages {
            transcoder.send(message);
        }
        transcoder.send(&ToChild::Stop);
        let mut outputs = 0;
        while let Some(message) = transcoder.hear() {
            let is_output = matches!(
                message,
                FromChild::Packet { .. } | FromChild::Picture(_) | FromChild::Jpeg(_)
            );
            outputs += usize::from(is_output);
        }
        let status = transcoder.exit();
        assert!(status.success(), "{}: {status}", job.name);
        assert!(outputs + 2 >= job.messages.len(), "{}: {outputs}", job.name);
    }
    let forgotten = format!("signal={}", process::id());
    let mut command = program();
    let output = command.args(["--fence", "rehearsal", "--fence-probe", &forgotten]);
    const SIGSYS: i32 = 31;
    assert_eq!(output.status().unwrap().signal(), Some(SIGSYS));
}

#[test]
fn where_it_cannot_be_put_up_nothing_is_done_and_the_remedy_is_named() {
    let output = behind_a_filter(libc::SYS_seccomp, libc::EPERM).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(4));
    // In the log, and in what is told the server.
    for said in [output.stderr, output.stdout] {
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(
            said.contains("must allow the system call `seccomp`"),
            "{said}"
        );
    }
}

#[test]
fn a_kernel_or_a_container_without_landlock_is_made_do_with() {
    for error in [libc::ENOSYS, libc::EPERM] {
        let outside = Outside::new(&format!("landless-{error}"));
        let mut command = behind_a_filter(libc::SYS_landlock_create_ruleset, error);
        let output = command
            .arg("--fence-probe")
            .args(outside.attempts())
            .output();
        let output = output.unwrap();
        assert!(lines(&output)[0].contains("no landlock"));
        all_refused(&outside, &output);
        assert!(outside.untouched());
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder"))
}

fn probe(attempts: &[String]) -> Output {
    let mut command = program();
    command
        .arg("--fence-probe")
        .args(attempts)
        .output()
        .unwrap()
}

/// What the probe says, the fence first.
fn lines(output: &Output) -> Vec<String> {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = said.lines().map(str::to_owned);
    // A test binary on the way says that it runs one test.
    let lines: Vec<String> = lines
        .skip_while(|line| !line.starts_with("fence: "))
        .collect();
    assert!(
        !lines.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    lines
}

fn all_refused(outside: &Outside, output: &Output) {
    let lines = lines(output);
    assert_eq!(lines.len(), 1 + THREADS.len() * outside.attempts().len());
    for line in &lines[1..] {
        assert!(
            line.contains(": refused (Function not implemented"),
            "{line}"
        );
    }
    for thread in THREADS {
        let of_it = lines.iter().filter(|line| line.starts_with(thread));
        assert_eq!(of_it.count(), outside.attempts().len());
    }
    assert_eq!(output.status.code(), Some(0));
}

/// A number of a `/proc/…/status`.
fn status(path: &str, key: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let word = value.unwrap().split_whitespace().next().unwrap();
    word.parse().unwrap()
}

/// What there is to be had, or to be reached.
struct Outside {
    folder: PathBuf,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
}

impl Outside {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("shopcast-{name}-{}", process::id()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("secret"), "token").unwrap();
        let tcp = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let udp = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let unix = UnixListener::bind(folder.join("socket")).unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        unix.set_nonblocking(true).unwrap();
        Self {
            folder,
            tcp,
            udp,
            unix,
        }
    }

    fn made(&self) -> PathBuf {
        self.folder.join("made")
    }

    fn attempts(&self) -> Vec<String> {
        let folder = self.folder.display();
        let tcp = self.tcp.local_addr().unwrap();
        let udp = self.udp.local_addr().unwrap();
        let own = process::id();
        vec![
            format!("open={folder}/secret"),
            format!("create={folder}/made"),
            format!("list={folder}"),
            format!("stat={folder}/secret"),
            format!("connect={tcp}"),
            "listen=127.0.0.1:0".into(),
            format!("datagram={udp}"),
            format!("unix={folder}/socket"),
            "run=/bin/true".into(),
            format!("signal={own}"),
            format!("pidfd={own}"),
            "memfd=scratch".into(),
            format!("limit={}", 8_u64 << 30),
        ]
    }

    fn untouched(&self) -> bool {
        let nobody = |error: Option<io::Error>| {
            error.is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        nobody(self.tcp.accept().err())
            && nobody(self.unix.accept().err())
            && nobody(self.udp.recv(&mut [0; 8]).err())
            && !self.made().exists()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// One of every conversion.
struct Job {
    name: &'static str,
    start: Start,
    messages: Vec<ToChild>,
    memory: u64,
    /// It has more than so many while it works.
    threads: usize,
}

impl Job {
    fn all() -> [Self; 5] {
        [
            Self::aac(),
            Self::opus(),
            Self::video(),
            Self::av1(),
            Self::still(),
        ]
    }

    fn aac() -> Self {
        let layout = Layout {
            rate: 44_100,
            channels: STEREO,
        };
        let source: Aac = ffmpeg::aac(layout, &signal::tone(layout.rate, 1.0), |_| true);
        let line = source.line(0);
        let frame = |(n, payload): (usize, &Bytes)| ToChild::Frame {
            pts: line(n),
            payload: payload.clone(),
        };
        Self {
            name: "AAC to Opus",
            start: source.start(),
            messages: source.units.iter().enumerate().map(frame).collect(),
            memory: 512 << 20,
            threads: 4,
        }
    }

    fn opus() -> Self {
        let frame = |n: i64| ToChild::Frame {
            // Half way the time jumps: another pipeline.
            pts: MediaTime::new(n * 960 + n / 25 * 480_000, Timescale::OPUS),
            payload: Bytes::from_static(&[0xfc, 0xff, 0xfe]),
        };
        Self {
            name: "Opus to AAC",
            start: Start::OpusToAac(OpusToAac::new(OpusChannels::Stereo)),
            messages: (0..50).map(frame).collect(),
            memory: 512 << 20,
            threads: 4,
        }
    }

    /// By another plugin than all other pictures.
    fn av1() -> Self {
        let picture = |(pts, payload)| {
            ToChild::Picture(SourcePicture {
                pts,
                wanted: true,
                payload,
            })
        };
        Self {
            name: "AV1 to H.264",
            start: Start::VideoToH264(VideoToH264 {
                source: VideoSource::Av1,
                frame_rate_milli: 30_000,
                bitrate_bps: 1_000_000,
            }),
            messages: video::av1().units.into_iter().map(picture).collect(),
            memory: 2 << 30,
            threads: 4,
        }
    }

    fn video() -> Self {
        let (avcc, units) = ffmpeg::shades(30, &["-bf", "3", "-profile:v", "high"]);
        let picture = |(ms, payload)| {
            ToChild::Picture(SourcePicture {
                pts: Pts((ms + 1000) * 90),
                wanted: true,
                payload,
            })
        };
        Self {
            name: "video to H.264",
            start: Start::VideoToH264(VideoToH264 {
                source: VideoSource::H264(avcc),
                frame_rate_milli: 30_000,
                bitrate_bps: 1_000_000,
            }),
            messages: units.into_iter().map(picture).collect(),
            memory: 2 << 30,
            threads: 4,
        }
    }

    /// As large as publishers send it, and scaled.
    fn still() -> Self {
        let options = ["-c:v", "libx264", "-preset", "ultrafast"];
        let still = ffmpeg::bars("3840x2160", "format=yuv420p", Some("avcC"), &options);
        let picture = |n: i64| {
            ToChild::Picture(SourcePicture {
                pts: Pts(n * 180_000),
                wanted: true,
                payload: still.unit.clone(),
            })
        };
        Self {
            name: "video to JPEG",
            start: Start::VideoToJpeg(VideoToJpeg {
                source: VideoSource::H264(still.record.clone()),
                side_max: 640,
            }),
            messages: (0..5).map(picture).collect(),
            memory: 1 << 30,
            threads: 1,
        }
    }
}

/// The program, under somebody else's filter that answers `call` with `error`.
fn behind_a_filter(call: i64, error: i32) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "fenced::becomes_the_program_behind_a_filter"]);
    command.args(["--ignored", "--nocapture", "--"]);
    command.env(FILTER, format!("{call} {error}"));
    command
}

const FILTER: &str = "SHOPCAST_TEST_FILTER";

#[test]
#[ignore = "not a test: what `behind_a_filter` starts"]
fn becomes_the_program_behind_a_filter() {
    let filter = std::env::var(FILTER).unwrap();
    let (call, error) = filter.split_once(' ').unwrap();
    let filter = SeccompFilter::new(
        [(call.parse().unwrap(), Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(error.parse().unwrap()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let filter = BpfProgram::try_from(filter.unwrap()).unwrap();
    apply_filter(&filter).unwrap();
    let own = std::env::args().skip_while(|word| word != "--").skip(1);
    panic!("{}", program().args(own).exec());
}
