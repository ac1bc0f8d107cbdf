//! The queue between the media thread and the disk, without either.

use engine::Show;
use media::{Pts, UtcAnchor};

use super::*;

fn keeper(room: usize) -> (Keeper, mpsc::Receiver<Entry>) {
    let (entries, waiting) = mpsc::channel(room);
    let keeper = Keeper {
        entries,
        failing: Arc::default(),
        late: BTreeMap::new(),
    };
    (keeper, waiting)
}

fn show(highest: i64) -> Keep {
    Keep::Show(Show {
        rtp_offsets: [1, 2],
        epoch: 1,
        anchor: UtcAnchor::default(),
        highest: Pts(highest),
        hls: hls::Continuity::default(),
    })
}

fn name() -> StreamName {
    StreamName::parse("show").unwrap()
}

fn heard(waiting: &mut mpsc::Receiver<Entry>) -> Vec<Keep> {
    let mut all = Vec::new();
    while let Ok(entry) = waiting.try_recv() {
        if let Entry::Keep(note) = entry {
            all.push(note.keep);
        }
    }
    all
}

#[test]
fn changes_are_refused_before_the_queue_is_full_and_while_the_store_fails() {
    let (mut keeper, mut waiting) = keeper(CHANGES_ROOM + 2);
    assert_eq!(keeper.ready(), Ok(()));
    for _ in 0..2 {
        keeper.keep(name(), Keep::Cues(Vec::new()));
        keeper.then(Answer::new(|_| ()));
    }
    assert_eq!(keeper.ready(), Err(Unkept::Refused));
    heard(&mut waiting);
    assert_eq!(keeper.ready(), Ok(()));
    keeper.failing.store(true, Ordering::Relaxed);
    assert_eq!(keeper.ready(), Err(Unkept::Refused));
}

#[test]
fn of_where_a_show_stands_the_newest_is_told_once_there_is_room() {
    let (mut keeper, mut waiting) = keeper(SPARE_ROOM + 1);
    keeper.keep(name(), show(1));
    keeper.keep(name(), show(2));
    keeper.keep(name(), show(3));
    assert_eq!(heard(&mut waiting), [show(1)]);
    keeper.keep(name(), Keep::Cues(Vec::new()));
    assert_eq!(heard(&mut waiting), [show(3), Keep::Cues(Vec::new())]);
    // Of a show that is over nobody wants to know.
    keeper.keep(name(), show(4));
    keeper.keep(name(), show(5));
    keeper.keep(name(), Keep::Ended);
    assert_eq!(heard(&mut waiting), [show(4), Keep::Ended]);
    keeper.keep(name(), Keep::Cues(Vec::new()));
    assert_eq!(heard(&mut waiting), [Keep::Cues(Vec::new())]);
}

#[test]
fn an_answer_that_cannot_wait_says_so() {
    let (keeper, waiting) = keeper(1);
    drop(waiting);
    let (told, mut heard) = mpsc::unbounded_channel();
    keeper.then(Answer::new(move |kept| told.send(kept).unwrap()));
    assert_eq!(heard.try_recv(), Ok(Err(Unkept::Accepted)));
}
