//! Publishers: who may take which stream; and RTMP's frames on the way to it.

use std::time::Instant;

use bytes::Bytes;
use rtmp::{Event, Input, RejectReason};

use crate::{
    api::{ConnId, EncoderCue, Output, PublishRefused, PublishRequest, PublisherId, StreamName},
    error::PublishError,
    shard::{Publisher, Shard},
    stream::{Effects, Stream},
};

impl Shard {
    pub(super) fn rtmp_opened(&mut self, now: Instant, conn: ConnId) {
        if self.publishers.len() >= self.config.publishers_max {
            self.out.push_back(Output::RtmpClose { conn });
            return;
        }
        let session = rtmp::Session::new(self.config.rtmp.clone(), now);
        self.publishers.insert(
            conn,
            Publisher {
                session,
                stream: None,
                asking: false,
            },
        );
    }

    pub(super) fn rtmp_data(&mut self, now: Instant, conn: ConnId, data: Bytes) {
        let Some(publisher) = self.publishers.get_mut(&conn) else {
            return;
        };
        let result = publisher.session.handle_input(now, Input::Data(data));
        self.drain_publisher(now, conn);
        if let Err(error) = result {
            self.out.push_back(Output::RtmpFailed { conn, error });
            self.close_publisher(now, conn);
        }
    }

    pub(super) fn rtmp_closed(&mut self, now: Instant, conn: ConnId) {
        let Some(publisher) = self.publishers.remove(&conn) else {
            return;
        };
        self.release(now, PublisherId::Rtmp(conn), publisher.stream);
    }

    pub(super) fn publisher_timeouts(&mut self, now: Instant) {
        let due = |publisher: &Publisher| {
            publisher
                .session
                .poll_timeout()
                .is_some_and(|(at, _)| at <= now)
        };
        let conns: Vec<_> = self
            .publishers
            .iter()
            .filter(|(_, p)| due(p))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in conns {
            if let Some(publisher) = self.publishers.get_mut(&conn) {
                publisher.session.handle_timeout(now);
            }
            self.drain_publisher(now, conn);
        }
    }

    fn drain_publisher(&mut self, now: Instant, conn: ConnId) {
        while let Some(publisher) = self.publishers.get_mut(&conn) {
            match publisher.session.poll_output() {
                None => return,
                Some(rtmp::Output::Send(data)) => {
                    self.out.push_back(Output::RtmpSend { conn, data })
                }
                Some(rtmp::Output::Close) => self.close_publisher(now, conn),
                Some(rtmp::Output::Event(event)) => self.publisher_event(now, conn, event),
            }
        }
    }

    fn publisher_event(&mut self, now: Instant, conn: ConnId, event: Event) {
        if let Event::Publish {
            app,
            stream_key,
            query,
        } = event
        {
            self.ask_to_publish(now, conn, &app, PublishRequest { stream_key, query });
            return;
        }
        let Some(publisher) = self.publishers.get_mut(&conn) else {
            return;
        };
        if let Event::Unpublish = event {
            let stream = publisher.stream.take();
            self.release(now, PublisherId::Rtmp(conn), stream);
            return;
        }
        let Some(stream) = publisher
            .stream
            .as_ref()
            .and_then(|name| self.streams.get_mut(name))
        else {
            return;
        };
        let fx = &mut Effects {
            now,
            out: &mut self.out,
            sfu: &mut self.sfu,
            budget: &mut self.budget,
        };
        match event {
            Event::Metadata(metadata) => stream.metadata(&metadata),
            Event::Cue(cue) => {
                let placed = stream.encoder_cue(cue.at_ms);
                self.out.push_back(match placed {
                    Some((stream, pts)) => Output::EncoderCue(EncoderCue {
                        conn,
                        stream,
                        pts,
                        cue,
                    }),
                    None => Output::RtmpDropped {
                        conn,
                        what: "encoder cue before the first picture",
                    },
                });
            }
            Event::VideoConfig(config) => stream.video_config(config),
            Event::AudioConfig(config) => stream.audio_config(config),
            Event::Video {
                dts_ms,
                composition_ms,
                keyframe,
                payload,
            } => {
                stream.video(fx, dts_ms, composition_ms, keyframe, payload);
            }
            Event::Audio { pts_ms, payload } => stream.audio(fx, pts_ms, payload),
            Event::OtherTracks(kind) => stream.other_tracks(kind),
            Event::Dropped { what } => self.out.push_back(Output::RtmpDropped { conn, what }),
            Event::Publish { .. } | Event::Unpublish => {}
        }
    }

