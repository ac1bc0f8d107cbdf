//! Where a shard's outputs go.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use access::Grant;
use bytes::Bytes;
use engine::{
    ChildKind, ConnId, CueAccepted, CuesForged, EncoderCue, Output, StreamEvent, StreamName,
    ThumbnailStep, Verdict,
};
use hls::Publication;
use metrics::counter;
use sfu::{FiveTuple, Protocol};
use tracing::{debug, info, warn};

use super::{
    child::{self, Children},
    doorman::{Doorman, Permit},
    hls::Origins,
    rtmp::Writer,
    shows::Keeper,
    side::SideChannels,
    tcp,
    thumbnails::Waiting,
    udp::{Sent, Udp},
    webhooks::Teller,
};
use crate::{
    encoder_cues::{EncoderCues, rules::CueRight},
    telemetry::Meters,
};

/// Everything a shard's outputs can reach. None of it makes the media thread wait.
#[derive(Debug)]
pub(crate) struct Outlets {
    pub(crate) children: Children,
    pub(crate) origins: Arc<Origins>,
    pub(crate) side: Arc<SideChannels>,
    pub(crate) webhooks: Teller,
    pub(crate) shows: Keeper,
    pub(crate) meters: Arc<Meters>,
    pub(crate) doorman: Doorman,
    pub(crate) encoder_cues: EncoderCues,
    pub(crate) passing: Passing,
}

/// What comes and goes while the shard runs: nothing at first.
#[derive(Debug)]
pub(crate) struct Passing {
    rtmp: BTreeMap<ConnId, Writer>,
    cue_rights: BTreeMap<ConnId, CueRight>,
    tcp: HashMap<FiveTuple, tcp::Writer>,
    /// What this drain published, by stream: an origin is to see a whole drain at once.
    published: BTreeMap<StreamName, Vec<Publication>>,
    pub(super) thumbnails: Waiting,
}

impl Passing {
    pub(crate) fn new(thumbnails: Waiting) -> Self {
        Self {
            rtmp: BTreeMap::new(),
            cue_rights: BTreeMap::new(),
            tcp: HashMap::new(),
            published: BTreeMap::new(),
            thumbnails,
        }
    }

    fn publish(&mut self, stream: StreamName, publication: Publication) {
        let drain = self.published.entry(stream).or_default();
        drain.push(publication);
    }
}

impl Outlets {
    /// From now on what `conn` is sent goes to `writer`.
    pub(crate) fn rtmp_opened(&mut self, conn: ConnId, writer: Writer) {
        self.passing.rtmp.insert(conn, writer);
    }

    /// The client is gone.
    pub(crate) fn rtmp_closed(&mut self, conn: ConnId) {
        self.passing.rtmp.remove(&conn);
        self.passing.cue_rights.remove(&conn);
    }

    /// A stream is published by whoever was granted it.
    pub(crate) fn let_in(&self, stream: &StreamName, grant: &Grant) {
        self.doorman.let_in(stream, grant);
    }

    /// The same, of an RTMP client.
    pub(crate) fn let_in_by_rtmp(&mut self, conn: ConnId, permit: &Permit) {
        if let Some(writer) = self.passing.rtmp.get(&conn) {
            writer.let_in();
        }
        self.passing.cue_rights.insert(conn, permit.cues);
        self.let_in(&permit.stream, &permit.grant);
    }

    /// Whether a stream is published with this stream key.
    pub(crate) fn is_published_with(&self, stream: &StreamName, key: &str) -> bool {
        self.doorman.is_published_with(stream, key)
    }

    /// From now on what goes by `tuple` goes to `writer`.
    pub(crate) fn tcp_opened(&mut self, tuple: FiveTuple, writer: tcp::Writer) {
        self.passing.tcp.insert(tuple, writer);
    }

    /// The connection is gone, or is to go.
    pub(crate) fn tcp_closed(&mut self, tuple: FiveTuple) {
        self.passing.tcp.remove(&tuple);
    }

