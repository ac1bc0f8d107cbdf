//! Commands of a publisher (RTMP 1.0 section 7.2), in the order OBS and FFmpeg send them:
//! connect, releaseStream, FCPublish, createStream, publish; at the end FCUnpublish, deleteStream.

use std::time::Instant;

use super::{Session, State};
use crate::{
    Error, Event, amf0::Value, command::Command, control::Control, message::Message, name::Name,
    reply,
};

impl Session {
    pub(super) fn on_command(&mut self, now: Instant, message: &Message) -> Result<(), Error> {
        let command = Command::parse(message)?;
        match command.name.as_str() {
            "connect" => return self.on_connect(&command),
            "createStream" => return self.on_create_stream(&command),
            "publish" => return self.on_publish(message.stream, &command),
            "play" | "play2" => return self.on_play(message.stream),
            "releaseStream" => self.send(&reply::done(command.transaction)),
            "FCPublish" => {
                self.send(&reply::done(command.transaction));
                self.send(&reply::on_fc("onFCPublish", "NetStream.Publish.Start"));
            }
            "FCUnpublish" => {
                self.unpublish(now);
                self.send(&reply::done(command.transaction));
                self.send(&reply::on_fc(
                    "onFCUnpublish",
                    "NetStream.Unpublish.Success",
                ));
            }
            "deleteStream" => self.on_delete_stream(now, &command),
            "closeStream" => self.unpublish(now),
            // Answers to calls we never make, and FMLE's bandwidth test.
            "_result" | "_error" | "onStatus" | "_checkbw" => {}
            _ if command.transaction > 0.0 => {
                let code = "NetConnection.Call.Failed";
                self.send(&reply::failed(
                    command.transaction,
                    code,
                    "Not a publisher's command.",
                ));
            }
            _ => self.drop_message("unknown command"),
        }
        Ok(())
    }

    /// Section 7.2.1.1.
    fn on_connect(&mut self, command: &Command) -> Result<(), Error> {
        let refused = |session: &mut Self, problem| {
            let code = "NetConnection.Connect.Rejected";
            session.send(&reply::failed(command.transaction, code, problem));
            Err(Error::Command {
                command: "connect",
                problem,
            })
        };
        if self.app.is_some() {
            return refused(self, "sent twice on one connection");
        }
        let app = command
            .argument(0)
            .and_then(|object| object.get("app"))
            .and_then(Value::as_str);
        let Some(app) = app.and_then(Name::parse) else {
            return refused(self, "no valid application name; use rtmp://host/live");
        };
        self.app = Some(app);
        let window = self.config.window_bytes;
        self.send_control([
            Control::WindowAckSize(window),
            Control::SetPeerBandwidth(window),
            Control::SetChunkSize(CHUNK_SIZE),
        ]);
        self.send(&reply::connected(command.transaction));
        Ok(())
    }

    /// Section 7.2.1.3.
    fn on_create_stream(&mut self, command: &Command) -> Result<(), Error> {
        let problem = if self.app.is_none() {
            "sent before connect"
        } else if self.streams_created >= STREAMS_MAX {
            "more than 8 streams on one connection"
        } else {
            self.streams_created += 1;
            self.send(&reply::created(command.transaction, self.streams_created));
            return Ok(());
        };
        self.send(&reply::failed(
            command.transaction,
            "NetConnection.Call.Failed",
            problem,
        ));
        Err(Error::Command {
            command: "createStream",
            problem,
        })
    }

    /// Section 7.2.2.6: the name, then "live".
    fn on_publish(&mut self, stream: u32, command: &Command) -> Result<(), Error> {
        if let State::Publishing { .. } = self.state {
            // The first publish is not to suffer from the second.
            let text = "This connection publishes already.";
            self.send_status(stream, "error", "NetStream.Publish.BadName", text);
            return Ok(());
        }
        let name = command
            .argument(1)
            .and_then(Value::as_str)
            .and_then(Name::parse);
        let problem = match (&self.app, name) {
            (None, _) => "sent before connect",
            (Some(_), _) if stream == 0 || stream > self.streams_created => {
                "sent on a stream that createStream did not give"
            }
            (Some(app), Some(name)) if !name.name.is_empty() => {
                let publish = Event::Publish {
                    app: app.name.clone(),
                    stream_key: name.name,
                    query: name.query.or_else(|| app.query.clone()),
                };
                self.emit(publish);
                self.state = State::Asking { stream };
                return Ok(());
            }
            (Some(_), _) => "no valid stream key; letters, digits and -._~+=:@, are allowed",
        };
        self.send_status(stream, "error", "NetStream.Publish.BadName", problem);
        Err(Error::Command {
            command: "publish",
            problem,
        })
    }

    fn on_play(&mut self, stream: u32) -> Result<(), Error> {
        let problem = "this server takes streams over RTMP and plays them over WebRTC and HLS";
        if let State::Publishing { .. } = self.state {
            self.send_status(stream, "error", "NetStream.Play.Failed", problem);
            return Ok(());
        }
        self.send_status(stream, "error", "NetStream.Play.Failed", problem);
        Err(Error::Command {
            command: "play",
            problem,
        })
    }

    /// Section 7.2.2.3: "The server does not send any response."
    fn on_delete_stream(&mut self, now: Instant, command: &Command) {
        let deleted = command.argument(1).and_then(Value::as_number);
        if let State::Publishing { stream, .. } = self.state
            && deleted.is_none_or(|deleted| deleted == f64::from(stream))
        {
            self.unpublish(now);
        }
    }

    /// The publisher ends its stream; the connection may publish again.
    fn unpublish(&mut self, now: Instant) {
        let State::Publishing { stream, .. } = self.state else {
            return;
        };
        self.state = State::Commanding;
        self.unpublished_bytes = 0;
        self.timers.commanding(now);
        let text = "Unpublished.";
        self.send_status(stream, "status", "NetStream.Unpublish.Success", text);
        self.emit(Event::Unpublish);
    }
}

/// Ours; the longest reply, to connect, has some 500 bytes.
const CHUNK_SIZE: u32 = 4096;
const STREAMS_MAX: u32 = 8;
