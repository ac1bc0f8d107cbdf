//! Sound in two codings: WebRTC has Opus, LL-HLS has AAC, and the transcoding child makes the one that the publisher
//! does not send.

use bytes::Bytes;
use media::{Frame, MediaTime, TrackKind};
use transcode::{AacToOpus, Input, OpusChannels, OpusToAac, Output as Child, Start};

use crate::{
    api::{ChildEvent, Output},
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

    pub(super) fn transcode(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
        self.supervise(
            fx,
            Input::Frame {
                pts: frame.pts,
                payload: frame.payload.clone(),
            },
        );
    }

    pub(crate) fn child(&mut self, fx: &mut Effects<'_>, event: ChildEvent) {
        let input = match event {
            ChildEvent::Spawned => Input::Spawned,
            ChildEvent::Message(message) => Input::Message(message),
            ChildEvent::Garbled => Input::Garbled,
            ChildEvent::Exited { .. } => Input::Exited,
        };
        self.supervise(fx, input);
    }

    fn supervise(&mut self, fx: &mut Effects<'_>, input: Input) {
        // What the supervisor's contract rules out it counts and ignores: a message of a child already given up.
        let _ignored = self.supervisor.handle_input(fx.now, input);
        self.drain_supervisor(fx);
    }

    pub(super) fn drain_supervisor(&mut self, fx: &mut Effects<'_>) {
        while let Some(output) = self.supervisor.poll_output() {
            let (child, stream) = (self.child_id(), self.name.clone());
            match output {
                Child::Spawn => fx.out.push_back(Output::ChildSpawn { child, stream }),
                Child::Send(message) => fx.out.push_back(Output::ChildSend { child, message }),
                Child::Kill(_) => fx.out.push_back(Output::ChildKill { child }),
                Child::Packet { pts, payload } => self.transcoded(fx, pts, payload),
                Child::Event(event) => fx.out.push_back(Output::ChildLife { stream, event }),
            }
        }
    }

    fn transcoded(&mut self, fx: &mut Effects<'_>, pts: MediaTime, payload: Bytes) {
        let frame = sound(pts, payload);
        match self.ingest.audio {
            Some(AudioSource::Opus) => {
                let packaged = self.packager.frame(&frame);
                self.packaged(fx, packaged);
            }
            Some(AudioSource::Aac(_)) | None => self.forward_opus(fx, &frame),
        }
    }

    pub(super) fn forward_opus(&mut self, fx: &mut Effects<'_>, frame: &Frame) {
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
