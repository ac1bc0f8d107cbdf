import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "@shopcast/api";

import { imageUrl } from "../src/image-url.ts";
import { NOTICES, noticeOf } from "../src/notice.ts";
import { withStereo } from "../src/whep-session.ts";

test("a card's picture comes by https or from the server itself", () => {
  const server = "http://127.0.0.1:8080";
  assert.equal(imageUrl("/player/products/mug.svg", server), `${server}/player/products/mug.svg`);
  assert.equal(imageUrl("https://cdn.example/mug.png", server), "https://cdn.example/mug.png");
  for (const image of [
    "http://cdn.example/mug.png",
    "//cdn.example/mug.png",
    "javascript:alert(1)",
    "data:image/svg+xml,<svg/>",
    "blob:http://127.0.0.1:8080/x",
    "https://",
  ]) {
    assert.equal(imageUrl(image, server), null, image);
  }
  assert.equal(imageUrl(null, server), null);
});

function refused(
  status: number,
  detail: string | null,
  retryAfterMs: number | null = null,
): ApiError {
  return new ApiError({ type: "about:blank", title: "Title", status, detail }, retryAfterMs);
}

test("a refusal is told in the server's words and looked at again, but not at once", () => {
  const detail = "The stream has B-frames. In OBS set x264 options to bframes=0.";
  const { notice, retryAfterMs } = noticeOf(refused(406, detail));
  assert.deepEqual([notice.status, notice.detail], ["refused", detail]);
  assert.equal(retryAfterMs, 10_000);
});

test("who may not watch is told so and what to do, and is not tried again", () => {
  for (const [status, title] of [
    [401, "This show needs a valid link"],
    [403, "Your link is not for this show"],
  ] as const) {
    const { notice, isFinal } = noticeOf(refused(status, "the token has expired"));
    assert.deepEqual([notice.status, notice.title, isFinal], ["refused", title, true]);
    assert.equal(
      notice.detail,
      "The token has expired. Open the show again from where you found it.",
    );
    assert.match(noticeOf(refused(status, null)).notice.detail ?? "", /^Open the show again/);
  }
  assert.notEqual(noticeOf(refused(422, "d")).isFinal, true);
});

test("what passes by itself is said in the words for it", () => {
  assert.equal(NOTICES.interrupted.status, "interrupted");
  assert.match(NOTICES.interrupted.title, /is interrupted/);
  assert.match(NOTICES.interrupted.detail ?? "", /will go on here/);
  assert.match(NOTICES.ended.title, /is over/);
  for (const status of [404, 409]) assert.equal(noticeOf(refused(status, null)).isOffAir, true);
  for (const status of [429, 503]) assert.notEqual(noticeOf(refused(status, null)).isOffAir, true);
});

test("no show yet, and a server that asks for patience, are waited for", () => {
  for (const status of [404, 409, 429, 503]) {
    const { notice, retryAfterMs } = noticeOf(refused(status, "d", 1500));
    assert.equal(notice.status, "waiting");
    assert.equal(retryAfterMs, 1500);
  }
});

test("a broken network and a broken server are interruptions", () => {
  assert.equal(noticeOf(new TypeError("fetch failed")).notice.status, "interrupted");
  assert.equal(noticeOf(refused(500, null)).notice.status, "interrupted");
});

test("stereo is asked for once, on Opus only", () => {
  const sdp = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "",
  ].join("\r\n");
  const stereo = withStereo(sdp);
  assert.equal(stereo, sdp.replace("minptime", "stereo=1;minptime"));
  assert.equal(withStereo(stereo), stereo);
  assert.equal(withStereo("v=0\r\n"), "v=0\r\n");
});
