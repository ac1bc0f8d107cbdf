import assert from "node:assert/strict";
import { test } from "node:test";

import { Timeline, type Cue } from "../src/index.ts";
import { cue, MUG } from "./make.ts";

function timeline(...parts: readonly Partial<Cue>[]): Timeline {
  const made = new Timeline();
  for (const [i, part] of parts.entries()) made.insert(cue({ seq: i + 1, ...part }));
  return made;
}

function ids(made: Timeline, pts: number): string {
  return made
    .state(pts)
    .map((card) => card.card_id)
    .join(" ");
}

test("a card holds from its threshold, end exclusive", () => {
  const made = timeline({ pts: 1000, duration: 500 });
  assert.equal(ids(made, 999), "");
  assert.equal(ids(made, 1000), "a");
  assert.equal(ids(made, 1499), "a");
  assert.equal(ids(made, 1500), "");
});

test("show replaces, and the card becomes the newest", () => {
  const made = timeline(
    { pts: 10, duration: 1000 },
    { pts: 20, card_id: "b" },
    { pts: 30, rev: 2, payload: { ...MUG, title: "Mug again" } },
  );
  assert.equal(ids(made, 25), "a b");
  assert.equal(ids(made, 30), "b a");
  const [, again] = made.state(5000);
  assert.deepEqual([again?.seq, again?.rev, again?.since, again?.until], [3, 2, 30, null]);
});

test("update replaces the payload, and the end only with a duration", () => {
  const made = timeline(
    { pts: 100, duration: 100 },
    { pts: 150, op: "update", rev: 2 },
    { pts: 160, op: "update", rev: 3, duration: 100 },
  );
  assert.deepEqual(
    made.state(150).map(({ seq, until, since }) => ({ seq, until, since })),
    [{ seq: 2, until: 200, since: 100 }],
  );
  assert.equal(made.state(259)[0]?.seq, 3);
  assert.equal(ids(made, 260), "");
});

test("update of a card that is not up does nothing", () => {
  const made = timeline(
    { pts: 100, duration: 100 },
    { pts: 200, op: "update", duration: 100 },
    { pts: 10, op: "update", card_id: "b" },
  );
  assert.equal(ids(made, 250), "");
});

test("hide takes one card down, clear all", () => {
  const made = timeline(
    { pts: 1 },
    { pts: 1, card_id: "b" },
    { pts: 5, op: "hide" },
    { pts: 9, op: "clear" },
    { pts: 9, card_id: "c" },
  );
  assert.equal(ids(made, 1), "a b");
  assert.equal(ids(made, 5), "b");
  assert.equal(ids(made, 9), "c");
});

test("cues at one pts are taken in the order of seq, whatever order they came in", () => {
  const made = timeline(
    { seq: 3, pts: 5, op: "hide" },
    { seq: 2, pts: 5 },
    { seq: 4, pts: 5, card_id: "b" },
  );
  assert.equal(ids(made, 5), "b");
});

test("a cue counts once however often it comes", () => {
  const made = timeline({ pts: 1 });
  assert.equal(made.insert(cue({ seq: 1, pts: 1 })), false);
  assert.equal(made.size, 1);
});

test("any order of arrival gives one state at every pts", () => {
  const random = generator(7);
  for (let round = 0; round < 60; round += 1) {
    const cues = Array.from({ length: 24 }, (_, i) => randomCue(random, i + 1));
    const inOrder = new Timeline();
    for (const one of cues) inOrder.insert(one);
    const shuffled = new Timeline();
    for (const one of [...cues].sort(() => random() - 0.5)) shuffled.insert(one);
    for (let pts = 0; pts < 260; pts += 1) {
      assert.deepEqual(
        shuffled.state(pts),
        inOrder.state(pts),
        `round ${String(round)} pts ${String(pts)}`,
      );
    }
  }
});

test("memory is bounded, and the state past the horizon stays what it was", () => {
  const random = generator(11);
  const bounded = new Timeline();
  const all: Cue[] = [];
  for (let seq = 1; seq <= 5000; seq += 1) {
    const one = { ...randomCue(random, seq), pts: seq * 10 };
    all.push(one);
    bounded.insert(one);
  }
  assert.ok(bounded.size <= 2048);
  const reference = new ReferenceFold(all);
  for (let pts = 42_000; pts < 50_200; pts += 7) {
    assert.deepEqual(
      bounded.state(pts).map((card) => [card.card_id, card.seq, card.until]),
      reference.state(pts),
    );
  }
  assert.equal(
    bounded.insert(cue({ seq: 9999, pts: 10 })),
    false,
    "what is settled is not taken in again",
  );
});

test("a snapshot settles everything at or before its start", () => {
  const made = timeline(
    { seq: 1, pts: 100, card_id: "stale" },
    { seq: 5, pts: 900, card_id: "later" },
  );
  const added = made.insertSnapshot(500, [
    cue({ seq: 3, pts: 300, card_id: "kept" }),
    cue({ seq: 5, pts: 900, card_id: "later" }),
  ]);
  assert.deepEqual(
    added.map(({ seq }) => seq),
    [3],
  );
  assert.equal(ids(made, 500), "kept");
  assert.equal(ids(made, 900), "kept later");
  assert.equal(made.insert(cue({ seq: 2, pts: 200, card_id: "risen" })), false);
});

/** The fold written the slow, obvious way. */
class ReferenceFold {
  readonly #cues: readonly Cue[];

  constructor(cues: readonly Cue[]) {
    this.#cues = [...cues].sort((a, b) => a.pts - b.pts || a.seq - b.seq);
  }

  state(pts: number): [string, number, number | null][] {
    let cards: { id: string; seq: number; until: number | null }[] = [];
    for (const one of this.#cues.filter((c) => c.pts <= pts)) {
      cards = cards.filter((card) => card.until === null || one.pts < card.until);
      const end = one.duration === null ? null : one.pts + one.duration;
      const card = cards.find(({ id }) => id === one.card_id);
      if (one.op === "clear") cards = [];
      if (one.op === "hide" || one.op === "show") cards = cards.filter((c) => c !== card);
      if (one.op === "show") cards.push({ id: one.card_id, seq: one.seq, until: end });
      if (one.op === "update" && card)
        Object.assign(card, { seq: one.seq, until: end ?? card.until });
    }
    return cards
      .filter((card) => card.until === null || pts < card.until)
      .map(({ id, seq, until }) => [id, seq, until]);
  }
}

function randomCue(random: () => number, seq: number): Cue {
  const op =
    (["show", "show", "update", "update", "hide", "clear"] as const)[Math.floor(random() * 6)] ??
    "show";
  const hasPayload = op === "show" || op === "update";
  return cue({
    seq,
    op,
    pts: Math.floor(random() * 200),
    card_id: op === "clear" ? "" : "abcd".charAt(Math.floor(random() * 4)),
    duration: hasPayload && random() < 0.5 ? 90 + Math.floor(random() * 60) : null,
  });
}

/** mulberry32: the same numbers on every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
