/** The judge of the cue test is itself judged: an honest log passes, and every way of cheating is seen. Needs no server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cardsAt, firstArrivals, judge } from './lib/invariant.mjs';

const FRAME = 3000;
const pts = (counter) => 900_000 + counter * FRAME;
const show = (seq, card_id, counter, frames = null) =>
  ({ seq, card_id, op: 'show', pts: pts(counter), duration: frames === null ? null : frames * FRAME });

/** Thresholds between frames, on a frame, with and without an end, an update, a hide and a clear. */
const cues = [
  { ...show(1, 'mug', 30), pts: pts(30) - 1 },
  show(2, 'lamp', 40, 20),
  { seq: 3, card_id: 'mug', op: 'update', pts: pts(50), duration: null },
  { seq: 4, card_id: 'mug', op: 'hide', pts: pts(70) + 10, duration: null },
  show(5, 'vase', 80),
  { seq: 6, card_id: '', op: 'clear', pts: pts(95), duration: null },
];
const table = new Map(Array.from({ length: 120 }, (_, n) => [n, pts(n)]));

/** A log of a perfect player; `spoil` changes one frame of it. */
function log(spoil = () => {}) {
  return Array.from({ length: 120 }, (_, counter) => {
    const dom = cardsAt(cues, pts(counter));
    const frame = { counter, t: counter * 33, presented: counter + 1, skipped: null, dom,
      state: { pts: pts(counter), cards: dom.map((card_id) => ({ card_id, seq: 1, rev: 1 })) } };
    spoil(frame);
    return frame;
  });
}

const verdictOn = (frames, arrivals = new Map()) => judge({ frames, cues, table, arrivals });
const setCards = (frame, ids) => {
  frame.dom = ids;
  frame.state.cards = ids.map((card_id) => ({ card_id, seq: 1, rev: 1 }));
};

test('the fold: thresholds, ends, hides and clears', () => {
  assert.deepEqual(cardsAt(cues, pts(29)), []);
  assert.deepEqual(cardsAt(cues, pts(30)), ['mug']);
  assert.deepEqual(cardsAt(cues, pts(40)), ['lamp', 'mug']);
  assert.deepEqual(cardsAt(cues, pts(60) - 1), ['lamp', 'mug']);
  assert.deepEqual(cardsAt(cues, pts(60)), ['mug']);
  assert.deepEqual(cardsAt(cues, pts(70)), ['mug']);
  assert.deepEqual(cardsAt(cues, pts(71)), []);
  assert.deepEqual(cardsAt(cues, pts(94)), ['vase']);
  assert.deepEqual(cardsAt(cues, pts(95)), []);
});

test('an honest log passes, every frame read', () => {
  const verdict = verdictOn(log());
  assert.deepEqual(verdict.violations, []);
  assert.equal(verdict.read, 120);
  assert.equal(verdict.presented, 120);
  assert.deepEqual([...verdict.shown], [['mug', 30], ['lamp', 40], ['vase', 80]]);
});

describe('what is not so is seen', () => {
  const cases = {
    'one frame early': [(f) => f.counter === 29 && setCards(f, ['mug']), 29],
    'one frame late': [(f) => f.counter === 40 && setCards(f, ['mug']), 40],
    'one frame too long': [(f) => f.counter === 60 && setCards(f, ['lamp', 'mug']), 60],
    'not hidden': [(f) => f.counter === 71 && setCards(f, ['mug']), 71],
    'gone for a frame': [(f) => f.counter === 50 && setCards(f, ['lamp']), 50],
    'a card nobody inserted': [(f) => f.counter === 10 && setCards(f, ['forged']), 10],
    'shown twice': [(f) => f.counter === 90 && (f.dom = ['vase', 'vase']), 90],
    'told otherwise than shown': [(f) => f.counter === 90 && (f.dom = []), 90],
    'named by another frame’s pts': [(f) => f.counter === 10 && (f.state.pts += FRAME), 10],
  };
  for (const [name, [spoil, counter]] of Object.entries(cases)) {
    test(name, () => {
      const { violations } = verdictOn(log(spoil));
      assert.ok(violations.length >= 1);
      assert.ok(violations.every((text) => text.startsWith(`frame ${counter}`)), violations.join('\n'));
    });
  }
});

test('a late cue is excused until it arrives, counted, and not a frame longer', () => {
  const without = (until) => log((f) => f.counter >= 40 && f.counter < until && setCards(f, ['mug']));
  const arrivals = new Map([[2, 43 * 33 - 5]]);
  const applied = verdictOn(without(43), arrivals);
  assert.deepEqual(applied.violations, []);
  assert.deepEqual([...applied.late].map(([seq, { frames }]) => [seq, frames]), [[2, 3]]);
  assert.equal(verdictOn(without(44), arrivals).violations.length, 1);
});

test('frames that could not be read are counted, not passed', () => {
  const verdict = verdictOn(log((f) => f.counter % 4 === 0 && (f.counter = null, f.skipped = 'busy')));
  assert.equal(verdict.read, 90);
  assert.deepEqual(verdict.unread, { busy: 30 });
  const silent = verdictOn(log((f) => f.counter < 10 && (f.state = null)));
  assert.equal(silent.silent, 10);
});

test('arrivals are read from snapshots and deltas, the first one counts', () => {
  const cue = (seq) => Buffer.from(JSON.stringify({ v: 1, seq })).toString('base64url');
  const message = (type, ...seqs) => JSON.stringify({ type, cues: seqs.map(cue) });
  const arrivals = firstArrivals([
    { t: 5, via: 'whep', text: message('snapshot', 1) }, { t: 6, via: 'hls', text: message('cues', 2) },
    { t: 7, via: 'whep', text: message('cues', 1, 2) }, { t: 8, via: 'whep', text: 'no json' },
    { t: 9, via: 'whep', text: JSON.stringify({ type: 'heartbeat' }) },
  ], 'whep');
  assert.deepEqual([...arrivals], [[1, 5], [2, 7]]);
});
