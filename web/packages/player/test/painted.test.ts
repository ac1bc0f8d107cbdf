import assert from "node:assert/strict";
import { test } from "node:test";

import type { ActiveCard, Cue } from "@shopcast/cues";

import { PaintedReports, type PaintedCue } from "../src/painted.ts";

const FRAME = 3000;

function cue(seq: number, pts: number, more: object = {}): Cue {
  const head = { stream: "demo", epoch: 1, seq, card_id: "a", rev: seq, op: "show", pts };
  return { ...head, duration: null, kind: "product", payload: {}, ...more } as unknown as Cue;
}

function card(seq: number): ActiveCard {
  return { card_id: "a", seq } as unknown as ActiveCard;
}

/** What is reported at `nowMs`. */
function flushed(reports: PaintedReports, nowMs: number): PaintedCue[] {
  let told: PaintedCue[] = [];
  reports.flush(nowMs, (text) => {
    const { type, cues } = JSON.parse(text) as { type: string; cues: PaintedCue[] };
    assert.equal(type, "painted");
    told = cues;
    return true;
  });
  return told;
}

test("a cue that was known in time is reported with the first frame at or past its threshold, once", () => {
  const reports = new PaintedReports();
  reports.added([cue(1, 100_000)]);
  reports.presented(null, []);
  reports.presented(99_000, []);
  assert.deepEqual(flushed(reports, 0), []);
  reports.presented(99_000 + FRAME, [card(1)]);
  reports.presented(99_000 + 2 * FRAME, [card(1)]);
  assert.deepEqual(flushed(reports, 1), [{ seq: 1, pts: 102_000, late_ms: 0 }]);
  assert.deepEqual(flushed(reports, 5000), []);
});

test("a late cue is reported with the frame that should have shown it", () => {
  const reports = new PaintedReports();
  for (let frame = 0; frame < 10; frame++) reports.presented(99_000 + frame * FRAME, []);
  reports.added([cue(1, 100_000)]);
  reports.late(1, 288.9);
  reports.presented(99_000 + 10 * FRAME, [card(1)]);
  assert.deepEqual(flushed(reports, 0), [
    { seq: 1, pts: 129_000, first_pts: 102_000, late_ms: 289 },
  ]);
});

test("who joins later reports its first frame, and of cues that show no more nothing", () => {
  const reports = new PaintedReports();
  reports.added([cue(1, 1000), cue(2, 2000), cue(3, 3000, { op: "hide", card_id: "b" })]);
  reports.presented(900_000, [card(2)]);
  assert.deepEqual(
    flushed(reports, 0).map(({ seq, pts, first_pts }) => [seq, pts, first_pts]),
    [
      [2, 900_000, undefined],
      [3, 900_000, undefined],
    ],
  );
});

test("what is taken back is not reported, nor is what takes it back", () => {
  const reports = new PaintedReports();
  reports.added([cue(1, 1000)]);
  reports.added([cue(2, 1000, { op: "cancel", kind: "cue", payload: { seq: 1 } })]);
  reports.presented(1000, []);
  assert.deepEqual(flushed(reports, 0), []);
});

test("reports come once a second, of at most fifty cues, and wait while nobody takes them", () => {
  const reports = new PaintedReports();
  const many = Array.from({ length: 60 }, (_, n) => cue(n + 1, 1000, { op: "hide" }));
  reports.added(many);
  reports.presented(1000, []);
  reports.flush(0, () => false);
  assert.equal(flushed(reports, 1).length, 50);
  assert.equal(flushed(reports, 999).length, 0);
  assert.equal(flushed(reports, 1001).length, 10);
});

test("on another timeline nothing of before is reported", () => {
  const reports = new PaintedReports();
  reports.added([cue(1, 1000), cue(2, 9000)]);
  reports.presented(1000, [card(1)]);
  reports.reset();
  reports.presented(9000, [card(2)]);
  assert.deepEqual(flushed(reports, 0), []);
});
