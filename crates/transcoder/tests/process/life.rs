//! How the process begins and ends.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use bytes::Bytes;
use transcode::{AacToOpus, FromChild, Start, ToChild};

use crate::{
    child::{Packet, Transcoder, packet},
    ffmpeg::{self, Aac, Layout, STEREO},
    signal,
};

static SOURCE: LazyLock<Aac> = LazyLock::new(|| {
    let layout = Layout {
        rate: 48_000,
        channels: STEREO,
    };
    ffmpeg::aac(layout, &signal::tone(layout.rate, 2.0), |_| true)
});

/// Ten times what it takes on an idle machine.
const SOON: Duration = Duration::from_secs(10);

fn feed(transcoder: &mut Transcoder) {
    let line = SOURCE.line(0);
    for (n, unit) in SOURCE.units.iter().enumerate() {
        transcoder.frame(line(n), unit);
    }
}

fn failure(transcoder: &Transcoder) -> String {
    loop {
        match transcoder.hear().expect("it says why before it ends") {
            FromChild::Failed { message } => return message,
            FromChild::Ready
            | FromChild::Packet { .. }
            | FromChild::Configuration(_)
            | FromChild::Picture(_)
            | FromChild::Jpeg(_) => {}
        }
    }
}

#[test]
fn the_end_of_the_input_and_a_stop_hand_on_the_rest_and_exit_with_0() {
    let ends: [fn(&mut Transcoder); 2] = [Transcoder::close_input, |transcoder| {
        transcoder.send(&ToChild::Stop)
    }];
    let counts = ends.map(|end| {
        let mut transcoder = Transcoder::ready(&SOURCE);
        feed(&mut transcoder);
        end(&mut transcoder);
        let packets: Vec<Packet> = transcoder.packets();
        assert_eq!(transcoder.exit().code(), Some(0));
        packets.len()
    });
    assert_eq!(counts, [SOURCE.units.len() * 1024 / 960 + 1; 2]);
}

#[test]
fn nothing_said_nothing_done() {
    let mut transcoder = Transcoder::spawn();
    transcoder.close_input();
    assert_eq!(transcoder.hear(), None);
    assert_eq!(transcoder.exit().code(), Some(0));

    let mut transcoder = Transcoder::ready(&SOURCE);
    transcoder.send(&ToChild::Stop);
    assert_eq!(transcoder.hear(), None);
    assert_eq!(transcoder.exit().code(), Some(0));
}

#[test]
fn killed_it_is_gone_and_its_output_ends() {
    let mut transcoder = Transcoder::ready(&SOURCE);
    let line = SOURCE.line(0);
    for n in 0..10 {
        transcoder.frame(line(n), &SOURCE.units[n]);
    }
    packet(transcoder.hear().unwrap());
    transcoder.kill();
    while transcoder.hear_within(SOON).is_some() {}
    assert_eq!(transcoder.exit_within(SOON).signal(), Some(9));
}

#[test]
fn it_ends_with_its_parent_even_when_the_pipes_stay_open() {
    let mut shell = Command::new("sh");
    // A shell's background process gets /dev/null for input unless it is given something else.
    shell.args([
        "-c",
        r#"exec 3<&0; "$0" <&3 & wait"#,
        env!("CARGO_BIN_EXE_shopcast-transcoder"),
    ]);
    let mut transcoder = Transcoder::from_command(shell);
    transcoder.send(&ToChild::Start(SOURCE.start()));
    assert_eq!(transcoder.hear(), Some(FromChild::Ready));
    // The shell dies; this test still holds both pipes, as a sibling process could.
    transcoder.kill();
    assert_eq!(transcoder.exit().signal(), Some(9));
    assert_eq!(transcoder.hear_within(SOON), None);
}

#[test]
fn when_nobody_reads_any_more_it_goes() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder"));
    let mut process = process
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let mut bytes = bytes::BytesMut::new();
    transcode::Message::encode(&ToChild::Start(SOURCE.start()), &mut bytes).unwrap();
    std::io::Write::write_all(process.stdin.as_mut().unwrap(), &bytes).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(3));
}

#[test]
fn a_log_nobody_takes_does_no_harm() {
    let mut command = Command::new("sh");
    // Standard error is a pipe whose reader is gone.
    command.args([
        "-c",
        r#"exec 3>&1 4<&0; { "$0" <&4 2>&1 >&3; } | true"#,
        env!("CARGO_BIN_EXE_shopcast-transcoder"),
    ]);
    let mut transcoder = Transcoder::from_command(command);
    transcoder.send(&ToChild::Start(SOURCE.start()));
    assert_eq!(transcoder.hear(), Some(FromChild::Ready));
    feed(&mut transcoder);
    transcoder.close_input();
    assert!(transcoder.packets().len() > 90);
}

