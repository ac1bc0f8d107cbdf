//! The real child under the real supervisor, in real time: killed, audio is back within two seconds.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use transcode::{Config, Decoder, FromChild, Input, Message, Output, Supervisor, ToChild};

use crate::{
    child::PATIENCE,
    ffmpeg::{self, Aac, Layout, STEREO},
    signal,
};

#[test]
fn when_the_child_is_killed_audio_is_back_within_two_seconds() {
    let layout = Layout {
        rate: 48_000,
        channels: STEREO,
    };
    let aac = ffmpeg::aac(layout, &signal::tone(layout.rate, 5.0), |_| true);
    let mut show = Show::new(&aac);
    show.run_until(|show| show.packets.len() > 20);
    let first_start = show.packets[0].0 - show.began;
    let killed = now();
    show.process.as_mut().unwrap().kill().unwrap();
    show.run_until(|show| show.supervisor.counters().spawns == 2);
    let before = show.packets.len();
    show.run_until(|show| show.packets.len() > before);
    let (at, pts) = show.packets[before];
    let gap = at - killed;
    println!("killed, back after {gap:?}");
    // Where starting a process alone takes a second, the machine is what is measured.
    let limit = Duration::from_secs(2).max(first_start * 3);
    assert!(gap < limit, "{gap:?}");
    // What comes first is of the time of the gap's end, not of its beginning.
    let age = (at - show.began).as_secs_f64() - pts / 48_000.0;
    assert!(
        age < gap.as_secs_f64() + 0.3,
        "the first packet is {age} s old"
    );
    assert_eq!(show.supervisor.counters().deaths, 1);
}

enum Event {
    Said(FromChild),
    Gone,
}

/// A driver as the server's, with one stream.
struct Show<'a> {
    aac: &'a Aac,
    began: Instant,
    sent: usize,
    supervisor: Supervisor,
    process: Option<Child>,
    stdin: Option<ChildStdin>,
    events: (Sender<Event>, Receiver<Event>),
    packets: Vec<(Instant, f64)>,
}

impl<'a> Show<'a> {
    fn new(aac: &'a Aac) -> Self {
        let began = now();
        let mut show = Self {
            aac,
            began,
            sent: 0,
            supervisor: Supervisor::new(Config::default(), began),
            process: None,
            stdin: None,
            events: mpsc::channel(),
            packets: Vec::new(),
        };
        show.input(Input::Want(aac.start()));
        show
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let now = now();
            assert!(now < self.began + PATIENCE, "it does not come");
            let due =
                self.began + Duration::from_secs(1024) / 48_000 * u32::try_from(self.sent).unwrap();
            if now >= due {
                let pts = self.aac.line(0)(self.sent);
                let payload = self.aac.units[self.sent % self.aac.units.len()].clone();
                self.sent += 1;
                self.input(Input::Frame { pts, payload });
                continue;
            }
            let wake = self
                .supervisor
                .poll_timeout()
                .map_or(due, |(deadline, _)| deadline.min(due));
            match self
                .events
                .1
                .recv_timeout(wake.saturating_duration_since(now))
            {
                Ok(Event::Said(message)) => self.input(Input::Message(message)),
                Ok(Event::Gone) => {
                    self.process.take().unwrap().wait().unwrap();
                    self.input(Input::Exited);
                }
                Err(_) => {
                    self.supervisor.handle_timeout(self::now());
                    self.drain();
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.supervisor.handle_input(now(), input).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.supervisor.poll_output() {
            match output {
                Output::Spawn => self.spawn(),
                Output::Send(message) => self.send(&message),
                Output::Kill(_) => self.process.as_mut().unwrap().kill().unwrap(),
                Output::Packet { pts, .. } => {
                    let ticks = i32::try_from(pts.ticks()).unwrap();
                    self.packets.push((now(), f64::from(ticks)));
                }
                Output::Event(event) => println!("{:?}: {event:?}", self.began.elapsed()),
                Output::Configuration(_) | Output::Picture(_) | Output::Jpeg(_) => {
                    panic!("sound alone was wanted")
                }
            }
        }
    }

    fn send(&mut self, message: &ToChild) {
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes).unwrap();
        // A child that has just died cannot be written to; that it is gone is told apart.
        let _ = self.stdin.as_mut().unwrap().write_all(&bytes);
    }

    fn spawn(&mut self) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = process.stdout.take().unwrap();
        self.stdin = process.stdin.take();
        self.process = Some(process);
        let events = self.events.0.clone();
        thread::spawn(move || {
            let mut decoder = Decoder::new();
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                decoder.push(&bytes[..count]);
                for message in decoder.by_ref() {
                    let _ = events.send(Event::Said(message.unwrap()));
                }
            }
            let _ = events.send(Event::Gone);
        });
        self.input(Input::Spawned);
    }
}

impl Drop for Show<'_> {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a real process takes real time")]
fn now() -> Instant {
    Instant::now()
}
