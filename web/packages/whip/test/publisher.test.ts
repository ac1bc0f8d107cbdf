import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { WhipPublisher, type Media, type Notice } from "../src/index.ts";
import { FakeBrowser, created, h264, problem, settle, track } from "../../webrtc/test/fakes.ts";

const ENDPOINT = "https://live.example/whip/show";
const TARGET = { endpoint: ENDPOINT, token: null };

interface Stage {
  readonly browser: FakeBrowser;
  readonly publisher: WhipPublisher;
  readonly notices: Notice[];
  /** The status and the words of the newest notice. */
  said(): string;
}

function stage(t: TestContext, browser = new FakeBrowser(created())): Stage {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const notices: Notice[] = [];
  const publisher = new WhipPublisher(
    browser,
    (notice) => notices.push(notice),
    () => 0,
  );
  const said = (): string => {
    const { status = "", title = "", detail = null } = notices.at(-1) ?? {};
    return [status, title, detail].filter((part) => part !== null && part !== "").join(" | ");
  };
  return { browser, publisher, notices, said };
}

async function pass(t: TestContext, ms: number): Promise<void> {
  t.mock.timers.tick(ms);
  await settle();
}

async function goLive(
  { browser, publisher }: Stage,
  media: Media = { video: track("video"), audio: track("audio") },
): Promise<void> {
  publisher.start(TARGET, media);
  await settle();
  browser.peer.become("connected");
}

test("offers, is answered, and is live once connected", async (t) => {
  const s = stage(t);
  s.publisher.start(TARGET, { video: track("video"), audio: track("audio") });
  assert.equal(s.said(), "connecting | Connecting…");
  await settle();
  assert.deepEqual(s.browser.peer.calls, [
    "sendonly audio",
    "sendonly video",
    "posted",
    "local",
    "remote",
  ]);
  assert.equal(s.publisher.liveSinceMs, null);
  await pass(t, 300);
  s.browser.peer.become("connected");
  assert.equal(s.said(), "live");
  assert.equal(s.publisher.liveSinceMs, 300);
  await pass(t, 60_000);
  assert.deepEqual([s.said(), s.browser.posts().length], ["live", 1]);
});

test("stopping deletes the session, once, at the address relative to the endpoint", async (t) => {
  const s = stage(t);
  await goLive(s);
  s.publisher.stop();
  s.publisher.stop();
  await settle();
  assert.equal(s.said(), "idle");
  assert.deepEqual(
    s.browser.deletes().map(({ url, keepalive }) => [url, keepalive]),
    [["https://live.example/whip/show/session-1", true]],
  );
  assert.deepEqual([s.browser.peer.connectionState, s.publisher.liveSinceMs], ["closed", null]);
});

test("stopping while the answer is on its way deletes what the answer made", async (t) => {
  let arrive = (_: Response): void => undefined;
  const browser = new FakeBrowser(() => new Promise((resolve) => (arrive = resolve)));
  const s = stage(t, browser);
  s.publisher.start(TARGET, { video: track("video"), audio: null });
  await settle();
  s.publisher.stop();
  arrive(new Response("v=0\r\n", { status: 201, headers: { location: "s" } }));
  await settle();
  assert.equal(browser.deletes()[0]?.url, "https://live.example/whip/s");
  assert.equal(s.said(), "idle");
  assert.ok(!browser.peer.calls.includes("local"));
});

test("a failed connection is deleted and made again, and the time on air goes on", async (t) => {
  const s = stage(t);
  await goLive(s);
  await pass(t, 20_000);
  s.browser.peer.become("failed");
  assert.equal(s.said(), "reconnecting | Connection lost | Trying again in 1 s.");
  assert.equal(s.browser.deletes().length, 1);
  await pass(t, 1000);
  assert.equal(s.said(), "reconnecting | Connecting again…");
  s.browser.peer.become("connected");
  assert.equal(s.said(), "live");
  assert.deepEqual([s.browser.peers.length, s.publisher.liveSinceMs], [2, 0]);
});

test("a short break is waited out, a long one is not", async (t) => {
  const s = stage(t);
  await goLive(s);
  s.browser.peer.become("disconnected");
  await pass(t, 3999);
  s.browser.peer.become("connected");
  await pass(t, 5000);
  assert.equal(s.said(), "live");
  s.browser.peer.become("disconnected");
  await pass(t, 4000);
  assert.match(s.said(), /^reconnecting \| Connection lost/);
});

test("a server that ends the session closes DTLS, and is asked again", async (t) => {
  const s = stage(t);
  await goLive(s);
  const { transport } = s.browser.peer.video[0] ?? assert.fail();
  transport.state = "closed";
  transport.dispatchEvent(new Event("statechange"));
  assert.match(s.said(), /^reconnecting/);
});

test("a server that restarts is asked again after 1, 2, 4, 8 and 8 s", async (t) => {
  const s = stage(t);
  await goLive(s);
  s.browser.answer(() => new TypeError("fetch failed"));
  s.browser.peer.become("failed");
  for (const seconds of [1, 2, 4, 8, 8]) {
    assert.match(s.said(), new RegExp(`Trying again in ${String(seconds)} s\\.$`));
    const before = s.browser.posts().length;
    await pass(t, seconds * 1000 - 1);
    assert.equal(s.browser.posts().length, before);
    await pass(t, 1);
    assert.equal(s.browser.posts().length, before + 1);
  }
  assert.match(s.said(), /^reconnecting \| The server cannot be reached/);
  s.browser.answer(created());
  await pass(t, 8000);
  s.browser.peer.become("connected");
  assert.equal(s.said(), "live");
});

