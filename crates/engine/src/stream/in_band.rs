//! Cues in the access units themselves: the stream's own go in, and what a publisher forges goes out.

use bytes::Bytes;
use media::{
    Pts, VideoCodec,
    sei::{Syntax, insert, strip_own},
};

use crate::{
    api::{CuesForged, Output},
    stream::{Effects, Stream},
};

impl Stream {
    /// A publisher's picture without messages under this server's own UUID, before anything else sees it.
    pub(super) fn without_forged(
        &mut self,
        fx: &mut Effects<'_>,
        codec: Option<VideoCodec>,
        access_unit: Bytes,
    ) -> Bytes {
        let stripped = codec
            .and_then(syntax)
            .and_then(|syntax| strip_own(syntax, &access_unit));
        let Some((left, count)) = stripped else {
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

    /// A picture with the cues that are due in it, where its codec has a place for them. Copied only if some are.
    pub(super) fn with_cues(
        &mut self,
        codec: VideoCodec,
        pts: Pts,
        keyframe: bool,
        access_unit: Bytes,
    ) -> Bytes {
        let Some(syntax) = syntax(codec) else {
            self.sei.pass(pts);
            return access_unit;
        };
        let epoch = self.clock.epoch();
        let nals = self
            .sei
            .access_unit(syntax, pts, keyframe, epoch, &self.timeline);
        insert(syntax, access_unit, &nals)
    }
}

/// How a codec's access units carry messages, if they do.
const fn syntax(codec: VideoCodec) -> Option<Syntax> {
    match codec {
        VideoCodec::H264 => Some(Syntax::H264),
        VideoCodec::H265 => Some(Syntax::H265),
        VideoCodec::Vp8 | VideoCodec::Vp9 | VideoCodec::Av1 => None,
    }
}
