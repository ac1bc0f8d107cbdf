//! The certificate's files are looked at again and again, and a new pair is taken without a restart.
//!
//! Their bytes are compared, not their times: a renewal may exchange a symbolic link or a whole mount, and two writes
//! may lie within the resolution of a file's time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, watch},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tracing::{error, info, warn};

use super::{
    Current, Files, PairError, Tls,
    pair::{Contents, Pair},
};
use crate::{io::clock, telemetry::Meters};

/// Keeps a [`Tls`] up to date with its files.
#[derive(Debug)]
pub(crate) struct Renewal {
    files: Files,
    taken: Contents,
    not_after: i64,
    current: watch::Sender<Current>,
    unusable: Unusable,
    warned: Option<Instant>,
    meters: Arc<Meters>,
}

/// What the last look could not use, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unusable {
    Nothing,
    /// Seen once: whoever renews writes two files one after the other.
    Once(String),
    Reported(String),
}

/// What a look at the files brought.
#[derive(Debug)]
enum Looked {
    /// Nothing to tell: nothing new, or something half done, or known to be wrong.
    Quiet,
    Taken,
    Refused(PairError),
}

/// How long a certificate is still good for.
#[derive(Debug, PartialEq, Eq)]
enum Validity {
    Good,
    EndsIn { days: i64 },
    Over,
}

impl Renewal {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// They are not a certificate and its key.
    pub(crate) fn new(files: Files, meters: Arc<Meters>) -> Result<(Self, Tls), PairError> {
        let taken = files.read()?;
        let (pair, current) = usable(&files, &taken)?;
        let (current, watched) = watch::channel(current);
        meters.tls_not_after.set(pair.not_after as f64);
        let renewal = Self {
            files,
            taken,
            not_after: pair.not_after,
            current,
            unusable: Unusable::Nothing,
            warned: None,
            meters,
        };
        Ok((renewal, Tls(watched)))
    }

    /// Looks every few seconds, and at once when `asked` is notified.
    pub(crate) async fn run(mut self, asked: Arc<Notify>) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let insist = tokio::select! {
                _ = looks.tick() => false,
                () = asked.notified() => true,
            };
            let files = self.files.clone();
            let Ok(found) = spawn_blocking(move || files.read()).await else {
                return; // The runtime ends.
            };
            match self.look(found, insist) {
                Looked::Quiet => {}
                Looked::Taken => info!(
                    certificate = %self.files.certificate.display(),
                    "a new certificate serves new connections"
                ),
                Looked::Refused(problem) => {
                    error!(%problem, "the new certificate is not taken; the one before it stays in use");
                    self.meters.tls_renewals_refused.increment(1);
                }
            }
            self.remind(clock::monotonic(), clock::wall().0.div_euclid(1000));
        }
    }

    /// `insist` tells what is wrong also when it is half done or known.
    fn look(&mut self, found: Result<Contents, PairError>, insist: bool) -> Looked {
        let contents = match found {
            Ok(contents) if contents == self.taken => {
                self.unusable = Unusable::Nothing;
                return Looked::Quiet;
            }
            Ok(contents) => contents,
            Err(problem) => return self.refuse(problem, insist),
        };
        match usable(&self.files, &contents) {
            Ok((pair, current)) => {
                self.taken = contents;
                self.not_after = pair.not_after;
                self.meters.tls_not_after.set(pair.not_after as f64);
                self.unusable = Unusable::Nothing;
                self.warned = None;
                self.current.send_replace(current);
                Looked::Taken
            }
            Err(problem) => self.refuse(problem, insist),
        }
    }

    fn refuse(&mut self, problem: PairError, insist: bool) -> Looked {
        let words = problem.to_string();
        let known = match &self.unusable {
            Unusable::Once(before) if *before == words => false,
            Unusable::Reported(before) if *before == words => true,
            Unusable::Nothing | Unusable::Once(_) | Unusable::Reported(_) => {
                self.unusable = Unusable::Once(words.clone());
                if !insist {
                    return Looked::Quiet;
                }
                false
            }
        };
        if known && !insist {
            return Looked::Quiet;
        }
        self.unusable = Unusable::Reported(words);
        Looked::Refused(problem)
    }

    /// Once a day as long as there is reason to.
    fn remind(&mut self, now: Instant, unix_s: i64) {
        if self
            .warned
            .is_some_and(|warned| now.duration_since(warned) < REMIND_EVERY)
        {
            return;
        }
        let certificate = self.files.certificate.display();
        match validity(self.not_after, unix_s) {
            Validity::Good => return,
            Validity::EndsIn { days } => {
                warn!(%certificate, days, "the certificate ends soon: renew it, and put the new one in the same files");
            }
            Validity::Over => {
                error!(%certificate, "the certificate has ended, and clients refuse it: put a new one in the same files");
            }
        }
        self.warned = Some(now);
    }
}

fn usable(files: &Files, contents: &Contents) -> Result<(Pair, Current), PairError> {
    let pair = files.parse(contents)?;
    let current = Current::new(&pair).map_err(|problem| PairError::Unfit {
        files: files.clone(),
        problem,
    })?;
    Ok((pair, current))
}

fn validity(not_after: i64, unix_s: i64) -> Validity {
    let left = not_after - unix_s;
    if left <= 0 {
        Validity::Over
    } else if left <= WARN_BEFORE_S {
        Validity::EndsIn { days: left / DAY_S }
    } else {
        Validity::Good
    }
}

/// Two small reads; a renewal is in use soon after it is there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const REMIND_EVERY: Duration = Duration::from_hours(24);
const DAY_S: i64 = 86_400;
/// What renews by itself does so 30 days ahead: past this it is broken.
const WARN_BEFORE_S: i64 = 14 * DAY_S;

#[cfg(test)]
mod tests;