test("the wait begins small again only after a connection that held", async (t) => {
  const s = stage(t);
  await goLive(s);
  const waits = async (liveMs: number): Promise<string> => {
    await pass(t, liveMs);
    s.browser.peer.become("failed");
    const wait = /in (\d+) s/.exec(s.said())?.[1] ?? "";
    await pass(t, 9000);
    s.browser.peer.become("connected");
    return wait;
  };
  assert.deepEqual(
    [await waits(9999), await waits(0), await waits(500), await waits(10_000)],
    ["1", "2", "4", "1"],
  );
});

test("a network that is back is used at once", async (t) => {
  const s = stage(t, new FakeBrowser(() => new TypeError("fetch failed"), created()));
  s.publisher.hurry();
  assert.equal(s.browser.posts().length, 0);
  s.publisher.start(TARGET, { video: track("video"), audio: null });
  await settle();
  s.publisher.hurry();
  s.publisher.hurry();
  await settle();
  assert.equal(s.browser.posts().length, 2);
  s.browser.peer.become("connected");
  await pass(t, 20_000);
  assert.deepEqual([s.said(), s.browser.posts().length], ["live", 2]);
});

test("a server that does not answer, and one that never connects, are given up", async (t) => {
  const s = stage(t, new FakeBrowser(() => new Promise(() => undefined), created()));
  s.publisher.start(TARGET, { video: track("video"), audio: null });
  await settle();
  await pass(t, 10_000);
  assert.match(s.said(), /^reconnecting \| The server cannot be reached/);
  await pass(t, 1000);
  assert.equal(s.said(), "reconnecting | Connecting again…");
  await pass(t, 15_000);
  assert.match(s.said(), /^reconnecting \| The server cannot be reached \| Trying again in 2 s/);
});

for (const [status, title] of [
  [400, "The server cannot take this broadcast"],
  [401, "A stream key is needed"],
  [403, "You may not go live on this stream"],
  [404, "Nobody can go live here"],
  [409, "This stream is in use"],
  [422, "The server cannot take this broadcast"],
] as const) {
  test(`${String(status)} is told in the server's words and not tried again`, async (t) => {
    const s = stage(t, new FakeBrowser(problem(status, "the reason")));
    s.publisher.start(TARGET, { video: track("video"), audio: null });
    await settle();
    assert.ok(s.said().startsWith(`refused | ${title} | The reason.`), s.said());
    assert.equal(s.publisher.isOn, false);
    await pass(t, 120_000);
    assert.equal(s.browser.posts().length, 1);
  });
}

test("a server that is busy is asked again when it said", async (t) => {
  const s = stage(t, new FakeBrowser(problem(503, "full", { "retry-after": "5" }), created()));
  s.publisher.start(TARGET, { video: track("video"), audio: null });
  await settle();
  assert.equal(s.said(), "reconnecting | The server is busy | Full. Trying again in 5 s.");
  await pass(t, 4999);
  assert.equal(s.browser.posts().length, 1);
  await pass(t, 1);
  s.browser.peer.become("connected");
  assert.equal(s.said(), "live");
});

test("one's own broken session may be in the way for a while", async (t) => {
  const s = stage(t);
  await goLive(s);
  s.browser.answer(problem(409, "another publisher is live"), created());
  s.browser.peer.become("failed");
  await pass(t, 1000);
  assert.match(s.said(), /^reconnecting \| This stream is in use \| Another publisher is live\./);
  await pass(t, 2000);
  s.browser.peer.become("connected");
  assert.equal(s.said(), "live");
});

test("a replaced track is sent at once, and by the sessions that follow", async (t) => {
  const s = stage(t);
  await goLive(s);
  const back = track("video", 1920, 1080);
  await s.publisher.replaceTrack("video", back);
  const [sender] = s.browser.peer.video;
  assert.equal(sender?.track, back);
  const newest = sender.limits.at(-1);
  assert.deepEqual(
    [newest?.degradationPreference, newest?.encodings[0]],
    ["maintain-resolution", { maxBitrate: 4_500_000, maxFramerate: 30 }],
  );
  s.browser.peer.become("failed");
  await pass(t, 1000);
  assert.equal(s.browser.peers.length, 2);
  assert.equal(s.browser.peer.video[0]?.track, back);
});

test("a missing microphone still has its place in the offer", async (t) => {
  const s = stage(t);
  await goLive(s, { video: track("video"), audio: null });
  assert.ok(s.browser.peer.calls.includes("sendonly audio"));
  assert.equal(s.browser.peer.audio[0]?.track, null);
  const microphone = track("audio");
  await s.publisher.replaceTrack("audio", microphone);
  assert.equal(s.browser.peer.audio[0]?.track, microphone);
});

test("a browser without WebRTC or without H.264 says so and asks nobody", async (t) => {
  const notices: Notice[] = [];
  const media = { video: track("video"), audio: null };
  new WhipPublisher(null, (notice) => notices.push(notice)).start(TARGET, media);
  const browser = new FakeBrowser(created());
  browser.codecs = [{ mimeType: "video/VP8", clockRate: 90_000 }, h264("42e01f", 0)];
  const s = stage(t, browser);
  s.publisher.start(TARGET, media);
  await settle();
  for (const { status } of [...notices, ...s.notices]) assert.equal(status, "unsupported");
  assert.deepEqual([notices.length, s.notices.length, browser.requests.length], [1, 1, 0]);
});
