//! A stream's transcoding children: one for its sound, one for its picture, one for its thumbnails.

use transcode::{Input, ToChild};

use crate::{
    api::{ChildEvent, ChildId, ChildKind, Output},
    stream::{Effects, Stream},
};

impl Stream {
    /// Something happened to one of them.
    pub(crate) fn child(&mut self, fx: &mut Effects<'_>, kind: ChildKind, event: ChildEvent) {
        let input = match event {
            ChildEvent::Spawned => Input::Spawned,
            ChildEvent::Message(message) => Input::Message(message),
            ChildEvent::Garbled => Input::Garbled,
            ChildEvent::Exited { .. } => Input::Exited,
            ChildEvent::Busy { used, span } => {
                if kind == ChildKind::Video {
                    fx.budget.measured(self.id, used, span);
                }
                return;
            }
        };
        match kind {
            ChildKind::Sound => self.supervise(fx, input),
            ChildKind::Video => self.tell_repair(fx, input),
            ChildKind::Thumbnail => self.tell_thumbnail(fx, input),
        }
    }

    const fn child_id(&self, kind: ChildKind) -> ChildId {
        ChildId {
            stream: self.id.0,
            kind,
        }
    }

    pub(super) fn spawn_child(&self, fx: &mut Effects<'_>, kind: ChildKind) {
        fx.out.push_back(Output::ChildSpawn {
            child: self.child_id(kind),
            stream: self.name.clone(),
        });
    }

    pub(super) fn send_child(&self, fx: &mut Effects<'_>, kind: ChildKind, message: ToChild) {
        fx.out.push_back(Output::ChildSend {
            child: self.child_id(kind),
            message,
        });
    }

    pub(super) fn kill_child(&self, fx: &mut Effects<'_>, kind: ChildKind) {
        fx.out.push_back(Output::ChildKill {
            child: self.child_id(kind),
        });
    }

    pub(super) fn child_life(
        &self,
        fx: &mut Effects<'_>,
        kind: ChildKind,
        event: transcode::Event,
    ) {
        fx.out.push_back(Output::ChildLife {
            stream: self.name.clone(),
            kind,
            event,
        });
    }
}
