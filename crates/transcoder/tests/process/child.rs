//! A running `shopcast-transcoder`.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use media::{MediaTime, Timescale};
use transcode::{AacToOpus, Decoder, FromChild, Message, Start, ToChild};

use crate::ffmpeg::Aac;

/// Longer than anything here may take on a busy machine; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A packet and its pts at 48 kHz.
pub(crate) type Packet = (i64, Bytes);

/// The process, its input, and what it has said.
pub(crate) struct Transcoder {
    process: Option<Child>,
    stdin: Option<ChildStdin>,
    said: Receiver<Result<FromChild, transcode::Error>>,
    /// Says in the end whether the last message was whole.
    reader: Option<JoinHandle<bool>>,
}

/// What came of listening for a while.
#[derive(Debug)]
pub(crate) enum Heard {
    Message(FromChild),
    Nothing,
    /// Its output has ended.
    End,
}

impl Transcoder {
    pub(crate) fn spawn() -> Self {
        Self::from_command(Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder")))
    }

    pub(crate) fn from_command(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdout = process.stdout.take().unwrap();
        let (sender, said) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut decoder = Decoder::new();
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                decoder.push(&bytes[..count]);
                for message in decoder.by_ref() {
                    // Refused when the test no longer listens.
                    let _ = sender.send(message);
                }
            }
            decoder.is_at_boundary()
        });
        Self {
            stdin: process.stdin.take(),
            process: Some(process),
            said,
            reader: Some(reader),
        }
    }

    /// Started for `aac` and ready.
    pub(crate) fn ready(aac: &Aac) -> Self {
        Self::started(aac.start())
    }

    /// Started so and ready.
    pub(crate) fn started(start: Start) -> Self {
        let mut transcoder = Self::spawn();
        transcoder.send(&ToChild::Start(start));
        assert_eq!(transcoder.hear(), Some(FromChild::Ready));
        transcoder
    }

    pub(crate) fn send(&mut self, message: &ToChild) {
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes).unwrap();
        self.write(&bytes).unwrap();
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).and_then(|()| stdin.flush())
    }

    /// Sends one access unit.
    pub(crate) fn frame(&mut self, pts: MediaTime, payload: &Bytes) {
        self.send(&ToChild::Frame {
            pts,
            payload: payload.clone(),
        });
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Its input, for a thread of its own: whoever writes to a child that does not read waits.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// The next thing it says; `None` when it has closed its output.
    pub(crate) fn hear(&self) -> Option<FromChild> {
        self.hear_within(PATIENCE)
    }

    pub(crate) fn hear_within(&self, patience: Duration) -> Option<FromChild> {
        match self.listen(patience) {
            Heard::Message(message) => Some(message),
            Heard::End => None,
            Heard::Nothing => panic!("it says nothing"),
        }
    }

    /// The next thing it says within so long, which must be a message.
    pub(crate) fn listen(&self, patience: Duration) -> Heard {
        match self.said.recv_timeout(patience) {
            Ok(message) => Heard::Message(message.unwrap()),
            Err(mpsc::RecvTimeoutError::Disconnected) => Heard::End,
            Err(mpsc::RecvTimeoutError::Timeout) => Heard::Nothing,
        }
    }

    /// Every packet to the end of its output.
    pub(crate) fn packets(&self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while let Some(message) = self.hear() {
            packets.push(packet(message));
        }
        packets
    }

    /// Waits for the end.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        self.exit_within(PATIENCE)
    }

    pub(crate) fn exit_within(&mut self, patience: Duration) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        let (sender, exited) = mpsc::channel();
        thread::spawn(move || sender.send(process.wait()));
        let status = exited.recv_timeout(patience).expect("it exits").unwrap();
        if status.success() {
            let whole = self.reader.take().unwrap().join().unwrap();
            assert!(whole, "it ends between two messages");
        }
        status
    }

    pub(crate) fn kill(&mut self) {
        self.process.as_mut().unwrap().kill().unwrap();
    }
}

impl Drop for Transcoder {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

pub(crate) fn packet(message: FromChild) -> Packet {
    match message {
        FromChild::Packet { pts, payload } => {
            assert_eq!(pts.scale(), Timescale::OPUS);
            (pts.ticks(), payload)
        }
        other @ (FromChild::Ready
        | FromChild::Failed { .. }
        | FromChild::Configuration(_)
        | FromChild::Picture(_)
        | FromChild::Jpeg(_)) => panic!("{other:?}"),
    }
}

/// Transcodes these access units to the end; checks the exit.
pub(crate) fn transcoded<'a>(
    start: Start,
    units: impl IntoIterator<Item = (MediaTime, &'a Bytes)>,
) -> Vec<Packet> {
    let mut transcoder = Transcoder::started(start);
    for (pts, unit) in units {
        transcoder.frame(pts, unit);
    }
    transcoder.send(&ToChild::Stop);
    let packets = transcoder.packets();
    assert!(transcoder.exit().success());
    packets
}

impl Aac {
    pub(crate) fn start(&self) -> Start {
        Start::AacToOpus(self.to_opus())
    }

    pub(crate) fn to_opus(&self) -> AacToOpus {
        AacToOpus {
            asc: self.asc.clone(),
            sample_rate: Timescale::new(self.rate).unwrap(),
            channels: self.channels,
            bitrate_bps: AacToOpus::BITRATE_BPS_DEFAULT,
        }
    }

    /// Transcodes all of it, the n-th access unit at `pts(n)`; checks the exit.
    pub(crate) fn transcoded(&self, pts: impl Fn(usize) -> MediaTime) -> Vec<Packet> {
        let units = self.units.iter().enumerate();
        transcoded(self.start(), units.map(|(n, unit)| (pts(n), unit)))
    }

    /// The n-th access unit's time on an unbroken line that begins at `first` ticks of the sample rate.
    pub(crate) fn line(&self, first: i64) -> impl Fn(usize) -> MediaTime + use<> {
        let scale = Timescale::new(self.rate).unwrap();
        move |n| MediaTime::new(first + i64::try_from(n).unwrap() * 1024, scale)
    }
}
