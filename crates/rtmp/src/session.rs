//! The machine: bytes and answers in, replies and events out.

mod commands;
mod rate;
mod timers;
mod tracks;

use std::{collections::VecDeque, fmt, time::Instant};

use bytes::{Bytes, BytesMut};

pub use timers::Reason;

use self::{rate::Rate, timers::Timers};
use crate::{
    Config, Error, Event, Input, Output, RejectReason,
    chunk::{CSID_COMMAND, CSID_STREAM, Limits, Reader, Writer},
    command::values,
    control::Control,
    flv::{cue_point, metadata},
    handshake::{Handshake, Progress},
    message::{AGGREGATE, AUDIO, COMMAND_AMF0, COMMAND_AMF3, DATA_AMF0, DATA_AMF3, Message, VIDEO},
    name::Name,
    reply,
};
pub(crate) use tracks::Tracks;

/// One publisher's connection. See the crate's documentation for how to drive it.
pub struct Session {
    config: Config,
    state: State,
    /// The application and its query, after connect.
    app: Option<Name>,
    /// Message stream ids given out so far.
    streams_created: u32,
    reader: Reader,
    writer: Writer,
    /// Input that came while a publish waits for its answer.
    held: BytesMut,
    /// Bytes since the handshake, or the last unpublish, that were not part of a publish.
    unpublished_bytes: usize,
    received: Received,
    rate: Rate,
    cue_rate: Rate,
    timers: Timers,
    outputs: VecDeque<Output>,
}

/// ```text
/// Handshaking -> Commanding -> Asking -> Publishing -> Commanding -> ...
///                                any of them -> Closed
/// ```
#[derive(Debug)]
enum State {
    Handshaking(Handshake),
    /// connect, createStream and publish are expected.
    Commanding,
    /// The caller has to answer a publish on this message stream.
    Asking {
        stream: u32,
    },
    Publishing {
        stream: u32,
        tracks: Box<Tracks>,
    },
    Closed(Error),
}

/// For acknowledgements (RTMP 1.0 section 5.4.3).
#[derive(Debug)]
struct Received {
    total: u64,
    acknowledged: u64,
    window: u64,
}

impl Session {
    /// A session for a connection just accepted.
    pub fn new(config: Config, now: Instant) -> Self {
        let window = u64::from(config.window_bytes);
        Self {
            state: State::Handshaking(Handshake::default()),
            app: None,
            streams_created: 0,
            reader: Reader::new(Limits::from(&config)),
            writer: Writer::new(),
            held: BytesMut::new(),
            unpublished_bytes: 0,
            received: Received {
                total: 0,
                acknowledged: 0,
                window,
            },
            rate: Rate::new(config.messages_per_second_max, now),
            cue_rate: Rate::new(CUES_PER_SECOND_MAX, now),
            timers: Timers::new(now),
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Takes bytes from the publisher, or the caller's answer to it.
    ///
    /// # Errors
    /// What ended the session. Drain [`poll_output`](Self::poll_output) to the [`Output::Close`],
    /// then close the connection.
    pub fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Error> {
        if matches!(self.state, State::Closed(_)) {
            return Err(Error::Closed);
        }
        let outcome = match input {
            Input::Data(data) => self.on_data(now, data),
            Input::Accept => self.accept(now),
            Input::Reject {
                reason,
                description,
            } => self.reject(reason, description),
            Input::Dismiss { description } => Err(Error::Dismissed {
                description: cut(description),
            }),
        };
        outcome.inspect_err(|error| self.close(error.clone()))
    }

    /// Acts on every deadline that has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(reason) = self.timers.expired(now, &self.config, &self.state) {
            if reason == Reason::Ping {
                self.timers.pinged(now);
                self.send_control([Control::PingRequest(0)]);
            } else {
                self.close(Error::Timeout(reason));
            }
        }
    }