    /// Carries out one output.
    pub(crate) fn put(&mut self, output: Output, udp: &Udp) {
        match output {
            Output::Transmit { tuple, contents } => self.transmit(udp, tuple, contents),
            Output::DatagramsAdmit { tuple } => {
                if let Some(writer) = self.passing.tcp.get(&tuple) {
                    writer.admit();
                }
            }
            // What was queued is still flushed.
            Output::DatagramsClose { tuple } => self.tcp_closed(tuple),
            Output::Hls {
                stream,
                publication,
            } => self.passing.publish(stream, publication),
            // Once per frame in the worst case, so the log has it at DEBUG and the counter tells.
            Output::HlsFailed { stream, error } => {
                debug!(%stream, %error, "left out of LL-HLS");
                self.meters.hls_failed.increment(1);
            }
            Output::CuesForged(forged) => self.cues_forged(&forged),
            Output::SideChannel {
                stream,
                message,
                cues,
                live_pts,
            } => {
                self.side.deliveries.live(&stream, live_pts);
                self.side.publish(&stream, message, cues);
            }
            Output::CueAccepted(accepted) => self.cue_accepted(&accepted),
            Output::CueStep(step) => self.meters.webrtc_cues.step(step),
            Output::RtmpSend { conn, data } => self.rtmp_send(conn, data),
            // What was queued is still flushed.
            Output::RtmpClose { conn } => self.rtmp_closed(conn),
            Output::PublishAsked { conn, request } => {
                if let Some(writer) = self.passing.rtmp.get(&conn) {
                    self.doorman.ask(conn, writer.peer(), request);
                }
            }
            Output::RtmpFailed { conn, error } => {
                warn!(conn = conn.0, %error, "RTMP client refused")
            }
            Output::RtmpDropped { conn, what } => {
                debug!(conn = conn.0, what, "left out of what an RTMP client sent");
                counter!("shopcast_rtmp_dropped_total", "what" => what).increment(1);
            }
            Output::EncoderCue(said) => self.encoder_cue(said),
            Output::SessionClosed { session, reason } => {
                debug!(session, ?reason, "WebRTC session closed");
            }
            Output::ChildSpawn { child, stream } => self.children.spawn(child, &stream),
            Output::ChildSend { child, message } => self.children.send(child, message),
            Output::ChildKill { child } => self.children.kill(child),
            Output::ChildLife {
                stream,
                kind,
                event,
            } => child_life(&stream, kind, &event),
            Output::Thumbnail { stream, answer } => {
                self.passing.thumbnails.answer(&stream, &answer)
            }
            Output::ThumbnailStep(step) => self.thumbnail_step(step),
            Output::Keep { stream, keep } => self.shows.keep(stream, keep),
            Output::Stream { stream, event, pts } => {
                self.webhooks.tell(&stream, &event, pts);
                self.stream(&stream, event);
            }
        }
    }

    fn thumbnail_step(&self, step: ThumbnailStep) {
        let meters = &self.meters;
        match step {
            ThumbnailStep::Made => meters.thumbnails_made.increment(1),
            ThumbnailStep::Failed => meters.thumbnails_failed.increment(1),
        }
    }

    fn encoder_cue(&self, said: EncoderCue) {
        let right = self.passing.cue_rights.get(&said.conn).copied();
        self.encoder_cues
            .take(said, right.unwrap_or(CueRight::None));
    }

    /// Whoever does not take what it is sent is gone.
    fn rtmp_send(&mut self, conn: ConnId, data: Bytes) {
        let fits = self
            .passing
            .rtmp
            .get(&conn)
            .is_none_or(|writer| writer.push(data));
        if !fits {
            self.rtmp_closed(conn);
        }
    }

    fn cue_accepted(&self, accepted: &CueAccepted) {
        let CueAccepted {
            stream,
            seq,
            threshold,
            frame_ticks,
        } = accepted;
        let deliveries = &self.side.deliveries;
        deliveries.accept(stream, *seq, *threshold, *frame_ticks);
    }

    /// Who forges may do so with every frame.
    fn cues_forged(&self, forged: &CuesForged) {
        if forged.first {
            let stream = &forged.stream;
            warn!(%stream, "the publisher sends cues of its own in the picture (SEI): taken out");
        }
        self.meters.cues_forged.increment(u64::from(forged.count));
    }

    /// Hands over what a drain collected.
    pub(crate) fn flush(&mut self) {
        while let Some((stream, publications)) = self.passing.published.pop_first() {
            self.origins.apply(&stream, publications);
        }
    }

    fn transmit(&self, udp: &Udp, tuple: FiveTuple, contents: Vec<u8>) {
        let length = contents.len() as u64;
        let sent = match tuple.protocol {
            Protocol::Udp => udp.send(tuple, &contents),
            Protocol::Tcp => match self.passing.tcp.get(&tuple) {
                Some(writer) => writer.push(contents.into()),
                None => Sent::Refused,
            },
        };
        match sent {
            Sent::Yes => {
                self.meters.datagrams_out.increment(1);
                self.meters.datagram_bytes_out.increment(length);
            }
            Sent::Full => self.meters.datagrams_full.increment(1),
            Sent::Refused => self.meters.datagrams_refused.increment(1),
        }
    }

    fn stream(&mut self, stream: &StreamName, event: StreamEvent) {
        // What the stream published before the event comes first.
        self.flush();
        match event {
            StreamEvent::Live { epoch } => {
                info!(%stream, epoch, "stream is live");
                self.origins.open(stream);
            }
            StreamEvent::Interrupted => {
                info!(%stream, "publisher left; the stream waits for its return")
            }
            StreamEvent::Ended => {
                info!(%stream, "stream is over");
                self.origins.end(stream);
                self.side.end(stream);
                self.passing.thumbnails.end(stream);
                self.doorman.ended(stream);
            }
            StreamEvent::Verdict(Verdict {
                code,
                found,
                cost,
                remedy,
            }) => warn!(%stream, code, cost, remedy, "{found}"),
        }
    }
}

fn child_life(stream: &StreamName, kind: ChildKind, event: &transcode::Event) {
    let of = child::name(kind);
    if let transcode::Event::Down { cause, .. } = event
        && *cause != transcode::Cause::Asked
    {
        let cause = cause.name();
        counter!("shopcast_transcoder_deaths_total", "of" => of, "cause" => cause).increment(1);
    }
    match event {
        transcode::Event::Up { after } => info!(%stream, of, ?after, "the transcoder is ready"),
        transcode::Event::Down { cause, retry_in } => match retry_in {
            Some(retry_in) => warn!(%stream, of, %cause, ?retry_in, "the transcoder is down"),
            None => info!(%stream, of, %cause, "the transcoder is down"),
        },
    }
}
