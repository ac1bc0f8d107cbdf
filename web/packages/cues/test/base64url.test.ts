import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeBase64Url, encodeBase64Url } from "../src/index.ts";

test("round trips every length", () => {
  for (let length = 0; length < 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length * 11) & 0xff);
    const text = encodeBase64Url(bytes);
    assert.equal(text, Buffer.from(bytes).toString("base64url"));
    assert.deepEqual(decodeBase64Url(text), bytes);
  }
});

test("accepts only what an encoder writes", () => {
  // A padded text, the other alphabet, white space, an impossible length, pad bits that are not zero.
  for (const text of ["QQ==", "+/+/", "-_ -", "AAAAA", "QR", "QUJ", "é"]) {
    assert.equal(decodeBase64Url(text), null, text);
  }
});