    /// The next thing to do; `None` until the next input or deadline.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.timers.next(&self.config, &self.state)
    }

    /// Why the session closed; `None` while it has not.
    pub const fn error(&self) -> Option<&Error> {
        if let State::Closed(error) = &self.state {
            Some(error)
        } else {
            None
        }
    }

    fn on_data(&mut self, now: Instant, mut data: Bytes) -> Result<(), Error> {
        self.timers.received(now);
        self.received.total += data.len() as u64;
        while let State::Handshaking(handshake) = &mut self.state {
            match handshake.advance(&mut data)? {
                Progress::Waiting => return Ok(()),
                Progress::Reply(reply) => self.outputs.push_back(Output::Send(reply)),
                Progress::Done => {
                    self.state = State::Commanding;
                    self.timers.commanding(now);
                }
            }
        }
        if !matches!(self.state, State::Publishing { .. }) {
            self.unpublished_bytes += data.len();
            let limit = self.config.publish_bytes_max;
            if self.unpublished_bytes > limit {
                return Err(Error::Limit {
                    what: "bytes before the publish is accepted:",
                    value: self.unpublished_bytes as u64,
                    limit: limit as u64,
                });
            }
        }
        if matches!(self.state, State::Asking { .. }) {
            self.held.extend_from_slice(&data);
        } else {
            self.reader.push(data);
            self.read_messages(now)?;
        }
        self.acknowledge();
        Ok(())
    }

    fn read_messages(&mut self, now: Instant) -> Result<(), Error> {
        while !matches!(self.state, State::Asking { .. }) {
            let Some(message) = self.reader.next()? else {
                break;
            };
            self.on_message(now, message)?;
        }
        Ok(())
    }

    fn on_message(&mut self, now: Instant, message: Message) -> Result<(), Error> {
        match message.kind {
            AUDIO | VIDEO => return self.on_media(now, message),
            _ => self.rate.count(now)?,
        }
        match message.kind {
            COMMAND_AMF0 | COMMAND_AMF3 => self.on_command(now, &message)?,
            DATA_AMF0 | DATA_AMF3 => self.on_metadata(now, &message),
            AGGREGATE => self.drop_message("aggregate message"),
            _ => match Control::parse(&message) {
                Some(Control::WindowAckSize(window)) => {
                    // A window of a few bytes would have us answer every packet.
                    self.received.window = u64::from(window).max(WINDOW_MIN);
                }
                Some(Control::PingRequest(time)) => {
                    self.send_control([Control::PingResponse(time)]);
                }
                // Acknowledgements and bandwidths steer what we send, which is next to nothing.
                Some(_) => {}
                None => self.drop_message("unknown message type"),
            },
        }
        Ok(())
    }

    fn on_media(&mut self, now: Instant, message: Message) -> Result<(), Error> {
        // The message stream id is not compared: a connection publishes one stream at a time, and
        // some encoders leave it 0.
        let State::Publishing { tracks, .. } = &mut self.state else {
            self.rate.count(now)?;
            self.drop_message("media outside of a publish");
            return Ok(());
        };
        self.timers.media(now);
        let told = match message.kind {
            VIDEO => tracks.video(message.timestamp, message.payload)?,
            _ => tracks.audio(message.timestamp, message.payload)?,
        };
        let told = told.into_iter().flatten();
        self.outputs.extend(told.map(Output::Event));
        Ok(())
    }

    fn on_metadata(&mut self, now: Instant, message: &Message) {
        let State::Publishing { tracks, .. } = &mut self.state else {
            return self.drop_message("data outside of a publish");
        };
        let Ok(values) = values(message) else {
            return self.drop_message("unreadable data message");
        };
        let event = if let Some(metadata) = metadata::parse(&values) {
            Event::Metadata(metadata)
        } else if let Some((kind, properties)) = cue_point::parse(&values) {
            if self.cue_rate.count(now).is_err() {
                return self.drop_message("encoder cue past the limit of 20 a second");
            }
            match cue_point::cue(kind, tracks.stamp(message.timestamp), properties) {
                Some(cue) => Event::Cue(cue),
                None => return self.drop_message("encoder cue that is too large"),
            }
        } else {
            return self.drop_message("data message");
        };
        self.emit(event);
    }

    fn accept(&mut self, now: Instant) -> Result<(), Error> {
        let State::Asking { stream } = self.state else {
            return Err(Error::NothingAsked);
        };
        self.state = State::Publishing {
            stream,
            tracks: Box::default(),
        };
        self.timers.media(now);
        self.send_control([Control::StreamBegin(stream)]);
        self.send_status(stream, "status", "NetStream.Publish.Start", "Publishing.");
        let held = self.held.split().freeze();
        self.reader.push(held);
        self.read_messages(now)
    }

    fn reject(&mut self, reason: RejectReason, description: String) -> Result<(), Error> {
        let State::Asking { stream } = self.state else {
            return Err(Error::NothingAsked);
        };
        let code = match reason {
            RejectReason::BadName => Some("NetStream.Publish.BadName"),
            RejectReason::Denied => Some("NetStream.Publish.Denied"),
            RejectReason::Unsupported => Some("NetStream.Publish.Rejected"),
            RejectReason::Passing => None,
        };
        let description = cut(description);
        if let Some(code) = code {
            self.send_status(stream, "error", code, &description);
        }
        Err(Error::Rejected { description })
    }

    /// Tells the publisher what it can understand, ends a running publish, and closes.
    fn close(&mut self, error: Error) {
        let before = std::mem::replace(&mut self.state, State::Closed(error.clone()));
        if let State::Publishing { stream, .. } = before {
            // OBS shows the description and stops for good; a bare close would make it retry. A
            // time-out has nobody listening, and a reconnect is the cure.
            if !matches!(error, Error::Timeout(_)) {
                let code = if matches!(error, Error::Dismissed { .. }) {
                    "NetStream.Publish.Denied"
                } else {
                    "NetStream.Publish.Rejected"
                };
                self.send_status(stream, "error", code, &error.to_string());
            }
            self.emit(Event::Unpublish);
        }
        self.outputs.push_back(Output::Close);
    }

    /// RTMP 1.0 section 5.4.3: "The client or the server MUST send an acknowledgment to the peer
    /// after receiving bytes equal to the window size." At most one for each input.
    fn acknowledge(&mut self) {
        let received = &mut self.received;
        if received.total - received.acknowledged >= received.window {
            received.acknowledged = received.total;
            // "the number of bytes received so far", in 32 bits, so it wraps.
            let [.., a, b, c, d] = received.total.to_be_bytes();
            self.send_control([Control::Acknowledgement(u32::from_be_bytes([a, b, c, d]))]);
        }
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn drop_message(&mut self, what: &'static str) {
        self.emit(Event::Dropped { what });
    }

    fn send_control<const N: usize>(&mut self, controls: [Control; N]) {
        let mut out = BytesMut::new();
        for control in controls {
            self.writer.put_control(&mut out, control);
        }
        self.outputs.push_back(Output::Send(out.freeze()));
    }

    fn send(&mut self, message: &Message) {
        let csid = if message.stream == 0 {
            CSID_COMMAND
        } else {
            CSID_STREAM
        };
        let mut out = BytesMut::new();
        self.writer.put(&mut out, csid, message);
        self.outputs.push_back(Output::Send(out.freeze()));
    }

    fn send_status(&mut self, stream: u32, level: &str, code: &str, description: &str) {
        self.send(&reply::on_status(stream, level, code, description));
    }
}

fn cut(mut description: String) -> String {
    description.truncate(description.floor_char_boundary(DESCRIPTION_MAX));
    description
}

/// Buffers and names hold secrets, so they are not printed.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("received", &self.received)
            .field("timers", &self.timers)
            .field("error", &self.error())
            .finish_non_exhaustive()
    }
}

const DESCRIPTION_MAX: usize = 256;
const WINDOW_MIN: u64 = 16 * 1024;
const CUES_PER_SECOND_MAX: u32 = 20;
