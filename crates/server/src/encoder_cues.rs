//! Cues of the encoder's own (`onTextData`, `onCuePoint`), by the operator's rules and the publisher's right.

pub(crate) mod rules;

use std::sync::Arc;

use cues::{At, CueRequest, Op};
use engine::{EncoderCue, StreamName};
use media::Pts;
use metrics::counter;
use tokio::{runtime::Handle, sync::mpsc};
use tracing::{debug, info, warn};

use self::rules::{CueRight, Deed, Nothing, Rule};
use crate::{
    http::{CueBody, ImageHosts},
    io::command::ShardHandle,
};

/// The way from the media thread to whoever carries out the rules. It never makes the thread wait.
#[derive(Debug, Clone)]
pub(crate) struct EncoderCues {
    rules: Arc<[Rule]>,
    due: mpsc::Sender<Due>,
}

/// Something to be done, and where.
#[derive(Debug)]
struct Due {
    stream: StreamName,
    pts: Pts,
    deed: Deed,
}

impl EncoderCues {
    /// Rules, and the task on `runtime` that carries them out for as long as this lives.
    pub(crate) fn new(
        rules: Vec<Rule>,
        hosts: ImageHosts,
        shard: ShardHandle,
        runtime: &Handle,
    ) -> Self {
        let (due, queue) = mpsc::channel(DUE_MAX);
        runtime.spawn(carry_out(queue, hosts, shard));
        Self {
            rules: rules.into(),
            due,
        }
    }

    /// Takes what a publisher's encoder said.
    pub(crate) fn take(&self, said: EncoderCue, right: CueRight) {
        let EncoderCue {
            stream, pts, cue, ..
        } = said;
        match rules::deed(&self.rules, right, &cue) {
            Ok(deed) => {
                let due = Due { stream, pts, deed };
                if let Err(error) = self.due.try_send(due) {
                    let Due { stream, .. } = error.into_inner();
                    warn!(%stream, "an encoder's cue is lost: too many wait");
                    count("lost");
                }
            }
            Err(Nothing::NoRule) => {
                debug!(%stream, message = cue.message.as_str(), "no rule fits what an encoder said");
                count("no_rule");
            }
            Err(Nothing::NotAllowed) => {
                info!(%stream, message = cue.message.as_str(), "an encoder's cue is left out: its publisher may insert none");
                count("not_allowed");
            }
        }
    }
}

async fn carry_out(mut queue: mpsc::Receiver<Due>, hosts: ImageHosts, shard: ShardHandle) {
    while let Some(Due { stream, pts, deed }) = queue.recv().await {
        match act(&shard, &hosts, &stream, pts, deed).await {
            Ok(seqs) => {
                info!(%stream, ?seqs, "cues by the encoder");
                count("done");
            }
            Err(why) => {
                warn!(%stream, why, "an encoder's cue is refused");
                count("refused");
            }
        }
    }
}

/// Does it; the numbers of the cues that came of it, or why none did.
async fn act(
    shard: &ShardHandle,
    hosts: &ImageHosts,
    stream: &StreamName,
    pts: Pts,
    deed: Deed,
) -> Result<Vec<u64>, String> {
    let at = At::Pts(pts);
    let request = match deed {
        Deed::Fire(name) => {
            let fired = shard.fire(stream.clone(), name, at).await;
            let receipts = fired
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            return Ok(receipts.iter().map(|receipt| receipt.cue.cue.seq).collect());
        }
        Deed::Cue(json) => CueBody::parse(&json, at, hosts)?,
        Deed::Hide(card_id) => plain(Op::Hide, card_id, at),
        Deed::Clear => plain(Op::Clear, String::new(), at),
    };
    let inserted = shard.insert_cue(stream.clone(), request).await;
    let receipt = inserted
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    Ok(vec![receipt.cue.cue.seq])
}

const fn plain(op: Op, card_id: String, at: At) -> CueRequest {
    CueRequest {
        card_id,
        op,
        duration: None,
        payload: None,
        at,
        ends: None,
        if_rev: None,
        idempotency_key: None,
    }
}

fn count(outcome: &'static str) {
    counter!("shopcast_encoder_cues_total", "outcome" => outcome).increment(1);
}

/// Streams are limited to ten a second each, so this is many streams' worth.
const DUE_MAX: usize = 256;
