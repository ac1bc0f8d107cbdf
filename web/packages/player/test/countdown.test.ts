import assert from "node:assert/strict";
import { test } from "node:test";

import { timeLeft } from "../src/countdown.ts";

const SECOND = 90_000;

test("a clock reads 0:01 to the last frame before the end, and never a negative time", () => {
  assert.equal(timeLeft(65 * SECOND), "Ends in 1:05");
  assert.equal(timeLeft(65 * SECOND - 1), "Ends in 1:05");
  assert.equal(timeLeft(64 * SECOND), "Ends in 1:04");
  assert.equal(timeLeft(1), "Ends in 0:01");
  assert.equal(timeLeft(0), "Ended");
  assert.equal(timeLeft(-5 * SECOND), "Ended");
  assert.equal(timeLeft((3 * 3600 + 7 * 60 + 9) * SECOND), "Ends in 3:07:09");
});
