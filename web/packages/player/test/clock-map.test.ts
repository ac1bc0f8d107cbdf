import assert from "node:assert/strict";
import { test } from "node:test";

import { MediaTimeMap, ptsFromRtp } from "../src/clock-map.ts";

test("an RTP timestamp gives back the pts, across wraps and for any offset", () => {
  for (const offset of [0, 1, 123, 0x7fffffff, 0x80000000, 0xffffffff]) {
    for (const pts of [0, 900_000, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 900_001, 5 * 2 ** 32 + 77]) {
      const rtp = (pts + offset) % 2 ** 32;
      for (const away of [0, 3000, -3000, 90_000 * 3600, -90_000 * 3600]) {
        assert.equal(ptsFromRtp(rtp, offset, pts + away), pts);
      }
    }
  }
});

/** What Chromium makes of a time in seconds: whole microseconds, cut off towards zero. */
function micros(seconds: number): number {
  return Math.trunc(seconds * 1e6);
}

test("the tick survives a browser that counts in microseconds", () => {
  // Frame grids in ticks, among them those that are no whole number of microseconds.
  const grids = [750, 1500, 1501.5, 3000, 3003, 3600, 3750, 3753.75];
  // Where the stream's timeline stands and where hls.js put it: -(start - timeOffset * 90000) / 90000.
  const starts = [900_000, 900_000 + 7, 123_456_789, 86_400 * 30 * 90_000 + 1];
  const places = [0, 6.006006, 12.345678901];
  for (const grid of grids) {
    for (const start of starts) {
      for (const place of places) {
        const offset = -(start - place * 90_000) / 90_000;
        const map = new MediaTimeMap();
        map.add(place, place + 1e9, offset);
        for (let n = 0; n < 500; n += 1) {
          const pts = start + Math.round(n * grid);
          const mediaTime = (micros(pts / 90_000) + micros(offset)) / 1e6;
          assert.equal(map.ptsAt(mediaTime), pts);
          // hls.js leaves an offset alone that is off by less than a microsecond.
          const off = (micros(pts / 90_000) + micros(offset + 0.9e-6)) / 1e6;
          assert.equal(map.ptsAt(off), pts);
        }
      }
    }
  }
});

test("with B-frames parts overlap, and every frame is itself", () => {
  // I P B B P | B B P B B in the order of decoding.
  const map = new MediaTimeMap();
  const frames = (numbers: readonly number[]): number[] => numbers.map((n) => n * 3000);
  map.add(0, 7 / 30, 0, frames([0, 1, 2, 3, 6]));
  map.add(4 / 30, 10 / 30, 0, frames([4, 5, 7, 8, 9]));
  for (let n = 0; n < 10; n += 1) assert.equal(map.ptsAt(micros(n / 30) / 1e6), n * 3000);
  assert.equal(map.ptsAt(6.5 / 30), 6 * 3000, "and a time within a frame is that frame's");
});

test("each discontinuity keeps its own place, also when the first is sought again", () => {
  const map = new MediaTimeMap();
  assert.equal(map.ptsAt(0), null);
  for (let part = 0; part < 6; part += 1) map.add(part, part + 1, -10);
  // The publisher came back after 100 s of wall clock; media time goes on without a gap.
  for (let part = 6; part < 9; part += 1) map.add(part, part + 1, -110);
  assert.equal(map.ptsAt(5.96), 15.96 * 90_000);
  assert.equal(map.ptsAt(6), 116 * 90_000);
  assert.equal(
    map.ptsAt(5.999_999),
    116 * 90_000 - 0,
    "the first frame may lie a hair before its start",
  );
  assert.equal(map.ptsAt(0), 10 * 90_000);
  assert.equal(map.ptsAt(8.5), 118.5 * 90_000);
});

test("what is appended again at another place replaces what was there", () => {
  const map = new MediaTimeMap();
  map.add(0, 2, -10);
  map.add(2, 4, -10);
  map.add(2, 4, -50);
  assert.equal(map.ptsAt(1), 11 * 90_000);
  assert.equal(map.ptsAt(3), 53 * 90_000);
});

test("a show of many reconnects does not grow without end", () => {
  const map = new MediaTimeMap();
  for (let n = 0; n < 1000; n += 1) map.add(n, n + 1, -n * 10 - 1);
  assert.equal(map.ptsAt(999.5), (999.5 + 9991) * 90_000);
  assert.equal(map.ptsAt(5), null);
});

test("where a seek ends the frame is the last one at or before the time that was sought", () => {
  const map = new MediaTimeMap();
  map.add(0, 1, -10, [900_000, 903_000, 906_000]);
  map.add(1, 2, -10, [990_000, 993_000]);
  const at = (pts: number): number | null => map.ptsAt(pts / 90_000 - 10);
  assert.equal(at(905_998), 903_000);
  assert.equal(at(906_000), 906_000);
  // The browser's microseconds leave a frame its own tick.
  assert.equal(map.ptsAt(0.033_333), 903_000);
  assert.equal(at(992_998), 990_000);
  // Sought again after it was thrown away: the same frames once more.
  map.add(0, 1, -10, [900_000, 903_000, 906_000]);
  assert.equal(at(994_000), 993_000);
  assert.equal(at(904_000), 903_000);
  // Of media that were not read nothing is made up.
  assert.equal(at(1_200_000), 1_200_000);
});
