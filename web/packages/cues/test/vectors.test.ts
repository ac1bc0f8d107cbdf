/** docs/spec/vectors: what the Rust encoder and fold do, this decoder and fold do too. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  decodeCue,
  decodeCueText,
  encodeBase64Url,
  encodeCue,
  Feed,
  parseMessage,
  readUserTexts,
  Timeline,
  type Cue,
} from "../src/index.ts";

interface CueVectors {
  valid: { name: string; cue: Cue; bytes: string; base64url: string }[];
  invalid: { name: string; bytes: string; field: string | null }[];
}

interface Shown {
  card_id: string;
  seq: number;
  rev: number;
  since: number;
  until: number | null;
}

interface FoldVector {
  name: string;
  cues: string[];
  states: { pts: number; cards: Shown[] }[];
  snapshots: { from: number; seqs: number[] }[];
}

interface EmsgVectors {
  cues: { name: string; cue: string; id3_hex: string }[];
  snapshots: { name: string; stream: string; cues: string[]; value: string; id3_hex: string }[];
}

interface ChannelVectors {
  snapshot: { stream: string; cues: string[]; text: string };
  cues: { cues: string[]; text: string };
  heartbeat: { text: string };
  refused: string[];
}

const cueVectors = read<CueVectors>("cue");
const foldVectors = read<FoldVector[]>("fold");
const emsgVectors = read<EmsgVectors>("emsg");
const channelVectors = read<ChannelVectors>("channel");

for (const { name, cue, bytes, base64url } of nonEmpty(cueVectors.valid)) {
  test(`cue: ${name}`, () => {
    const decoded = decodeCue(utf8(bytes));
    assert.equal(decoded.status, "cue", JSON.stringify(decoded));
    const { v: _version, ...said } = cue as Cue & { v: number };
    assert.deepEqual(decoded.cue, said);
    assert.equal(encodeCue(decoded.cue), bytes);
    assert.equal(encodeBase64Url(utf8(bytes)), base64url);
    assert.deepEqual(decodeCueText(base64url), decoded);
  });
}

for (const { name, bytes } of nonEmpty(cueVectors.invalid)) {
  test(`no cue: ${name}`, () => {
    assert.notEqual(decodeCue(utf8(bytes)).status, "cue");
  });
}

for (const { name, cues, states, snapshots } of nonEmpty(foldVectors)) {
  const decoded = cues.map(cueOf);

  test(`fold: ${name}`, () => {
    for (const order of [decoded, [...decoded].reverse()]) {
      const timeline = new Timeline();
      for (const cue of order) timeline.insert(cue);
      for (const { pts, cards } of nonEmpty(states)) assert.deepEqual(shown(timeline, pts), cards);
    }
  });

  test(`snapshots of: ${name}`, () => {
    for (const { from, seqs } of snapshots) {
      const timeline = new Timeline();
      timeline.insertSnapshot(
        from,
        decoded.filter((cue) => seqs.includes(cue.seq)),
      );
      // Whatever else comes again afterwards is settled.
      for (const cue of decoded) timeline.insert(cue);
      for (const { pts, cards } of states.filter((state) => state.pts >= from)) {
        assert.deepEqual(shown(timeline, pts), cards, `from ${String(from)} at ${String(pts)}`);
      }
    }
  });
}

for (const { name, cue, id3_hex } of nonEmpty(emsgVectors.cues)) {
  test(`in band: ${name}`, () => {
    const tag = hex(id3_hex);
    assert.deepEqual(readUserTexts(tag), [{ description: "dev.shopcast.cue", value: cue }]);
    const expected = cueOf(cue);
    assert.deepEqual(new Feed(expected.stream).inBand(tag).added, [expected]);
  });
}

for (const { name, stream, cues, value, id3_hex } of nonEmpty(emsgVectors.snapshots)) {
  test(`in-band snapshot: ${name}`, () => {
    const tag = hex(id3_hex);
    assert.deepEqual(readUserTexts(tag), [{ description: "dev.shopcast.snapshot", value }]);
    assert.deepEqual(new Feed(stream).inBand(tag).added, cues.map(cueOf));
  });
}

test("side channel: the three messages", () => {
  const { snapshot, cues, heartbeat } = channelVectors;
  const feed = new Feed(snapshot.stream);
  const { added } = feed.message(snapshot.text, 0);
  assert.deepEqual(added, snapshot.cues.map(cueOf));
  for (const { text } of [snapshot, cues, heartbeat]) {
    assert.deepEqual(parseMessage(text), JSON.parse(text));
  }
});

for (const text of nonEmpty(channelVectors.refused)) {
  test(`side channel refuses: ${text}`, () => {
    const { stream } = channelVectors.snapshot;
    assert.deepEqual(new Feed(stream).message(text, 0).added, []);
  });
}

function read<T>(name: string): T {
  // The test runner's working directory is web/.
  return JSON.parse(readFileSync(`../docs/spec/vectors/${name}.json`, "utf8")) as T;
}

/** An empty list of vectors would pass by testing nothing. */
function nonEmpty<T>(vectors: T[]): T[] {
  assert.ok(vectors.length > 0);
  return vectors;
}

function cueOf(text: string): Cue {
  const decoded = decodeCue(utf8(text));
  assert.equal(decoded.status, "cue");
  return decoded.cue;
}

function shown(timeline: Timeline, pts: number): Shown[] {
  return timeline
    .state(pts)
    .map(({ card_id, seq, rev, since, until }) => ({ card_id, seq, rev, since, until }));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}