    /// Who may publish what is decided outside; which application there is, here.
    fn ask_to_publish(&mut self, now: Instant, conn: ConnId, app: &str, request: PublishRequest) {
        let Some(publisher) = self.publishers.get_mut(&conn) else {
            return;
        };
        publisher.asking = true;
        if app == self.config.app {
            self.out.push_back(Output::PublishAsked { conn, request });
            return;
        }
        let description = format!(
            "application `{app}` is not served here; use rtmp://HOST/{}",
            self.config.app
        );
        let reason = RejectReason::Denied;
        self.answer_publish(
            now,
            conn,
            Err(PublishRefused {
                reason,
                description,
            }),
        );
    }

    /// The answer from outside. The stream may be taken by now, or the publisher gone.
    pub(super) fn publish_decided(
        &mut self,
        now: Instant,
        conn: ConnId,
        decision: Result<StreamName, PublishRefused>,
    ) {
        let asking = self.publishers.get(&conn).is_some_and(|one| one.asking);
        if !asking {
            return;
        }
        let decision = decision.and_then(|name| match self.may_take(now, &name) {
            Ok(()) => Ok(name),
            Err(error) => Err(PublishRefused {
                reason: match error {
                    PublishError::Taken(_) => RejectReason::BadName,
                    PublishError::Full(_) => RejectReason::Passing,
                    PublishError::Refused(_) => RejectReason::Denied,
                },
                description: error.to_string(),
            }),
        });
        self.answer_publish(now, conn, decision);
        self.drain_publisher(now, conn);
    }

    fn answer_publish(
        &mut self,
        now: Instant,
        conn: ConnId,
        decision: Result<StreamName, PublishRefused>,
    ) {
        // Nobody else is told of it.
        let passing = matches!(&decision, Err(refused) if refused.reason == RejectReason::Passing);
        let input = match decision {
            Ok(name) => {
                self.take(now, &name, PublisherId::Rtmp(conn));
                if let Some(publisher) = self.publishers.get_mut(&conn) {
                    publisher.stream = Some(name);
                }
                Input::Accept
            }
            Err(PublishRefused {
                reason,
                description,
            }) => Input::Reject {
                reason,
                description,
            },
        };
        if let Some(publisher) = self.publishers.get_mut(&conn) {
            publisher.asking = false;
            match publisher.session.handle_input(now, input) {
                // The end of the session comes out of it by itself, after the reason.
                Ok(()) => {}
                Err(rtmp::Error::Rejected { .. }) if !passing => {}
                // What was held back while it waited, too.
                Err(error) => self.out.push_back(Output::RtmpFailed { conn, error }),
            }
        }
    }

    /// One stream name, one publisher: the newer takes over when the older has gone silent, else it is refused.
    pub(super) fn may_take(&self, now: Instant, name: &StreamName) -> Result<(), PublishError> {
        match self.streams.get(name) {
            None if self.streams.len() >= self.config.streams_max => {
                Err(PublishError::Full(self.streams.len()))
            }
            Some(stream)
                if stream.publisher().is_some()
                    && !stream.is_silent(now, self.config.takeover_after) =>
            {
                Err(PublishError::Taken(name.to_string()))
            }
            None | Some(_) => Ok(()),
        }
    }

    /// Gives a stream to a publisher that may take it.
    pub(super) fn take(&mut self, now: Instant, name: &StreamName, publisher: PublisherId) {
        let old = self.streams.get(name).and_then(Stream::publisher);
        match old {
            Some(PublisherId::Rtmp(conn)) => self.close_publisher(now, conn),
            Some(PublisherId::Whip(session)) => {
                self.sfu.remove(now, session);
                self.settle(now);
            }
            None => {}
        }
        self.stream_for(now, name).publish(now, publisher);
    }

    /// Tells an RTMP publisher why it has to go, and closes its connection.
    pub(super) fn dismiss_rtmp(&mut self, now: Instant, conn: ConnId, description: &str) {
        if let Some(publisher) = self.publishers.get_mut(&conn) {
            let description = description.to_owned();
            // What ended the session is what was just asked for.
            let _dismissed = publisher
                .session
                .handle_input(now, Input::Dismiss { description });
        }
        self.drain_publisher(now, conn);
    }

    fn close_publisher(&mut self, now: Instant, conn: ConnId) {
        let Some(publisher) = self.publishers.remove(&conn) else {
            return;
        };
        self.out.push_back(Output::RtmpClose { conn });
        self.release(now, PublisherId::Rtmp(conn), publisher.stream);
    }

    /// A publisher lets go of its stream, if it is still the one that has it.
    pub(super) fn release(
        &mut self,
        now: Instant,
        publisher: PublisherId,
        stream: Option<StreamName>,
    ) {
        let Some(stream) = stream.and_then(|name| self.streams.get_mut(&name)) else {
            return;
        };
        if stream.publisher() == Some(publisher) {
            stream.unpublish(&mut Effects {
                now,
                out: &mut self.out,
                sfu: &mut self.sfu,
                budget: &mut self.budget,
            });
        }
    }
}
