//! A show written down and read again, in a database in memory.

use std::collections::BTreeMap;

use cues::{Armed, At, Coupon, CueRequest, Ends, LiveClock, Memory, Op, Payload, Timeline};

use super::*;
use crate::io::clock as clocks;

/// When everything is written, and how much later it is read.
const AT: UnixMillis = UnixMillis(1_700_000_000_000);
const AGE: Duration = Duration::from_secs(20);

fn name() -> StreamName {
    StreamName::parse("show").unwrap()
}

async fn book() -> Book {
    Book::new(&Store::open("").await.unwrap())
}

async fn write(book: &Book, keeps: Vec<Keep>) {
    let note = |keep| Note {
        stream: name(),
        keep,
        at: AT,
    };
    let notes: Vec<Note> = keeps.into_iter().map(note).collect();
    book.write(&notes).await.unwrap();
}

async fn read(book: &Book) -> Vec<SavedStream> {
    let later = AT.0 + i64::try_from(AGE.as_millis()).unwrap();
    book.read(UnixMillis(later)).await.unwrap()
}

fn show(epoch: u32) -> Show {
    Show {
        rtp_offsets: [1, u32::MAX],
        epoch,
        anchor: UtcAnchor(UnixMillis(1_699_999_000_123)),
        highest: Pts(1 << 40),
        hls: hls::Continuity {
            next_msn: 7,
            discontinuities: 2,
            target_duration_s: Some(2),
            video_part_ms: Some(500),
            audio_part_ms: None,
            measured: Some((3000, 30_000)),
        },
    }
}

fn clock() -> LiveClock {
    LiveClock {
        epoch: 1,
        highest_pts: Pts(90_000),
        live_pts: Pts(90_000),
        live_utc: AT,
        anchor: UtcAnchor(UnixMillis(AT.0 - 1000)),
    }
}

fn coupon(card_id: &str) -> CueRequest {
    CueRequest {
        card_id: card_id.into(),
        op: Op::Show,
        duration: Some(Duration::from_secs(60)),
        payload: Some(Payload::Coupon(Coupon {
            code: "TEN".into(),
            title: "Ten percent off".into(),
            terms: None,
            ends: None,
        })),
        at: At::Now,
        ends: Some(Ends::After(Duration::from_secs(30))),
        if_rev: None,
        idempotency_key: Some(format!("key-{card_id}")),
    }
}

/// A timeline with two cues, one of them settled, and prepared ones; and what it told to be kept.
fn timeline() -> (Timeline, Vec<Change>) {
    let mut timeline = Timeline::new("show", TimelineConfig::default());
    let now = clocks::monotonic();
    timeline.insert(now, coupon("mug"), &clock()).unwrap();
    timeline.arm("next", vec![coupon("cup")]).unwrap();
    timeline.arm("never", vec![coupon("pot")]).unwrap();
    timeline.disarm("never");
    for frame in 30..60 {
        timeline.observe_frame(Pts(frame * 3_000));
    }
    timeline.insert(now, coupon("jug"), &clock()).unwrap();
    let changes = timeline.take_changes();
    (timeline, changes)
}

#[tokio::test]
async fn a_show_is_read_as_it_was_written() {
    let book = book().await;
    let (timeline, changes) = timeline();
    write(
        &book,
        vec![Keep::Show(show(1)), Keep::Cues(changes.clone())],
    )
    .await;
    let [saved] = read(&book).await.try_into().unwrap();
    assert_eq!((saved.name, saved.show), (name(), show(1)));
    assert_eq!(saved.cues.cues, timeline.after(0).unwrap());
    assert!(saved.cues.cues[0].frame_pts.is_some() && saved.cues.cues[0].ends.is_some());
    assert_eq!(
        saved.cues.armed,
        [("next".into(), Armed::Waiting(vec![coupon("cup")]))]
    );
    assert_eq!(saved.cues.memory, Memory::default());
    let mut answered = Vec::new();
    for change in changes {
        if let Change::Answered { request, receipt } = change {
            let age = AGE;
            answered.push(SavedAnswer {
                age,
                request,
                receipt,
            });
        }
    }
    assert_eq!(saved.cues.answers, answered);
}

