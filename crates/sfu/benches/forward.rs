//! What a packet costs on its way to a viewer, in memory: packetised once, then forwarded to 1, 50
//! and 500 viewers; and the same packet sealed by us instead, with keys as they would be taken from
//! DTLS.
//!
//! `cargo bench -p sfu --bench forward`. docs/adr/0002-str0m-seals-for-now.md records the figures.

#![allow(clippy::unwrap_used, reason = "a test may fail where it likes")]

#[path = "../tests/support/listener.rs"]
mod listener;
#[path = "../tests/support/own_srtp.rs"]
mod own_srtp;
#[path = "../tests/support/pair.rs"]
mod pair;
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use media::{Frame, MediaTime, Timescale, TrackKind};
use own_srtp::{RtpPacket, SrtpSender, Taken};
use pair::Pair;
use str0m::{Input, crypto::dtls::SrtpProfile, rtp::RtpWrite, rtp::Ssrc};
use support::{STREAM, World};

/// A frame of 2.8 Mbit/s at 30 frames a second: ten packets of 1170 octets.
const PACKETS: usize = 10;
const FRAME_BYTES: usize = PACKETS * 1_168 + 1;
const FRAME_TIME: Duration = Duration::from_nanos(33_333_333);

fn frame(number: i64) -> Frame {
    let pts = MediaTime::new(900_000 + number * 3_000, Timescale::VIDEO);
    let number = u32::try_from(number).unwrap();
    let payload: Bytes = support::slice(number.is_multiple_of(60), number, FRAME_BYTES);
    Frame {
        track: TrackKind::Video,
        dts: pts,
        pts,
        keyframe: false,
        payload,
    }
}

/// A shard whose viewers have connected and gone quiet.
fn connected(viewers: u64) -> World {
    let mut world = World::with(|config| {
        config.consent_timeout = Duration::from_secs(1_000_000);
        config.half_open_max = 4_000;
    });
    for session in 0..viewers {
        let id = world.join(session);
        world.run(Duration::from_millis(200));
        assert!(world.is_connected(id));
        world.viewers.clear();
    }
    world
}

/// The packets of one frame, made once.
fn packetise(c: &mut Criterion) {
    let mut group = c.benchmark_group("packetise");
    group.throughput(Throughput::Elements(u64::try_from(PACKETS).unwrap()));
    let mut world = World::new();
    let mut number = 0;
    group.bench_function("frame of 10 packets", |b| {
        b.iter(|| {
            number += 1;
            black_box(world.video.push(&frame(number)).unwrap().len())
        });
    });
    group.finish();
}

/// One frame packetised and sent to every viewer, to the datagram.
fn forward(c: &mut Criterion) {
    let mut group = c.benchmark_group("forward");
    for viewers in [1, 50, 500] {
        let mut world = connected(viewers);
        let mut number = 0;
        group.throughput(Throughput::Elements(
            viewers * u64::try_from(PACKETS).unwrap(),
        ));
        group.bench_function(BenchmarkId::new("viewers", viewers), |b| {
            b.iter(|| {
                number += 1;
                world.now += FRAME_TIME;
                let packets = world.video.push(&frame(number)).unwrap();
                world
                    .sfu
                    .forward(world.now, STREAM, TrackKind::Video, packets);
                while let Some(output) = world.sfu.poll_output() {
                    black_box(&output);
                }
            });
        });
        assert_eq!(
            world.sfu.counters().sessions,
            usize::try_from(viewers).unwrap()
        );
    }
    group.finish();
}

/// A burst through str0m's write path: queue, seal, drain.
fn seal_by_str0m(c: &mut Criterion) {
    let mut group = c.benchmark_group("seal");
    group.throughput(Throughput::Elements(u64::try_from(PACKETS).unwrap()));
    let mut pair = Pair::connected();
    let payload: Arc<[u8]> = Arc::from(vec![0x5a; 1_170]);
    let mut number = 0u64;
    group.bench_function("str0m, 1 viewer", |b| {
        b.iter(|| {
            pair.now += FRAME_TIME;
            let now: Instant = pair.now;
            let mut api = pair.server.direct_api();
            let stream = api.stream_tx(&Ssrc::from(pair.ssrc)).unwrap();
            for _ in 0..PACKETS {
                number += 1;
                let write = RtpWrite::new(
                    pair.payload_type.into(),
                    number.into(),
                    0,
                    now,
                    payload.clone(),
                );
                stream.write_rtp(write.nackable(true));
            }
            pair.server.handle_input(Input::Timeout(now)).unwrap();
            black_box(pair::drain(&mut pair.server, &mut Vec::new()).len())
        });
    });
    group.finish();
}

/// The same burst sealed by us, into one buffer that is used again.
fn seal_by_ourselves(c: &mut Criterion) {
    let mut group = c.benchmark_group("seal");
    let payload = vec![0x5a; 1_170];
    for viewers in [1u8, 50, 250] {
        let mut senders: Vec<SrtpSender> = (0..viewers)
            .map(|viewer| {
                let profile = SrtpProfile::AEAD_AES_256_GCM;
                SrtpSender::new(
                    &Taken {
                        material: vec![viewer; 88],
                        profile,
                    },
                    false,
                )
            })
            .collect();
        let burst = u64::from(viewers) * u64::try_from(PACKETS).unwrap();
        group.throughput(Throughput::Elements(burst));
        let (mut number, mut buffer) = (0u64, Vec::with_capacity(16 * 1_024));
        let name = format!("ours, {viewers} viewers");
        group.bench_function(name, |b| {
            b.iter(|| {
                for sender in &mut senders {
                    buffer.clear();
                    for n in 0..u64::try_from(PACKETS).unwrap() {
                        let index = number + n;
                        let low = index.to_be_bytes();
                        let header = [0x80, 108, low[6], low[7], 0, 0, 0, 0, 1, 2, 3, 4];
                        let packet = RtpPacket {
                            header: &header,
                            payload: &payload,
                            index,
                        };
                        sender.seal(&packet, &mut buffer).unwrap();
                    }
                    black_box(&buffer);
                }
                number += u64::try_from(PACKETS).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    packetise,
    forward,
    seal_by_str0m,
    seal_by_ourselves
);
criterion_main!(benches);
