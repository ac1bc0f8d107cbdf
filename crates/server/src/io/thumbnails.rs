//! Thumbnails on their way from the media thread to whoever asks: all who ask for one stream's at once, and within a second
//! after, are one to the media thread.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use engine::{StreamName, Thumbnail, ThumbnailError};
use tokio::sync::{oneshot, watch};

use super::{
    clock,
    command::{ShardHandle, Unavailable, give},
};

/// What somebody who asks is told.
pub(crate) type Answer = Result<Result<Thumbnail, ThumbnailError>, Unavailable>;

/// The questions that are under way, and the last answers.
#[derive(Debug, Default)]
pub(crate) struct Thumbnails(Mutex<BTreeMap<StreamName, Question>>);

/// One question to the media thread.
#[derive(Debug)]
struct Question {
    asked: Instant,
    answer: watch::Receiver<Option<Answered>>,
}

#[derive(Debug, Clone)]
struct Answered {
    at: Instant,
    answer: Answer,
}

impl Question {
    /// Whoever asks now has the same question.
    fn is_open(&self, now: Instant) -> bool {
        match &*self.answer.borrow() {
            None => now.saturating_duration_since(self.asked) < QUESTION_TIME_MAX,
            Some(Answered {
                at,
                answer: Ok(Ok(_)),
            }) => now.saturating_duration_since(*at) < REPEATED_FOR,
            // The next one may fare better.
            Some(Answered { .. }) => false,
        }
    }
}

impl Thumbnails {
    /// What `stream` shows.
    pub(crate) async fn ask(&self, shard: &ShardHandle, stream: &StreamName) -> Answer {
        let mut answer = self.question(shard, stream);
        let answered = answer.wait_for(Option::is_some).await;
        let answered = answered.ok().and_then(|answered| answered.clone());
        answered.map_or(Err(Unavailable), |answered| answered.answer)
    }

    /// The stream is over: the next who asks is told so.
    pub(crate) fn end(&self, stream: &StreamName) {
        self.lock().remove(stream);
    }

    /// As if the media thread had just been asked, and answered so.
    #[cfg(test)]
    pub(crate) fn answer_next(&self, stream: &StreamName, answer: Answer) {
        let asked = clock::monotonic();
        let (sender, receiver) = watch::channel(None);
        let question = Question {
            asked,
            answer: receiver,
        };
        self.lock().insert(stream.clone(), question);
        // While nobody has heard it, it is still open.
        tokio::spawn(async move {
            while sender.receiver_count() < 2 {
                tokio::task::yield_now().await;
            }
            sender.send_replace(Some(Answered { at: asked, answer }));
        });
    }

