import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeCue, decodeCueText, encodeCue, type Decoded } from "../src/index.ts";
import { cue, cueText, MUG } from "./make.ts";

function decodeJson(json: unknown): Decoded {
  return decodeCue(
    new TextEncoder().encode(typeof json === "string" ? json : JSON.stringify(json)),
  );
}

const WIRE =
  '{"v":1,"stream":"demo","epoch":1,"seq":7,"card_id":"c1","rev":1,"op":"show","pts":123456,' +
  '"duration":900000,"kind":"product","payload":{"sku":"A1","title":"Mug","price":{"minor":1299,' +
  '"currency":"EUR"},"prior_price":null,"image":null,"stock":5}}';

test("reads the wire form and writes it again byte for byte", () => {
  const decoded = decodeJson(WIRE);
  assert.equal(decoded.status, "cue");
  assert.deepEqual(decoded.cue, cue({ seq: 7, card_id: "c1", pts: 123_456, duration: 900_000 }));
  assert.equal(encodeCue(decoded.cue), WIRE);
});

test("reads base64url text", () => {
  const decoded = decodeCueText(cueText({ op: "hide" }));
  assert.equal(decoded.status, "cue");
  assert.deepEqual(decoded.cue, cue({ op: "hide" }));
});

test("leaves a newer version and an unknown kind alone, and still knows their seq", () => {
  const json = JSON.parse(WIRE) as Record<string, unknown>;
  assert.deepEqual(decodeJson({ ...json, v: 2, shape: "new" }), {
    status: "ignored",
    seq: 7,
    reason: "a newer version",
  });
  assert.deepEqual(decodeJson({ ...json, kind: "lottery", payload: { question: "?" } }), {
    status: "ignored",
    seq: 7,
    reason: "an unknown kind",
  });
});

const json = JSON.parse(WIRE) as Record<string, unknown>;
const product = (parts: object): object => ({ ...json, payload: { ...MUG, ...parts } });

const MALFORMED: Readonly<Record<string, unknown>> = {
  "not JSON": "{",
  "an array": [],
  null: null,
  "white space": WIRE.replace(":", ": "),
  "another key order": { seq: 7, ...json },
  "a repeated key": WIRE.replace('"seq":7', '"seq":7,"seq":7'),
  "a number with an exponent": WIRE.replace("123456", "123456e0"),
  "an escape that is not needed": WIRE.replace("Mug", "\\u004dug"),
  "a missing key": WIRE.replace('"duration":900000,', ""),
  "an unknown key": { ...json, note: 1 },
  "an unknown key in the payload": product({ note: 1 }),
  "version 0": { ...json, v: 0 },
  "a text version": { ...json, v: "1" },
  "seq 0": { ...json, seq: 0 },
  "seq past 2^53": WIRE.replace('"seq":7', '"seq":9007199254740993'),
  "a negative pts": { ...json, pts: -1 },
  "a fraction": { ...json, pts: 1.5 },
  "an unknown op": { ...json, op: "blink" },
  "a show without a payload": { ...json, payload: null },
  "a hide with a payload": { ...json, op: "hide", duration: null },
  "a hide with a duration": { ...json, op: "hide", kind: null, payload: null },
  "a clear that names a card": { ...json, op: "clear", duration: null, kind: null, payload: null },
  "a card with a space": { ...json, card_id: "a b" },
  "a currency in small letters": product({ price: { minor: 1, currency: "eur" } }),
  "a negative price": product({ price: { minor: -1, currency: "EUR" } }),
  "a prior price in other money": product({ prior_price: { minor: 1, currency: "USD" } }),
  "a script for a picture": product({ image: "javascript:alert(1)" }),
  "a picture of another origin by form": product({ image: "//evil.example/x" }),
  "a title that reads backwards": product({ title: "Mug \u202e99.1" }),
  "a blank title": product({ title: " \u00a0" }),
  "a title past 120 characters": product({ title: "x".repeat(121) }),
  "more than 1024 bytes": product({ title: "é".repeat(120), image: `/${"x".repeat(900)}` }),
};

for (const [what, input] of Object.entries(MALFORMED)) {
  test(`refuses ${what}`, () => {
    assert.equal(decodeJson(input).status, "malformed");
  });
}

test("refuses bytes that are not UTF-8", () => {
  const bytes = new TextEncoder()
    .encode(WIRE.replace("Mug", "M~g"))
    .map((b) => (b === 0x7e ? 0xff : b));
  assert.equal(decodeCue(bytes).status, "malformed");
});

test("a key named like the prototype's is only an unknown key", () => {
  const source = WIRE.replace('{"v":1', '{"__proto__":{"v":1},"v":1');
  assert.equal(decodeJson(source).status, "malformed");
});