#[tokio::test]
async fn what_is_written_later_takes_the_place_of_what_was() {
    let book = book().await;
    write(&book, vec![Keep::Show(show(1)), Keep::Cues(timeline().1)]).await;
    let memory = Memory {
        forgotten_seq: 1,
        horizon: Some(Pts(1)),
        revs: BTreeMap::from([("mug".into(), 1)]),
    };
    let forgotten = Change::Forgotten {
        seqs: vec![1],
        memory: memory.clone(),
    };
    let disarmed = Change::Disarmed {
        name: "next".into(),
    };
    write(
        &book,
        vec![Keep::Show(show(2)), Keep::Cues(vec![forgotten, disarmed])],
    )
    .await;
    let [saved] = read(&book).await.try_into().unwrap();
    assert_eq!(saved.show, show(2));
    let seqs = saved.cues.cues.iter().map(|logged| logged.cue.cue.seq);
    assert_eq!(seqs.collect::<Vec<_>>(), [2]);
    assert_eq!(saved.cues.memory, memory);
    assert_eq!(saved.cues.armed, []);
    write(&book, vec![Keep::Ended]).await;
    assert!(read(&book).await.is_empty());
    // Nothing of it is found again under the same name.
    write(&book, vec![Keep::Show(show(1))]).await;
    let [saved] = read(&book).await.try_into().unwrap();
    assert_eq!(saved.cues, Saved::default());
}

#[tokio::test]
async fn numbers_are_skipped_after_a_disorderly_end_and_stay_skipped() {
    let book = book().await;
    write(&book, vec![Keep::Show(show(1)), Keep::Cues(timeline().1)]).await;
    book.end().await.unwrap();
    let used = async |book: &Book| read(book).await[0].numbers_used;
    assert_eq!(used(&book).await, 2);
    book.begin().await.unwrap();
    assert_eq!(used(&book).await, 2 + NUMBERS_SKIPPED);
    // It goes on, without a cue, and ends in order.
    write(&book, vec![Keep::Show(show(2))]).await;
    book.end().await.unwrap();
    assert_eq!(used(&book).await, 2 + NUMBERS_SKIPPED);
}

/// A process that is about to end, or a command line, writes to the same file.
#[tokio::test]
async fn who_writes_waits_for_another_who_does() {
    let folder = std::env::temp_dir().join(format!("shopcast-book-{:016x}", rand::random::<u64>()));
    let path = folder.join("shopcast.db");
    let stores = [
        Store::open(path.to_str().unwrap()).await.unwrap(),
        Store::open(path.to_str().unwrap()).await.unwrap(),
    ];
    let [book, other] = stores.each_ref().map(Book::new);
    write(&book, vec![Keep::Show(show(1))]).await;
    let mut transaction = store::begin(&other.pool).await.unwrap();
    // Long enough for the other to have read, had it not waited.
    let writing = async {
        for epoch in 0..300 {
            put_show(&mut transaction, &name(), &show(epoch), AT)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
    };
    let (pruned, ()) = tokio::join!(book.prune(AT, Duration::ZERO), writing);
    pruned.unwrap();
    assert!(read(&book).await.is_empty());
    drop(stores);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn what_is_too_old_is_forgotten() {
    let book = book().await;
    write(&book, vec![Keep::Show(show(1)), Keep::Cues(timeline().1)]).await;
    let window = TimelineConfig::default().idempotency_window;
    let after = |span: Duration| UnixMillis(AT.0 + i64::try_from(span.as_millis()).unwrap());
    let past = window + Duration::from_millis(1);
    book.prune(after(past), past * 2).await.unwrap();
    let [saved] = read(&book).await.try_into().unwrap();
    assert_eq!((saved.cues.cues.len(), saved.cues.answers.len()), (2, 0));
    book.prune(after(past), past).await.unwrap();
    assert!(read(&book).await.is_empty());
}
