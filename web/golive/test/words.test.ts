import assert from "node:assert/strict";
import { test } from "node:test";

import { bitrate, elapsed, frameRate, milliseconds, percent, size } from "../../page/format.ts";
import { Lasting } from "../lasting.ts";
import { SILENT_DB, decibels, meterPosition } from "../level.ts";
import { keepToken, takeToken } from "../token.ts";
import { insecure, troubleOf } from "../trouble.ts";
import { named } from "./fakes.ts";

test("numbers are said as people say them", () => {
  assert.deepEqual([0, 7_900, 754_000, 3_723_000].map(elapsed), [
    "0:00",
    "0:07",
    "12:34",
    "1:02:03",
  ]);
  assert.deepEqual([null, 64_400, 999_499, 2_512_000].map(bitrate), [
    "–",
    "64 kbit/s",
    "999 kbit/s",
    "2.5 Mbit/s",
  ]);
  assert.deepEqual([size(null, null), size(720, 1280)], ["–", "720 × 1280"]);
  assert.deepEqual([null, 0, 0.42, 12.4].map(percent), ["–", "0 %", "0.4 %", "12 %"]);
  assert.deepEqual([frameRate(29.97), milliseconds(41.7)], ["30/s", "42 ms"]);
});

test("what lasts is told from what passes, and a page that slept begins anew", () => {
  const silence = new Lasting(5000);
  const read = (holds: boolean, seconds: number): boolean => silence.read(holds, seconds * 1000);
  assert.deepEqual(
    [read(true, 10), read(true, 12), read(true, 14), read(true, 15)],
    [false, false, false, true],
  );
  assert.equal(read(false, 16), false);
  assert.equal(read(true, 17), false);
  assert.equal(read(true, 60), false);
});

test("the meter is sixty decibels wide, and what is switched off is silent", () => {
  const samples = (value: number): Float32Array => new Float32Array(2048).fill(value);
  assert.equal(Math.round(decibels(samples(1))), 0);
  assert.equal(Math.round(decibels(samples(0.1))), -20);
  assert.ok(decibels(samples(0)) < SILENT_DB);
  assert.ok(decibels(samples(0.001)) > SILENT_DB);
  assert.deepEqual([0, -30, -60, -120, 6].map(meterPosition), [1, 0.5, 0, 0, 1]);
});

interface Place {
  hash: string;
  pathname: string;
  search: string;
}

interface Tab {
  take(hash: string): string | null;
  keep(token: string | null): void;
  shown: string[];
}

function tab(): Tab {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const shown: string[] = [];
  const history = { replaceState: (_: unknown, __: string, url: string) => void shown.push(url) };
  const place = (hash: string): Place => ({ hash, pathname: "/golive/show", search: "?a=1" });
  return {
    take: (hash) => takeToken(place(hash), history as History, storage),
    keep: (token) => {
      keepToken("/golive/show", token, storage);
    },
    shown,
  };
}

test("a token leaves the address bar and stays with the tab", () => {
  const { take, shown } = tab();
  assert.equal(take(""), null);
  assert.equal(take("#token=abc%2Fd+e=="), "abc/d+e==");
  assert.deepEqual(shown, ["/golive/show?a=1"]);
  assert.equal(take(""), "abc/d+e==");
  assert.equal(take("#token=new"), "new");
  assert.equal(takeToken({ hash: "", pathname: "/golive/x", search: "" }, history0, null), null);
});

test("a key that was typed stays with the tab until it is taken out again", () => {
  const { take, keep, shown } = tab();
  keep("typed");
  assert.equal(take(""), "typed");
  keep(null);
  assert.equal(take(""), null);
  keepToken("/golive/show", "nowhere", null);
  assert.deepEqual(shown, [], "it was never in the address");
});

test("what could not be sent as a token is none", () => {
  for (const hash of ["#token=", "#token=a%20b", "#token=%0A", "#token=%", "#token=\u00e9"]) {
    const taken = tab().take(hash);
    assert.ok(taken === null || taken === "%", hash);
  }
});

const history0 = { replaceState: () => undefined } as unknown as History;

test("every reason for no picture has a remedy", () => {
  for (const name of ["NotAllowedError", "NotFoundError", "NotReadableError", "AbortError"]) {
    for (const wanted of ["camera", "microphone"] as const) {
      assert.match(troubleOf(named(name), wanted)?.detail ?? "", /Try again|Plug one in/);
    }
  }
  assert.match(troubleOf(named("OverconstrainedError"), "camera")?.detail ?? "", /another one/);
  assert.match(troubleOf("nonsense", "camera")?.detail ?? "", /nonsense/);
});

test("a screen that was not chosen is no trouble, one that the system forbids is", () => {
  assert.equal(troubleOf(named("NotAllowedError"), "screen"), null);
  const forbidden = troubleOf(named("NotAllowedError", "Permission denied by system"), "screen");
  assert.match(forbidden?.detail ?? "", /Privacy/);
});

test("a page without TLS says where it would do", () => {
  const { detail } = insecure({ port: "8080", pathname: "/golive/show" });
  assert.match(detail, /https address/);
  assert.match(detail, /http:\/\/localhost:8080\/golive\/show\./);
});
