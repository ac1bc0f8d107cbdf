import assert from "node:assert/strict";
import { test } from "node:test";

import { frameTimes } from "../src/frame-times.ts";

/** A box of big-endian 32-bit words and other boxes. */
function box(type: string, ...content: (number | Uint8Array)[]): Uint8Array {
  const words = content.map((part) => {
    if (typeof part !== "number") return [...part];
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, part);
    return [...bytes];
  });
  const body = words.flat();
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, 8 + body.length);
  head.set(new TextEncoder().encode(type), 4);
  return new Uint8Array([...head, ...body]);
}

const join = (...boxes: Uint8Array[]): Uint8Array =>
  new Uint8Array(boxes.flatMap((one) => [...one]));

/** `tfdt` version 1 at 2^32 + 5, three samples of 3000 ticks with B-frames' compositions. */
const LONG = 2 ** 32 + 5;
const MOOF = box(
  "moof",
  box("mfhd", 0, 1),
  box(
    "traf",
    box("tfhd", 0x20000, 1),
    box("tfdt", 0x1000000, 1, 5),
    box("trun", 0xf01, 3, 100, ...[3000, 9, 0, 3000], ...[3000, 9, 0, 6000], ...[3000, 9, 0, 0]),
  ),
);

test("the times at which frames are shown, in order", () => {
  const part = join(box("emsg", 1, 2), MOOF, box("mdat", 0));
  assert.deepEqual(frameTimes(part), [LONG + 3000, LONG + 6000, LONG + 9000]);
  assert.equal(frameTimes(join(part, part)).length, 6, "a segment of two parts");
});

test("negative compositions, durations alone, and a second run", () => {
  const signed = box("trun", 0x1000900, 2, 1000, 0xffff_fc18, 1000, 0);
  const plain = box("trun", 0x100, 2, 500, 500);
  const moof = box("moof", box("traf", box("tfdt", 0, 7000), signed, plain));
  assert.deepEqual(frameTimes(moof), [6000, 8000, 9000, 9500]);
});

test("what is cut off, or has no durations, has no frames", () => {
  for (let length = 0; length < MOOF.length; length += 1) {
    assert.deepEqual(frameTimes(MOOF.subarray(0, length)), []);
  }
  assert.deepEqual(
    frameTimes(box("moof", box("traf", box("tfdt", 0, 7000), box("trun", 0x200, 1, 9)))),
    [],
  );
  assert.deepEqual(
    frameTimes(box("moof", box("traf", box("tfdt", 0, 7000), box("trun", 0x100, 1e9, 1)))),
    [],
  );
  assert.deepEqual(frameTimes(new Uint8Array([0, 0, 0, 0, 1, 2, 3, 4])), []);
});