#[test]
fn a_server_that_does_not_read_is_made_to_wait_and_the_end_still_comes() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder"));
    let mut process = process
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut bytes = bytes::BytesMut::new();
    transcode::Message::encode(&ToChild::Start(SOURCE.start()), &mut bytes).unwrap();
    let line = SOURCE.line(0);
    for n in 0..20_000 {
        let payload = SOURCE.units[n % SOURCE.units.len()].clone();
        let frame = ToChild::Frame {
            pts: line(n),
            payload,
        };
        transcode::Message::encode(&frame, &mut bytes).unwrap();
    }
    // Seven minutes of audio: only what the queues and the pipe hold is taken, so this write waits, until
    // the process that would read is gone.
    let mut stdin = process.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &bytes));
    let (sender, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(writer.join().unwrap()));
    let early = finished.recv_timeout(Duration::from_millis(500));
    assert!(early.is_err(), "the write waits: {early:?}");
    drop(process.stdout.take());
    assert_eq!(process.wait().unwrap().code(), Some(3));
    assert!(finished.recv_timeout(SOON).unwrap().is_err());
}

#[test]
fn garbage_and_messages_out_of_order_are_named_and_end_it_with_2() {
    let frame = ToChild::Frame {
        pts: SOURCE.line(0)(0),
        payload: SOURCE.units[0].clone(),
    };
    let start = ToChild::Start(SOURCE.start());
    let told: [(&[ToChild], &[u8], &str); 6] = [
        (&[], b"GET / HTTP/1.1\r\n\r\n", "message of"),
        (&[], &[0, 0, 0, 1, 0x81], "0x81"),
        (&[], &[0, 0, 0, 2, 1, 1], "protocol version is 1"),
        (&[], &[0, 0, 0, 3, 1, 4, 9], "conversion is 9"),
        (&[frame], &[], "before Start"),
        (&[start.clone(), start], &[], "second Start"),
    ];
    for (messages, bytes, reason) in told {
        let mut transcoder = Transcoder::spawn();
        for message in messages {
            transcoder.send(message);
        }
        transcoder.write(bytes).unwrap();
        let message = failure(&transcoder);
        assert!(message.contains(reason), "{message}");
        assert_eq!(transcoder.exit().code(), Some(2));
    }
}

#[test]
fn an_input_that_ends_inside_a_message_is_an_error() {
    let mut transcoder = Transcoder::ready(&SOURCE);
    transcoder.write(&[0, 0, 0, 5, 2]).unwrap();
    transcoder.close_input();
    assert!(failure(&transcoder).contains("inside a message"));
    assert_eq!(transcoder.exit().code(), Some(2));
}

#[test]
fn a_configuration_that_makes_no_sense_is_named_before_the_first_frame() {
    let mut transcoder = Transcoder::spawn();
    // AAC Main.
    let asc = Bytes::from_static(&[0x09, 0x90]);
    transcoder.send(&ToChild::Start(Start::AacToOpus(AacToOpus {
        asc,
        ..SOURCE.to_opus()
    })));
    let message = failure(&transcoder);
    assert!(message.contains("audioObjectType"), "{message}");
    assert_eq!(transcoder.exit().code(), Some(1));
}

#[test]
fn channels_that_cannot_be_mixed_are_a_failure_with_1() {
    let mut transcoder = Transcoder::spawn();
    // Channel configuration 14 (7.1 with two above), which FFmpeg does not decode.
    let asc = Bytes::from_static(&[0x11, 0xf0]);
    transcoder.send(&ToChild::Start(Start::AacToOpus(AacToOpus {
        asc,
        ..SOURCE.to_opus()
    })));
    assert_eq!(transcoder.hear(), Some(FromChild::Ready));
    let line = SOURCE.line(0);
    let _ = (0..20).try_for_each(|n| {
        let frame = ToChild::Frame {
            pts: line(n),
            payload: SOURCE.units[n].clone(),
        };
        let mut bytes = bytes::BytesMut::new();
        transcode::Message::encode(&frame, &mut bytes).unwrap();
        transcoder.write(&bytes)
    });
    let message = failure(&transcoder);
    assert!(message.contains("channel layout"), "{message}");
    assert_eq!(transcoder.exit().code(), Some(1));
}

#[test]
fn the_check_says_what_it_found() {
    let output = Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder"))
        .arg("--check")
        .output();
    let output = output.unwrap();
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("GStreamer 1."), "{said}");
    assert!(
        said.ends_with("\ndecodes: H.264, H.265, VP9, AV1\n"),
        "{said}"
    );

    let bare = Command::new(env!("CARGO_BIN_EXE_shopcast-transcoder"))
        .arg("--check")
        .env("GST_PLUGIN_SYSTEM_PATH_1_0", "/nonexistent")
        .env(
            "GST_REGISTRY",
            std::env::temp_dir().join("shopcast-no-registry.bin"),
        )
        .output()
        .unwrap();
    assert_eq!(bare.status.code(), Some(1));
    let said = String::from_utf8_lossy(&bare.stderr).into_owned();
    assert!(
        said.contains("install the Debian package gstreamer1.0-"),
        "{said}"
    );
}
