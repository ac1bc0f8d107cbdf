//! The committed corpus, and mutations of it, through every fuzz target: on stable, and the same on every run.
//!
//! A failure leaves its input as a file. Keep it in `fuzz/corpus/<target>/` when the bug is mended, so that it stays so.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod mutate;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use mutate::Mutator;
use targets::{TARGETS, Target};

/// Mutated inputs of a target of cost 1, shared among its corpus. All targets together take about ten seconds.
const MUTATIONS: usize = 200_000;
/// The corpus is cloned with the repository.
const CORPUS_BYTES_MAX: u64 = 1_000_000;

macro_rules! replays {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*

        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

replays! {
    aac_asc access_claims access_publish_name access_token av1_obus av1_sample cue_channel cue_emsg cue_id3 cue_json cue_painted cue_request cue_sei
    cue_snapshot cue_time engine_publish flv_audio flv_tracks flv_video frame_grid h264_avcc h264_nals h264_sei h264_sets h264_sps h265_hvcc h265_sei
    h265_sets h265_sps hls_name hls_query opus_head opus_packet rtmp_amf0 rtmp_chunks rtmp_session
    rtp_av1 rtp_h264 rtp_vp8 rtp_vp9
    sdp_fragment sdp_offer tcp_frames transcode_from_child transcode_to_child vp8_key_frame vp9_header webrtc_datagram
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("{name} is not in TARGETS"));
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "fuzz/corpus/{name} is empty");
    for (file, bytes) in &corpus {
        run(target, file, bytes);
    }
    let inputs: Vec<&[u8]> = corpus.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let each = MUTATIONS / target.cost / corpus.len();
    for (file, bytes) in &corpus {
        let mut mutator = Mutator::new(file);
        for n in 0..each {
            let mutant = mutator.mutant(bytes, &inputs);
            run(target, &format!("{file}, mutation {n}"), &mutant);
        }
    }
}

fn run(target: &Target, what: &str, bytes: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    if outcome.is_err() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.crash", target.name));
        fs::write(&kept, bytes).unwrap();
        panic!(
            "{} fails on {what}; its input is {}",
            target.name,
            kept.display()
        );
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// A target's inputs with their names, in the order of the names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz().join("corpus").join(name);
    let files = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; give it a seed", folder.display()));
    let mut corpus: Vec<_> = files
        .map(|file| {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect();
    corpus.sort();
    corpus
}

#[test]
fn every_target_is_replayed_explored_and_has_a_corpus() {
    let targets: BTreeSet<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    let replayed: BTreeSet<_> = REPLAYED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(replayed, targets, "replays! lists every target");
    let manifest: toml::Table = fs::read_to_string(fuzz().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let binaries = manifest["bin"].as_array().unwrap().iter();
    let mut explored: BTreeSet<_> = binaries
        .map(|binary| binary["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(explored.remove("canary"), "scripts/fuzz needs its canary");
    assert_eq!(explored, targets, "every target has a binary");
    let folders = fs::read_dir(fuzz().join("corpus")).unwrap();
    let folders: BTreeSet<_> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, targets, "every target has a corpus");
}

#[test]
fn the_corpus_stays_small() {
    let inputs = TARGETS.iter().flat_map(|target| corpus(target.name));
    let bytes: u64 = inputs.map(|(_, bytes)| bytes.len() as u64).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes; minimise it");
}
