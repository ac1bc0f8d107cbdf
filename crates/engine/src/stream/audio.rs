//! Sound in two codings: WebRTC has Opus, LL-HLS has AAC, and the transcoding child makes the one that the publisher
//! does not send.

use bytes::Bytes;
use media::{Frame, MediaTime, TrackKind};
use transcode::{AacToOpus, Input, OpusChannels, OpusToAac, Output as Child, Start};

use crate::{
    api::ChildKind,
    ingest::AudioSource,
    stream::{Effects, Stream},
};

impl Stream {
    pub(super) fn want_transcoder(&mut self, fx: &mut Effects<'_>, source: &AudioSource) {
        let start = match source {
            AudioSource::Aac(config) => Start::AacToOpus(AacToOpus::new(config)),
            AudioSource::Opus => Start::OpusToAac(OpusToAac::new(OpusChannels::Stereo)),
        };
        self.supervise(fx, Input::Want(start));
    }

    pub(super) fn stop_audio(&mut self, fx: &mut Effects<'_>) {
        self.supervise(fx, Input::Unwant);
    }

    /// Sound as the publisher sends it: to those who take it so, and to the child for the others.
    pub(super) fn deliver_sound(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        match self.ingest.audio {
            Some(AudioSource::Opus) => self.forward_opus(fx, frame),
            Some(AudioSource::Aac(_)) | None => self.package_sound(fx, frame),
        }
        self.transcode(fx, frame);
    }

    fn transcode(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        self.supervise(
            fx,
            Input::Frame {
                pts: frame.pts,
                payload: frame.payload.clone(),
            },
        );
    }

    pub(super) fn supervise(&mut self, fx: &mut Effects<'_>, input: Input) {
        // What the supervisor's contract rules out it counts and ignores: a message of a child already given up.
        let _ignored = self.supervisor.handle_input(fx.now, input);
        self.drain_supervisor(fx);
    }

    pub(super) fn drain_supervisor(&mut self, fx: &mut Effects<'_>) {
        while let Some(output) = self.supervisor.poll_output() {
            match output {
                Child::Spawn => self.spawn_child(fx, ChildKind::Sound),
                Child::Send(message) => self.send_child(fx, ChildKind::Sound, message),
                Child::Kill(_) => self.kill_child(fx, ChildKind::Sound),
                Child::Packet { pts, payload } => self.transcoded(fx, pts, payload),
                Child::Event(event) => self.child_life(fx, ChildKind::Sound, event),
                // No conversion of sound makes any.
                Child::Configuration(_) | Child::Picture(_) | Child::Jpeg(_) => {}
            }
        }
    }

    fn transcoded(&mut self, fx: &mut Effects<'_>, pts: MediaTime, payload: Bytes) {
        let frame = sound(pts, payload);
        match self.ingest.audio {
            Some(AudioSource::Opus) => self.package_sound(fx, &frame),
            Some(AudioSource::Aac(_)) | None => self.forward_opus(fx, &frame),
        }
    }

    fn forward_opus(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        let Some(track) = &mut self.audio else { return };
        track.opus_packets += 1;
        if let Ok(packets) = track.rendition.push(frame) {
            fx.sfu.forward(fx.now, self.id, TrackKind::Audio, packets);
        }
    }
}

pub(super) fn sound(pts: MediaTime, payload: Bytes) -> Frame {
    Frame {
        track: TrackKind::Audio,
        dts: pts,
        pts,
        keyframe: true,
        payload,
    }
}
