/** docs/spec/vectors/sei.json: what the Rust reader finds in access units, this reader finds too. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodeCue, readSei, SEI_UUID, type SeiMessage, type SeiSyntax } from "../src/index.ts";

interface Vectors {
  uuid: string;
  messages: { name: string; syntax: SeiSyntax; nal_hex: string; message: Said }[];
  access_units: {
    name: string;
    syntax: SeiSyntax;
    lengths_hex: string;
    annex_b_hex: string;
    found: string[];
  }[];
  invalid: { name: string; syntax: SeiSyntax; nal_hex: string; element: string }[];
}

type Said =
  | { type: "cue"; cue: string }
  | { type: "reference"; seq: number; pts: number; hash: string }
  | {
      type: "snapshot";
      epoch: number;
      seq: number;
      pts: number;
      cues?: string[];
      references?: { seq: number; hash: string }[];
    };

// The test runner's working directory is web/.
const vectors = JSON.parse(readFileSync("../docs/spec/vectors/sei.json", "utf8")) as Vectors;
assert.ok(vectors.messages.length > 0 && vectors.access_units.length > 0);
assert.ok(vectors.invalid.length > 0);

test("the UUID is the one of the vectors", () => {
  assert.equal(Buffer.from(SEI_UUID).toString("hex"), vectors.uuid);
});

for (const { name, syntax, nal_hex, message } of vectors.messages) {
  test(`message: ${name}`, () => {
    const nal = hex(nal_hex);
    const expected = [read(message)];
    assert.deepEqual(readSei(framed(nal), syntax, "lengths"), expected);
    assert.deepEqual(readSei(Buffer.concat([START, nal]), syntax, "annexb"), expected);
  });
}

for (const { name, syntax, lengths_hex, annex_b_hex, found } of vectors.access_units) {
  test(`access unit: ${name}`, () => {
    const expected = found.map((one) => {
      const vector = vectors.messages.find((message) => message.name === one);
      assert.ok(vector, one);
      return read(vector.message);
    });
    assert.deepEqual(readSei(hex(lengths_hex), syntax, "lengths"), expected);
    assert.deepEqual(readSei(hex(annex_b_hex), syntax, "annexb"), expected);
    // A start code at the very end begins nothing.
    const open = Buffer.concat([hex(annex_b_hex), START]);
    assert.deepEqual(readSei(open, syntax, "annexb"), expected);
  });
}

for (const { name, syntax, nal_hex, element } of vectors.invalid) {
  test(`no message: ${name}`, () => {
    const good = vectors.messages.find((message) => message.syntax === syntax);
    assert.ok(good);
    const unit = Buffer.concat([framed(hex(nal_hex)), framed(hex(good.nal_hex))]);
    const [bad, after, ...more] = readSei(unit, syntax, "lengths");
    assert.equal(bad?.type, "malformed");
    if (!["canonical", "v"].includes(element)) assert.ok(bad.reason.includes(element), bad.reason);
    assert.deepEqual([after, more], [read(good.message), []], "and it hides no other");
  });
}

test("any bytes are read or refused", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let n = 0; n < 20_000; n += 1) {
    const vector = vectors.messages[random(vectors.messages.length)];
    assert.ok(vector);
    const unit = framed(hex(vector.nal_hex));
    for (let change = random(4); change >= 0; change -= 1) {
      unit[random(unit.length)] = [0, 1, 3, 0x80, 0xff, random(256)][random(6)] ?? 0;
    }
    const cut = unit.subarray(0, random(unit.length + 1));
    for (const framing of ["lengths", "annexb"] as const) readSei(cut, vector.syntax, framing);
  }
});

function read(said: Said): SeiMessage {
  const cue = (text: string) => {
    const decoded = decodeCue(new TextEncoder().encode(text));
    assert.equal(decoded.status, "cue");
    return decoded;
  };
  if (said.type === "cue") return { type: "cue", decoded: cue(said.cue) };
  if (said.type === "reference") return said;
  const { cues = [], references = [] } = said;
  return { ...said, cues: cues.map(cue), references };
}

function framed(nal: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(nal.length);
  return Buffer.concat([length, nal]);
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const START = Buffer.from([0, 0, 1]);
