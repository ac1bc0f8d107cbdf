/** What a viewer knows whom cues reach by the media alone. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  decodeCue,
  encodeCue,
  Feed,
  type Attributes,
  type Cue,
  type SeiMessage,
} from "../src/index.ts";
import { cue, cueText, heartbeat, snapshot, userTextTag } from "./make.ts";

const K = 4_000_000_000;

function ids(feed: Feed, pts: number): string {
  const cards = feed.timeline.state(pts).map((card) => card.card_id);
  return cards.join(" ");
}

function cueTag(parts: Partial<Cue>): Uint8Array {
  return userTextTag("dev.shopcast.cue", encodeCue(cue(parts)));
}

function stateTag(pts: number, cues: readonly Partial<Cue>[], parts: object = {}): Uint8Array {
  const json = { v: 1, stream: "demo", epoch: 1, pts, cues: cues.map(cueText), ...parts };
  return userTextTag("dev.shopcast.snapshot", JSON.stringify(json));
}

const read = (parts: Partial<Cue>): SeiMessage => ({
  type: "cue",
  decoded: decodeCue(new TextEncoder().encode(encodeCue(cue(parts)))),
});

const state = (
  pts: number,
  cues: readonly Partial<Cue>[],
  references: readonly number[] = [],
): SeiMessage => ({
  type: "snapshot",
  epoch: 1,
  seq: 9,
  pts,
  cues: cues.flatMap((parts) => {
    const message = read(parts);
    return message.type === "cue" ? [message.decoded] : [];
  }),
  references: references.map((seq) => ({ seq, hash: "00" })),
});

const rtp = (pts: number): number => (pts + K) % 2 ** 32;

test("a card whose hide never came is off from the next state on, and still on before it", () => {
  const feed = new Feed("demo");
  feed.inBand(cueTag({ seq: 1, pts: 100 }));
  feed.inBand(cueTag({ seq: 3, pts: 300, card_id: "b" }));
  assert.equal(ids(feed, 500), "a b");
  feed.inBand(stateTag(400, [{ seq: 3, pts: 300, card_id: "b" }]));
  assert.deepEqual([ids(feed, 399), ids(feed, 400), ids(feed, 900)], ["a b", "b", "b"]);
  feed.inBand(cueTag({ seq: 4, pts: 450, card_id: "b", op: "hide" }));
  feed.inBand(stateTag(600, []));
  assert.deepEqual([ids(feed, 449), ids(feed, 450), ids(feed, 700)], ["b", "", ""]);
});

test("who goes back beyond the side channel's snapshot has the states that media told", () => {
  const feed = new Feed("demo");
  feed.message(snapshot({ from_pts: 1000, last_seq: 4 }), 0);
  feed.inBand(stateTag(500, [{ seq: 2, pts: 200, card_id: "old" }]));
  const hide = feed.inBand(cueTag({ seq: 4, pts: 700, card_id: "old", op: "hide" }));
  assert.equal(hide.added.length, 0, "at live it is settled");
  assert.deepEqual(
    [500, 699, 700, 1000].map((pts) => ids(feed, pts)),
    ["old", "old", "", ""],
  );
});

test("a state of another stream, with a cue past it, or with one that is none, settles nothing", () => {
  const feed = new Feed("demo");
  feed.inBand(cueTag({ seq: 1, pts: 100 }));
  for (const tag of [
    stateTag(400, [], { stream: "other" }),
    stateTag(400, [{ seq: 2, pts: 401 }]),
    stateTag(400, [{ seq: 2, pts: 200, stream: "other" }]),
    stateTag(400, [], { cues: ["AAAA"] }),
    stateTag(400.5, []),
    stateTag(400, [], { v: 2 }),
  ]) {
    assert.equal(feed.inBand(tag).added.length, 0);
  }
  assert.equal(ids(feed, 500), "a");
});

test("a picture with a state tells the RTP offset exactly, whatever the pts", () => {
  for (const pts of [900_000, 2 ** 32 + 5, 2 ** 40]) {
    const feed = new Feed("demo");
    feed.picture([state(pts, [{ pts: 900_000 }])], rtp(pts));
    assert.equal(feed.rtpOffset, K);
    assert.equal(feed.livePts, pts);
    assert.equal(ids(feed, pts), "a");
  }
});

test("a cue tells the offset to within a frame, until a state does", () => {
  const feed = new Feed("demo");
  feed.picture([read({ pts: 900_000 })], rtp(901_000));
  assert.equal(feed.rtpOffset, K + 1000);
  feed.picture([read({ seq: 2, pts: 910_000, card_id: "b" })], rtp(910_500));
  assert.equal(feed.rtpOffset, K + 1000, "the first is as good as any");
  const change = feed.picture([state(930_000, [{ pts: 900_000 }])], rtp(930_000));
  assert.deepEqual([feed.rtpOffset, change.needsSnapshot], [K, false]);
  feed.picture([read({ seq: 3, pts: 940_000, card_id: "c" })], rtp(940_700));
  assert.equal(feed.rtpOffset, K);
});

test("a picture of another timeline is the begin of another stream", () => {
  const feed = new Feed("demo");
  feed.message(snapshot({ k: K, last_seq: 4, cues: [cueText()] }), 0);
  assert.equal(feed.picture([state(950_000, [{}])], rtp(950_000)).needsSnapshot, false);
  const other = feed.picture([state(90_000, [{ seq: 1, pts: 80_000, card_id: "n" }])], 17);
  assert.equal(other.needsSnapshot, true);
  assert.equal(feed.rtpOffset, (17 - 90_000 + 2 ** 32) % 2 ** 32);
  assert.equal(ids(feed, 960_000), "n");
});

test("without a side channel, a number that comes again for another cue tells it as well", () => {
  const feed = new Feed("demo");
  feed.inBand(cueTag({ seq: 1, pts: 900_000 }));
  feed.inBand(stateTag(1000, [{ seq: 1, pts: 500, card_id: "n" }]));
  assert.equal(ids(feed, 950_000), "n");
});

test("a cue that is only spoken of is pulled", () => {
  const feed = new Feed("demo");
  const reference: SeiMessage = { type: "reference", seq: 5, pts: 900_000, hash: "00" };
  assert.equal(feed.picture([reference], rtp(900_000)).pullAfter, 4);
  assert.equal(feed.picture([], 0).pullAfter, 4, "until it is here");
  assert.equal(feed.pulled([cueText({ seq: 5 })], 4).pullAfter, null);
  assert.equal(ids(feed, 900_000), "a");
  assert.equal(feed.picture([reference], rtp(900_000)).pullAfter, null);
});

test("what is spoken of and not to be had is asked for once", () => {
  const feed = new Feed("demo");
  const reference: SeiMessage = { type: "reference", seq: 5, pts: 900_000, hash: "00" };
  feed.picture([reference], rtp(900_000));
  assert.equal(feed.pulled([], 4).pullAfter, null);
});

test("a state in numbers settles once all its cues are here", () => {
  const feed = new Feed("demo");
  feed.inBand(cueTag({ seq: 1, pts: 100, card_id: "gone" }));
  assert.equal(feed.picture([state(950_000, [], [6, 8])], rtp(950_000)).pullAfter, 5);
  assert.equal(ids(feed, 950_000), "gone", "what was known holds on");
  const page = feed.pulled([cueText({ seq: 6, pts: 600, card_id: "x" })], 5);
  assert.equal(page.pullAfter, 7);
  feed.pulled(
    [
      cueText({ seq: 7, pts: 650, card_id: "y" }),
      cueText({ seq: 8, pts: 700, card_id: "z" }),
      cueText({ seq: 9, pts: 950_000 + 1, card_id: "y", op: "hide" }),
    ],
    7,
  );
  assert.equal(ids(feed, 950_000), "x z", "exactly those");
});

test("the side channel takes over where media began, and notices what it missed", () => {
  const feed = new Feed("demo");
  feed.picture([state(900_000, [{}])], rtp(900_000));
  const joined = feed.message(snapshot({ k: K, last_seq: 1, cues: [cueText()] }), 0);
  assert.equal(joined.added.length, 0);
  assert.equal(ids(feed, 900_000), "a");
  assert.equal(feed.message(heartbeat({ last_seq: 3 }), 0).pullAfter, 1);
});

const range = (op: string, more: Attributes = {}): Attributes => ({
  ID: "cue-2-7",
  CLASS: "dev.shopcast.cue",
  "START-DATE": "2026-11-21T22:50:26.000Z",
  "X-DEV-SHOPCAST-CARD-ID": "a",
  "X-DEV-SHOPCAST-OP": op,
  "X-DEV-SHOPCAST-SEQ": "7",
  "X-DEV-SHOPCAST-REV": "2",
  "X-DEV-SHOPCAST-PTS": "950000",
  "X-DEV-SHOPCAST-HASH": "0xA2A95308CFCEF018",
  ...more,
});

test("a playlist's range is the whole of a short show, and of what takes cards off", () => {
  const feed = new Feed("demo");
  const show = cueText({ epoch: 2, seq: 7, pts: 950_000 });
  assert.equal(feed.listed(range("show", { "X-DEV-SHOPCAST-CUE": show })).added[0]?.seq, 7);
  assert.equal(ids(feed, 950_000), "a");
  const at = (seq: string, pts: string): Attributes => ({
    ID: `cue-2-${seq}`,
    "X-DEV-SHOPCAST-SEQ": seq,
    "X-DEV-SHOPCAST-PTS": pts,
  });
  const [hide] = feed.listed(range("hide", at("8", "960000"))).added;
  const { op, epoch, rev } = hide ?? {};
  assert.deepEqual([op, epoch, rev], ["hide", 2, 2]);
  assert.equal(ids(feed, 960_000), "");
  feed.listed(
    range("show", {
      ...at("9", "970000"),
      "X-DEV-SHOPCAST-CUE": cueText({ seq: 9, pts: 970_000 }),
    }),
  );
  const clear = { ...at("10", "980000"), "X-DEV-SHOPCAST-CARD-ID": undefined };
  feed.listed(range("clear", clear));
  assert.deepEqual([ids(feed, 970_000), ids(feed, 980_000)], ["a", ""]);
});

test("a range that says less than the whole is asked for, and one that is not ours is left alone", () => {
  const feed = new Feed("demo");
  assert.equal(feed.listed(range("update")).pullAfter, 6);
  feed.pulled([cueText({ seq: 7 })], 6);
  for (const wrong of [
    { CLASS: "com.example" },
    { ID: "cue-2-8" },
    { ID: "ad-7" },
    { "X-DEV-SHOPCAST-PTS": "-1" },
    { "X-DEV-SHOPCAST-REV": undefined },
    { "X-DEV-SHOPCAST-CARD-ID": "a b" },
    { "X-DEV-SHOPCAST-OP": "show", "X-DEV-SHOPCAST-CUE": cueText({ seq: 8 }) },
  ]) {
    const change = feed.listed(range("hide", wrong));
    assert.deepEqual([change.added.length, change.pullAfter], [0, null], JSON.stringify(wrong));
  }
});

test("states of a long show are bounded, and the newest stay", () => {
  const feed = new Feed("demo");
  for (let n = 1; n <= 1000; n += 1) {
    feed.inBand(stateTag(n * 1000, n % 2 ? [{ seq: n, pts: n * 1000 }] : []));
  }
  assert.equal(ids(feed, 999_500), "a");
  assert.equal(ids(feed, 1_000_500), "");
});
