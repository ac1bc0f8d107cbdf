//! Between the pipelines: decoded chunks in, one encoder per run out.

use media::Timescale;

use crate::{
    aligner::{Aligner, Placed},
    decode::Chunk,
    encode::{Codec, Encoder, Listener, RunStart},
    error::Error,
    log,
};

/// Keeps the encoder of the current run.
#[derive(Debug)]
pub(crate) struct Runs<L> {
    codec: Codec,
    listener: L,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    rate: u32,
    aligner: Aligner,
    encoder: Option<Encoder>,
}

impl<L: Listener> Runs<L> {
    pub(crate) fn new(codec: Codec, listener: L) -> Self {
        Self {
            codec,
            listener,
            current: None,
        }
    }

    /// Places and encodes what one access unit became.
    pub(crate) fn take(&mut self, chunk: Chunk) -> Result<(), Error> {
        // The rate changes when a decoder finds out that a stream has SBR: another line to count on.
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.rate != chunk.rate)
        {
            self.finish();
        }
        let current = self.current.get_or_insert_with(|| Current {
            rate: chunk.rate,
            aligner: Aligner::new(chunk.rate),
            encoder: None,
        });
        match current.aligner.place(chunk.at, chunk.samples) {
            Placed::Continued(samples) => {
                if let Some(encoder) = &current.encoder {
                    encoder.push(&samples);
                }
            }
            Placed::Begun { start, samples } => {
                if let Some(encoder) = current.encoder.take() {
                    log::info(format_args!(
                        "the source's time jumped; a new run begins at {start}"
                    ));
                    encoder.finish();
                }
                let rate = Timescale::new(chunk.rate)
                    .ok_or(Error::Unexpected("decoded samples without a rate"))?;
                let start = RunStart { at: start, rate };
                let encoder = Encoder::new(start, self.codec, &self.listener)?;
                encoder.push(&samples);
                current.encoder = Some(encoder);
            }
        }
        Ok(())
    }

    /// Hands on the rest of the current run.
    pub(crate) fn finish(&mut self) {
        if let Some(encoder) = self.current.take().and_then(|current| current.encoder) {
            encoder.finish();
        }
    }
}
