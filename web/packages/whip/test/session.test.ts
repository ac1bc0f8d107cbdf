import assert from "node:assert/strict";
import { test } from "node:test";

import { WhipSession } from "../src/session.ts";
import { FakeBrowser, created, h264, settle, track } from "../../webrtc/test/fakes.ts";

const ENDPOINT = "https://live.example/whip/show";
const MEDIA = { video: track("video"), audio: track("audio") };
const IDLE = { onConnected: () => undefined, onLost: () => undefined };

async function open(browser: FakeBrowser, token: string | null = null): Promise<WhipSession> {
  const session = new WhipSession(browser, { endpoint: ENDPOINT, token }, IDLE);
  await session.open(MEDIA);
  return session;
}

test("the offer goes out as SDP, without candidates and without a token that is not there", async () => {
  const browser = new FakeBrowser(created());
  (await open(browser)).close();
  const [post] = browser.posts();
  assert.deepEqual(
    [post?.method, post?.url, post?.headers],
    ["POST", ENDPOINT, { "content-type": "application/sdp" }],
  );
  assert.match(
    post?.body ?? "",
    /a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n/,
  );
  assert.doesNotMatch(post?.body ?? "", /video-orientation/);
  // What the browser gets is its own offer; some refuse any other.
  assert.ok(browser.peer.calls.includes("local"));
});

test("a token goes with every request, and into no address", async () => {
  const browser = new FakeBrowser(created());
  (await open(browser, "s3cret")).close();
  await settle();
  assert.deepEqual(
    browser.requests.map(({ method }) => method),
    ["POST", "DELETE"],
  );
  for (const { headers, url } of browser.requests) {
    assert.equal(headers["authorization"], "Bearer s3cret");
    assert.ok(!url.includes("s3cret"));
  }
});

test("H.264 is offered first", async () => {
  const browser = new FakeBrowser(created());
  const vp8 = { mimeType: "video/VP8", clockRate: 90_000 };
  browser.codecs = [vp8, h264("42001f"), h264("42e01f")];
  (await open(browser)).close();
  assert.deepEqual(browser.peer.preferred, [h264("42e01f"), h264("42001f"), vp8]);
});
