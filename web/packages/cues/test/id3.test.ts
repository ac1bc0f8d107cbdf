import assert from "node:assert/strict";
import { test } from "node:test";

import { readUserTexts } from "../src/index.ts";
import { userTextTag } from "./make.ts";

test("reads a frame longer than one synchsafe byte", () => {
  const value = "ü".repeat(300);
  assert.deepEqual(readUserTexts(userTextTag("d", value)), [{ description: "d", value }]);
});

test("a tag cut anywhere gives nothing and never throws", () => {
  const tag = userTextTag("dev.shopcast.cue", "{}");
  for (let length = 0; length < tag.length; length += 1) {
    assert.deepEqual(readUserTexts(tag.subarray(0, length)), []);
  }
});

test("other versions, other frames and other encodings are left alone", () => {
  const change = (at: number, byte: number): Uint8Array => {
    const tag = userTextTag("d", "v");
    tag[at] = byte;
    return tag;
  };
  assert.deepEqual(readUserTexts(change(3, 3)), [], "ID3v2.3");
  assert.deepEqual(readUserTexts(change(10, 0x55)), [], "not TXXX");
  assert.deepEqual(readUserTexts(change(20, 1)), [], "UTF-16");
});
