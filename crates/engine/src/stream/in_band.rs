//! Cues in the access units themselves: the stream's own go in, and what a publisher forges goes out.

use bytes::Bytes;
use media::{
    Pts,
    sei::{Syntax, insert, strip_own},
};

use crate::{
    api::{CuesForged, Output},
    stream::{Effects, Stream},
};

impl Stream {
    /// A publisher's access unit of H.264 without messages under this server's own UUID, before anything else sees it.
    pub(super) fn without_forged(&mut self, fx: &mut Effects<'_>, access_unit: Bytes) -> Bytes {
        let Some((left, count)) = strip_own(Syntax::H264, &access_unit) else {
            return access_unit;
        };
        self.forged(fx, count);
        left
    }

    /// Messages under this server's own UUID came from the publisher, and went no further.
    pub(super) fn forged(&mut self, fx: &mut Effects<'_>, count: u32) {
        fx.out.push_back(Output::CuesForged(CuesForged {
            stream: self.name.clone(),
            count,
            first: self.cues_forged == 0,
        }));
        self.cues_forged += u64::from(count);
    }

    /// An access unit of H.264 with the cues that are due in it. Copied only if some are.
    pub(super) fn with_cues(&mut self, pts: Pts, keyframe: bool, access_unit: Bytes) -> Bytes {
        let epoch = self.clock.epoch();
        let nals = self
            .sei
            .access_unit(Syntax::H264, pts, keyframe, epoch, &self.timeline);
        insert(Syntax::H264, access_unit, &nals)
    }
}
