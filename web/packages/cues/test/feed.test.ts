import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeCue, Feed } from "../src/index.ts";
import { cue, cues, cueText, heartbeat, snapshot, userTextTag } from "./make.ts";

function joined(parts: Readonly<Record<string, unknown>> = {}): Feed {
  const feed = new Feed("demo");
  feed.message(snapshot(parts), 0);
  return feed;
}

test("a snapshot gives the clock, the offset and the cards", () => {
  const feed = joined({ last_seq: 4, cues: [cueText({ seq: 3 })], server_utc_ms: 5000 });
  assert.equal(feed.rtpOffset, 123);
  assert.equal(feed.epoch, 1);
  // Taken in by then: nearer is not known yet.
  const { live_pts } = JSON.parse(snapshot()) as { live_pts: number };
  assert.equal(feed.utcMsOf(live_pts), 5000);
  assert.equal(feed.clock.utcMs(250), 5250);
  assert.equal(feed.timeline.state(900_000)[0]?.card_id, "a");
});

test("the newest message says where the stream is in its life", () => {
  const feed = new Feed("demo");
  assert.equal(feed.state, null);
  feed.message(snapshot({ state: "starting" }), 0);
  assert.equal(feed.state, "starting");
  for (const state of ["live", "interrupted", "live", "ended"]) {
    feed.message(heartbeat({ state }), 0);
    assert.equal(feed.state, state);
  }
  feed.message(heartbeat({ state: "paused" }), 0);
  feed.message(snapshot({ state: "live", stream: "other" }), 0);
  assert.equal(feed.state, "ended", "what cannot be read, or is of another stream, says nothing");
});

test("a heartbeat that is said again after a newer one says nothing", () => {
  const feed = joined();
  feed.message(heartbeat({ state: "interrupted", server_utc_ms: 20_000 }), 0);
  const before = heartbeat({ server_utc_ms: 19_950, live_pts: 1, last_seq: 7 });
  assert.equal(feed.message(before, 0).pullAfter, null);
  assert.equal(feed.state, "interrupted");
  assert.notEqual(feed.livePts, 1);
  // Said again before anything newer it changes nothing; a clock that was set back does.
  feed.message(heartbeat({ state: "interrupted", server_utc_ms: 20_000 }), 0);
  feed.message(heartbeat({ state: "live", server_utc_ms: 5_000 }), 0);
  assert.equal(feed.state, "live");
});

test("a cue that comes twice is told once", () => {
  const feed = joined();
  assert.equal(feed.message(cues(cueText()), 0).added.length, 1);
  assert.equal(feed.message(cues(cueText()), 0).added.length, 0);
  assert.equal(feed.inBand(userTextTag("dev.shopcast.cue", encodeCue(cue()))).added.length, 0);
});

test("a long snapshot goes on in the message after it", () => {
  const feed = joined({ last_seq: 2, from_pts: 950_000, cues: [cueText({ seq: 1 })] });
  feed.message(cues(cueText({ seq: 2, card_id: "b" })), 0);
  assert.deepEqual(
    feed.timeline.state(960_000).map((card) => card.card_id),
    ["a", "b"],
  );
  const inBand = feed.inBand(
    userTextTag("dev.shopcast.cue", encodeCue(cue({ seq: 3, card_id: "old" }))),
  );
  assert.equal(inBand.added.length, 0, "in band, what the snapshot left out is settled");
});

test("a cue that a killed server told and did not keep is forgotten", () => {
  const feed = joined({ last_seq: 1, cues: [cueText({ seq: 1 })] });
  feed.message(cues(cueText({ seq: 2, card_id: "told", pts: 950_000 })), 0);
  const cards = (): string[] => feed.timeline.state(960_000).map((card) => card.card_id);
  assert.deepEqual(cards(), ["a", "told"]);
  feed.message(snapshot({ last_seq: 1001, cues: [cueText({ seq: 1 })] }), 0);
  assert.deepEqual(cards(), ["a"]);
  // Not by a snapshot that goes on, nor by one from before the cue.
  feed.message(cues(cueText({ seq: 1002, card_id: "b", pts: 950_000 })), 0);
  feed.message(snapshot({ last_seq: 1002, more: "x".repeat(58_700) }), 0);
  feed.message(snapshot({ last_seq: 1001, cues: [cueText({ seq: 1 })] }), 0);
  assert.deepEqual(cards(), ["a", "b"]);
});

test("in-band cues alone show the right state", () => {
  const feed = new Feed("demo");
  const change = feed.inBand(userTextTag("dev.shopcast.cue", encodeCue(cue({ seq: 9 }))));
  assert.equal(change.added[0]?.seq, 9);
  assert.equal(change.pullAfter, null, "without a snapshot it is not known what is missing");
  assert.equal(feed.timeline.state(900_000).length, 1);
});

test("an in-band snapshot brings the cues in force", () => {
  const feed = new Feed("demo");
  const json = {
    v: 1,
    stream: "demo",
    epoch: 1,
    pts: 950_000,
    cues: [cueText(), cueText({ seq: 2, card_id: "b" })],
  };
  const tag = (value: unknown): Uint8Array =>
    userTextTag("dev.shopcast.snapshot", JSON.stringify(value));
  for (const wrong of [null, [], { ...json, v: 2 }, { ...json, cues: [1] }]) {
    assert.equal(feed.inBand(tag(wrong)).added.length, 0);
  }
  assert.deepEqual(
    feed.inBand(tag(json)).added.map(({ seq }) => seq),
    [1, 2],
  );
  assert.equal(feed.inBand(tag(json)).added.length, 0);
});

