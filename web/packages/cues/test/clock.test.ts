import assert from "node:assert/strict";
import { test } from "node:test";

import { IngestClock, ServerClock } from "../src/index.ts";

test("the message with the shortest way decides", () => {
  const clock = new ServerClock();
  assert.equal(clock.utcMs(0), null);
  clock.sample(10_000, 1080);
  clock.sample(11_000, 2020);
  clock.sample(12_000, 3200);
  assert.equal(clock.utcMs(4000), 12_980);
});

test("a minute later it has followed a clock that drifts", () => {
  const clock = new ServerClock();
  clock.sample(0, 0);
  for (let second = 1; second <= 60; second += 1) clock.sample(second * 1000, second * 1000 + 50);
  assert.equal(clock.utcMs(100_050), 100_000);
});

test("a frame was taken in on the earliest line through the stamps", () => {
  const clock = new IngestClock();
  assert.equal(clock.utcMs(0), null);
  clock.sample(5000, 90_000);
  clock.sample(5960, 180_000);
  clock.sample(7010, 270_000);
  assert.equal(clock.utcMs(270_000), 6960);
  clock.reset();
  assert.equal(clock.utcMs(0), null);
});
