//! What an operator may do to people: see who watches, send a viewer or the publisher away, end the stream.
//!
//! Being sent away is a disconnection and no more: who still has a key or a token may come again.

use std::time::Instant;

use sfu::SessionId;

use crate::{
    api::{PublisherId, StreamName, ViewerStatus},
    error::RemoveError,
    shard::{Peer, Role, Shard},
    stream::{Effects, Stream},
};

impl Shard {
    /// The connected WebRTC viewers of a stream in the order in which they came; `None` without such a stream.
    pub fn viewers(&self, name: &StreamName) -> Option<Vec<ViewerStatus>> {
        Some(self.streams.get(name)?.viewers())
    }

    /// Ends a viewer's session.
    ///
    /// # Errors
    ///
    /// When there is no such stream, or the session is no viewer of it.
    pub fn remove_viewer(
        &mut self,
        now: Instant,
        name: &StreamName,
        session: u64,
    ) -> Result<(), RemoveError> {
        self.known(name)?;
        let viewer = Peer {
            stream: name.clone(),
            role: Role::Viewer,
        };
        if self.sessions.get(&SessionId(session)) != Some(&viewer) {
            let stream = name.to_string();
            return Err(RemoveError::UnknownViewer { stream, session });
        }
        self.sfu.remove(now, SessionId(session));
        self.settle(now);
        Ok(())
    }

    /// Ends the publisher's connection. The stream waits for its return, as after any lost connection.
    ///
    /// # Errors
    ///
    /// When there is no such stream, or nobody publishes it.
    pub fn remove_publisher(&mut self, now: Instant, name: &StreamName) -> Result<(), RemoveError> {
        if self.known(name)?.publisher().is_none() {
            return Err(RemoveError::Unpublished(name.to_string()));
        }
        self.dismiss(now, name, "an operator has removed this publisher");
        Ok(())
    }

    /// Ends a stream at once: its publisher and its viewers are sent away, its playlists end.
    ///
    /// # Errors
    ///
    /// When there is no such stream.
    pub fn end_stream(&mut self, now: Instant, name: &StreamName) -> Result<(), RemoveError> {
        self.known(name)?;
        self.dismiss(now, name, "an operator has ended this stream");
        self.finish(now, name);
        self.settle(now);
        Ok(())
    }

    /// Takes a stream out and lets it say its farewell.
    pub(super) fn finish(&mut self, now: Instant, name: &StreamName) {
        if let Some(mut stream) = self.streams.remove(name) {
            stream.end(&mut Effects {
                now,
                out: &mut self.out,
                sfu: &mut self.sfu,
                budget: &mut self.budget,
            });
        }
    }

    fn known(&self, name: &StreamName) -> Result<&Stream, RemoveError> {
        let none = || RemoveError::UnknownStream(name.to_string());
        self.streams.get(name).ok_or_else(none)
    }

    /// Sends the publisher away, if there is one. RTMP encoders are told why; WHIP has no word for it.
    fn dismiss(&mut self, now: Instant, name: &StreamName, description: &str) {
        match self.streams.get(name).and_then(Stream::publisher) {
            Some(PublisherId::Rtmp(conn)) => self.dismiss_rtmp(now, conn, description),
            Some(PublisherId::Whip(session)) => {
                self.sfu.remove(now, session);
                self.settle(now);
            }
            None => {}
        }
    }
}
