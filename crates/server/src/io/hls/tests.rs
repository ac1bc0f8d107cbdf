//! Waiting, waking and ending, without HTTP.

use hls::Targets;

use super::*;
use crate::{io::clock, telemetry};

fn origins(waiters_max: usize) -> (Arc<Origins>, StreamName) {
    let config = OriginConfig {
        hls: hls::Config::default(),
        waiters_max,
        linger: Duration::from_secs(5),
    };
    let origins = Arc::new(Origins::new(config, Handle::current(), telemetry::meters()));
    (origins, StreamName::parse("show").unwrap())
}

fn targets() -> Publication {
    Publication::Targets(Targets {
        target_duration_s: 2,
        video_part_ms: Some(334),
        audio_part_ms: None,
    })
}

#[tokio::test(start_paused = true)]
async fn a_request_before_the_first_media_waits_and_is_given_up_in_time() {
    let (origins, stream) = origins(10);
    let origin = origins.open(&stream);
    let began = tokio::time::Instant::now();
    let answer = origin
        .playlist(Which::Multivariant, &Directives::default(), began.into())
        .await;
    assert_eq!(answer, Err(Refused::TimedOut));
    assert_eq!(
        began.elapsed().as_secs(),
        30,
        "three times the longest target duration there may be"
    );
    assert_eq!(origin.waiters.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn one_waiter_more_than_allowed_is_refused_and_a_client_that_leaves_frees_its_place() {
    let (origins, stream) = origins(1);
    let origin = origins.open(&stream);
    let ask = |origin: Arc<StreamOrigin>| async move {
        origin
            .playlist(
                Which::Multivariant,
                &Directives::default(),
                clock::monotonic(),
            )
            .await
    };
    let waiting = tokio::spawn(ask(Arc::clone(&origin)));
    while origin.waiters.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(Arc::clone(&origin)).await, Err(Refused::TooManyWaiters));
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(origin.waiters.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_end_of_the_stream_answers_whoever_waits() {
    let (origins, stream) = origins(10);
    let origin = origins.open(&stream);
    let waiting = tokio::spawn({
        let origin = Arc::clone(&origin);
        async move {
            origin
                .playlist(
                    Which::Multivariant,
                    &Directives::default(),
                    clock::monotonic(),
                )
                .await
        }
    });
    while origin.waiters.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    origins.end(&stream);
    assert_eq!(waiting.await.unwrap(), Err(Refused::Over));
}

#[tokio::test(start_paused = true)]
async fn an_ended_origin_lingers_and_gives_way_to_a_new_one() {
    let (origins, stream) = origins(10);
    origins.apply(&stream, vec![targets()]);
    let first = origins.get(&stream).unwrap();
    origins.apply(&stream, vec![Publication::Ended]);
    assert!(
        Arc::ptr_eq(&first, &origins.get(&stream).unwrap()),
        "it lingers"
    );
    let second = origins.open(&stream);
    assert!(
        !Arc::ptr_eq(&first, &second),
        "a publisher that comes back begins anew"
    );
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(
        Arc::ptr_eq(&second, &origins.get(&stream).unwrap()),
        "only the ended one went"
    );
    origins.end(&stream);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(origins.get(&stream).is_none());
    assert!(origins.all().is_empty());
}
