//! Entry points for fuzzing: every parser of a publisher's bytes, given any bytes. None of them
//! may panic, hang, or remember more than the limits allow. Time does not pass.

use std::time::Instant;

use bytes::Bytes;

use crate::{Config, Event, Input, Output, Session, amf0, flv};

/// A session from its first byte. The first byte of `data` chooses the portions it is fed in.
pub fn session(now: Instant, data: &[u8]) {
    if let Some((portion, rest)) = data.split_first() {
        drive(
            &mut Session::new(Config::default(), now),
            now,
            *portion,
            rest,
        );
    }
}

/// A session after the handshake, where chunks begin. Publishes are accepted.
pub fn chunks(now: Instant, data: &[u8]) {
    if let Some((portion, rest)) = data.split_first() {
        let mut session = Session::new(Config::default(), now);
        drive(&mut session, now, 0, &HANDSHAKE);
        drive(&mut session, now, *portion, rest);
    }
}

/// Values of a command or data message.
pub fn amf0(data: &[u8]) {
    if let Ok(values) = amf0::decode_all(data) {
        let _ = flv::metadata::parse(&values);
    }
}

/// The body of a video tag.
pub fn video(data: &[u8]) {
    let _ = flv::video::parse(Bytes::copy_from_slice(data));
}

/// The body of an audio tag.
pub fn audio(data: &[u8]) {
    let _ = flv::audio::parse(Bytes::copy_from_slice(data));
}

fn drive(session: &mut Session, now: Instant, portion: u8, data: &[u8]) {
    let portion = if portion == 0 {
        data.len().max(1)
    } else {
        usize::from(portion)
    };
    let mut said_so = false;
    for part in data.chunks(portion) {
        let input = Input::Data(Bytes::copy_from_slice(part));
        let taken = session.handle_input(now, input);
        while let Some(output) = session.poll_output() {
            assert!(!said_so, "nothing follows the close");
            said_so = output == Output::Close;
            if let Output::Event(Event::Publish { .. }) = output {
                let _ = session.handle_input(now, Input::Accept);
            }
        }
        if taken.is_err() {
            break;
        }
    }
    assert_eq!(
        session.error().is_some(),
        said_so,
        "a closed session says so, once"
    );
}

/// C0, C1 and C2.
const HANDSHAKE: [u8; 3073] = {
    let mut bytes = [0; 3073];
    bytes[0] = 3;
    bytes
};