    /// The one that is open, or a new one.
    fn question(
        &self,
        shard: &ShardHandle,
        stream: &StreamName,
    ) -> watch::Receiver<Option<Answered>> {
        let now = clock::monotonic();
        let mut questions = self.lock();
        // So there are never more than streams that were asked for in this second, and names that are just being looked up.
        questions.retain(|_, question| question.is_open(now));
        if let Some(question) = questions.get(stream) {
            return question.answer.clone();
        }
        let (sender, answer) = watch::channel(None);
        let question = Question {
            asked: now,
            answer: answer.clone(),
        };
        questions.insert(stream.clone(), question);
        let (shard, stream) = (shard.clone(), stream.clone());
        // Of its own: who asked first may be the first to go.
        tokio::spawn(async move {
            let answer = shard.thumbnail(stream).await;
            let at = clock::monotonic();
            sender.send_replace(Some(Answered { at, answer }));
        });
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<StreamName, Question>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits on the media thread for a thumbnail that is being made.
#[derive(Debug)]
pub(crate) struct Waiting {
    thumbnails: Arc<Thumbnails>,
    replies: BTreeMap<StreamName, Vec<Reply>>,
}

/// The way back of an answer.
pub(crate) type Reply = oneshot::Sender<Result<Thumbnail, ThumbnailError>>;

impl Waiting {
    /// Nobody yet.
    pub(crate) const fn new(thumbnails: Arc<Thumbnails>) -> Self {
        Self {
            thumbnails,
            replies: BTreeMap::new(),
        }
    }

    /// Whoever holds the other end of `reply` waits, until he is gone.
    pub(crate) fn wait(&mut self, stream: &StreamName, reply: Reply) {
        let replies = self.replies.entry(stream.clone()).or_default();
        replies.retain(|reply| !reply.is_closed());
        replies.push(reply);
    }

    /// Tells all who wait for `stream`.
    pub(crate) fn answer(
        &mut self,
        stream: &StreamName,
        answer: &Result<Thumbnail, ThumbnailError>,
    ) {
        for reply in self.replies.remove(stream).into_iter().flatten() {
            give(reply, answer.clone());
        }
    }

    /// The stream is over.
    pub(crate) fn end(&mut self, stream: &StreamName) {
        self.replies.remove(stream);
        self.thumbnails.end(stream);
    }
}

/// As many may look at a page of streams as like: the media thread is asked once a second.
const REPEATED_FOR: Duration = Duration::from_secs(1);
/// Longer than the media thread takes in any case.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::Pts;

    use super::*;
    use crate::io::command::Command;

    fn show() -> StreamName {
        StreamName::parse("show").unwrap()
    }

    fn made() -> Thumbnail {
        Thumbnail {
            pts: Pts(90_000),
            jpeg: Bytes::from_static(b"jpeg"),
        }
    }

    /// The reply of the next question that reaches the media thread.
    async fn asked(queue: &mut tokio::sync::mpsc::Receiver<Command>) -> Reply {
        let command = queue.recv().await.unwrap();
        let Command::Thumbnail { reply, .. } = command else {
            panic!("{command:?}")
        };
        reply
    }

    #[tokio::test]
    async fn a_thousand_who_ask_at_once_are_one_and_so_is_who_comes_after() {
        let (shard, mut queue) = ShardHandle::new();
        let thumbnails = Arc::new(Thumbnails::default());
        let asking: Vec<_> = (0..1000)
            .map(|_| {
                let (shard, thumbnails) = (shard.clone(), Arc::clone(&thumbnails));
                tokio::spawn(async move { thumbnails.ask(&shard, &show()).await })
            })
            .collect();
        asked(&mut queue).await.send(Ok(made())).unwrap();
        for asking in asking {
            assert_eq!(asking.await.unwrap(), Ok(Ok(made())));
        }
        assert_eq!(thumbnails.ask(&shard, &show()).await, Ok(Ok(made())));
        assert!(queue.try_recv().is_err());
        thumbnails.end(&show());
        let show = show();
        let again = thumbnails.ask(&shard, &show);
        let refused = async {
            asked(&mut queue)
                .await
                .send(Err(ThumbnailError::Off))
                .unwrap()
        };
        assert_eq!(
            tokio::join!(again, refused).0,
            Ok(Err(ThumbnailError::Off)),
            "what it showed is gone with it"
        );
    }

    #[tokio::test]
    async fn what_failed_is_asked_again_and_leaves_nothing() {
        let (shard, mut queue) = ShardHandle::new();
        let thumbnails = Thumbnails::default();
        for n in 0..50 {
            let name = StreamName::parse(&format!("guess-{n}")).unwrap();
            let answer = thumbnails.ask(&shard, &name);
            let refused = async {
                let gone = ThumbnailError::NoStream(name.to_string());
                asked(&mut queue).await.send(Err(gone)).unwrap();
            };
            assert!(matches!(tokio::join!(answer, refused).0, Ok(Err(_))));
        }
        assert!(thumbnails.lock().len() <= 1);
    }

    #[tokio::test]
    async fn who_waits_is_told_once_and_who_is_gone_is_forgotten() {
        let mut waiting = Waiting::new(Arc::default());
        let (gone, _) = oneshot::channel();
        let (first, here) = oneshot::channel();
        waiting.wait(&show(), gone);
        waiting.wait(&show(), first);
        assert_eq!(waiting.replies[&show()].len(), 1);
        waiting.answer(&show(), &Ok(made()));
        assert_eq!(here.await.unwrap(), Ok(made()));
        assert!(waiting.replies.is_empty());
    }
}