test("a snapshot that was taken before the newest cue came does not undo it", () => {
  const feed = joined({ last_seq: 1 });
  feed.message(cues(cueText({ seq: 2 })), 0);
  const late = feed.message(snapshot({ last_seq: 1 }), 0);
  assert.equal(late.pullAfter, null);
  assert.equal(feed.timeline.state(900_000).length, 1);
});

test("a tag of someone else's is left alone", () => {
  const feed = new Feed("demo");
  assert.equal(feed.inBand(userTextTag("com.example.cue", encodeCue(cue()))).added.length, 0);
});

test("a gap in seq is pulled from the last whole one", () => {
  const feed = joined({ last_seq: 4 });
  assert.equal(feed.message(cues(cueText({ seq: 5 })), 0).pullAfter, null);
  assert.equal(feed.message(cues(cueText({ seq: 8 })), 0).pullAfter, 5);
  const change = feed.pulled([cueText({ seq: 6 }), cueText({ seq: 7 }), cueText({ seq: 8 })], 5);
  assert.deepEqual(
    change.added.map(({ seq }) => seq),
    [6, 7],
  );
  assert.equal(change.pullAfter, null);
});

test("cues that overtake each other close the gap by themselves", () => {
  const feed = joined({ last_seq: 4 });
  assert.equal(feed.message(cues(cueText({ seq: 6 })), 0).pullAfter, 4);
  assert.equal(feed.message(cues(cueText({ seq: 5 })), 0).pullAfter, null);
  assert.equal(feed.message(heartbeat({ last_seq: 6 }), 0).pullAfter, null);
});

test("a heartbeat notices a cue that never came", () => {
  const feed = joined({ last_seq: 4 });
  assert.equal(feed.message(heartbeat({ last_seq: 4 }), 0).pullAfter, null);
  assert.equal(feed.message(heartbeat({ last_seq: 6 }), 0).pullAfter, 4);
});

test("a pull that is answered page by page goes on until all is there", () => {
  const feed = joined();
  feed.message(heartbeat({ last_seq: 4 }), 0);
  feed.message(cues(cueText({ seq: 4 })), 0);
  assert.equal(feed.pulled([cueText({ seq: 1 }), cueText({ seq: 2 })], 0).pullAfter, 2);
  assert.equal(feed.pulled([cueText({ seq: 3 })], 2).pullAfter, null);
});

test("a pull that finds nothing is not repeated", () => {
  const feed = joined();
  assert.equal(feed.message(heartbeat({ last_seq: 3 }), 0).pullAfter, 0);
  assert.equal(feed.pulled([], 0).pullAfter, null);
  assert.equal(feed.message(heartbeat({ last_seq: 3 }), 0).pullAfter, null);
});

test("a newer version's cue is no gap", () => {
  const feed = joined();
  const text = Buffer.from('{"v":2,"seq":1}').toString("base64url");
  const change = feed.message(cues(text, cueText({ seq: 2 })), 0);
  assert.deepEqual(
    change.added.map(({ seq }) => seq),
    [2],
  );
  assert.equal(change.pullAfter, null);
});

test("a new epoch without its snapshot asks for one", () => {
  const feed = joined();
  assert.equal(feed.message(heartbeat(), 0).needsSnapshot, false);
  assert.equal(feed.message(heartbeat({ epoch: 2 }), 0).needsSnapshot, true);
  feed.message(snapshot({ epoch: 2, live_pts: 900, server_utc_ms: 17 }), 0);
  assert.equal(feed.message(heartbeat({ epoch: 2 }), 0).needsSnapshot, false);
  assert.equal(feed.utcMsOf(90), 8);
});

test("cards outlive a publisher's reconnect, not a stream that began anew", () => {
  const feed = joined({ last_seq: 1, cues: [cueText()] });
  feed.message(snapshot({ epoch: 2, last_seq: 1, cues: [cueText()], live_pts: 1_800_000 }), 0);
  assert.equal(feed.timeline.state(1_800_000).length, 1);
  feed.message(snapshot({ k: 99, last_seq: 0 }), 0);
  assert.equal(feed.timeline.state(1_800_000).length, 0);
  assert.equal(
    feed.message(cues(cueText({ seq: 1 })), 0).added.length,
    1,
    "seq counts from 1 again",
  );
});

test("what is of another stream, or no message, changes nothing", () => {
  const feed = joined();
  for (const text of [
    "",
    "null",
    "[]",
    '{"type":"party"}',
    snapshot({ stream: "x", k: 5 }),
    snapshot({ k: 1.5 }),
  ]) {
    assert.deepEqual(feed.message(text, 0), { added: [], pullAfter: null, needsSnapshot: false });
  }
  assert.equal(feed.rtpOffset, 123);
  assert.equal(feed.message(cues(cueText({ stream: "x" })), 0).added.length, 0);
});
