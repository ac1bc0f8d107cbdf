import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Feed } from "@shopcast/cues";

import { FakeBrowser, created, problem, settle } from "../../webrtc/test/fakes.ts";
import type { Notice } from "../src/notice.ts";
import type { SourceHost } from "../src/source.ts";
import { WhepSource } from "../src/whep-source.ts";
import { FakeTransform, FakeWorker, pageWith } from "./fake-worker.ts";

const ENDPOINT = "https://live.example/whep/show";

interface Stage {
  readonly browser: FakeBrowser;
  readonly notices: Notice[];
  /** What giving up was told, with the token that was refused. */
  readonly givenUp: [title: string, token: string | null][];
  readonly messages: string[];
  /** How often events were asked for. */
  eventsNeeded: number;
  /** RTP timestamps of the pictures that said something. */
  readonly pictures: number[];
  /** What the side channel's silence lasts, by whatever carrier. */
  silentMs: number;
  token: string | null;
}

/** A source that has been started, and has asked. */
async function stage(t: TestContext, browser: FakeBrowser): Promise<Stage> {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  Object.assign(globalThis, {
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  });
  const s: Stage = {
    browser,
    notices: [],
    givenUp: [],
    messages: [],
    eventsNeeded: 0,
    pictures: [],
    silentMs: 0,
    token: null,
  };
  const host: SourceHost = {
    video: { srcObject: null } as HTMLVideoElement,
    feed: new Feed("show"),
    token: () => s.token,
    newestPts: () => 0,
    notify: (notice) => s.notices.push(notice),
    giveUp: ({ title }, refused) => s.givenUp.push([title, refused]),
    onMessage: (text) => s.messages.push(text),
    onTag: () => undefined,
    onRange: () => undefined,
    onPicture: (_, rtpTimestamp) => s.pictures.push(rtpTimestamp),
    needsEvents: () => (s.eventsNeeded += 1),
    silentMs: () => s.silentMs,
  };
  const source = new WhepSource(host, ENDPOINT, browser);
  source.start();
  t.after(() => {
    source.stop();
  });
  await settle();
  return s;
}

async function pass(t: TestContext, ms: number): Promise<void> {
  t.mock.timers.tick(ms);
  await settle();
}

test("pictures and sound in stereo are asked for, by way of the servers that the answer names", async (t) => {
  const link = '<turn:turn.example>; rel="ice-server"; username="u"; credential="p"';
  const { browser } = await stage(t, new FakeBrowser(created({ link })));
  assert.deepEqual(browser.peer.calls, [
    "recvonly video",
    "recvonly audio",
    "posted",
    "configured",
    "local, changed",
    "remote",
  ]);
  const [configuration] = browser.peer.configuration;
  assert.deepEqual(configuration?.iceServers, [
    { urls: "turn:turn.example", username: "u", credential: "p" },
  ]);
  // The server sends what the one asks for, the browser decodes what the other says.
  for (const sdp of [browser.posts()[0]?.body, browser.peer.local]) {
    assert.match(sdp ?? "", /^a=fmtp:111 stereo=1;minptime=10/m);
  }
});

test("a server that does not answer, and one that never connects, are asked again", async (t) => {
  const s = await stage(t, new FakeBrowser(() => new Promise(() => undefined), created()));
  await pass(t, 10_000);
  assert.equal(s.notices.at(-1)?.title, "Connection lost");
  await pass(t, 1000);
  assert.equal(s.browser.posts().length, 2);
  await pass(t, 15_000);
  assert.equal(s.notices.length, 2);
  assert.equal(s.browser.deletes().length, 1);
  await pass(t, 2000);
  assert.equal(s.browser.posts().length, 3);
});

test("a cue channel that closes is the end of the session, and what comes after is not heard", async (t) => {
  const s = await stage(t, new FakeBrowser(created()));
  s.browser.peer.become("connected");
  const [channel] = s.browser.peer.channels;
  channel?.onmessage?.({ data: "one" });
  channel?.onclose?.();
  channel?.onmessage?.({ data: "two" });
  assert.deepEqual(s.messages, ["one"]);
  assert.equal(s.notices.at(-1)?.title, "Connection lost");
  assert.equal(s.browser.deletes().length, 1);
});

test("giving up names the token that was refused, not the one that has come since", async (t) => {
  let answer = (_: Response): void => undefined;
  const browser = new FakeBrowser(() => new Promise((resolve) => (answer = resolve)));
  const s = await stage(t, browser);
  s.token = "renewed";
  answer((await problem(401, "no token")({} as never)) as Response);
  await settle();
  assert.deepEqual(s.givenUp, [["This show needs a valid link", null]]);
  await pass(t, 60_000);
  assert.equal(browser.posts().length, 1);
});
test("a server that talks is asked for nothing else; once it is silent, events are asked for, then pictures are read", async (t) => {
  pageWith(t, { Worker: FakeWorker, RTCRtpScriptTransform: FakeTransform });
  const s = await stage(t, new FakeBrowser(created()));
  s.browser.peer.become("connected");
  s.browser.peer.channels[0]?.onmessage?.({ data: "first" });
  await pass(t, 60_000);
  assert.equal(s.eventsNeeded, 0);
  s.silentMs = Infinity;
  await pass(t, 500);
  assert.equal(s.eventsNeeded, 0);
  await pass(t, 500);
  assert.equal(s.eventsNeeded, 1);
  await pass(t, 10_000);
  assert.equal(FakeWorker.made.length, 0, "without pictures the network is away");
  s.browser.peer.playout = 0;
  await pass(t, 2500);
  assert.equal(FakeWorker.made.length, 0);
  await pass(t, 10_000);
  const [worker, ...more] = FakeWorker.made;
  assert.deepEqual(
    [more.length, s.browser.peers.length],
    [0, 1],
    "before the worker is there nothing changes",
  );
  worker?.says({ type: "ready" });
  await pass(t, 500);
  assert.deepEqual([s.browser.peers.length, s.browser.deletes().length], [2, 1]);
  const [video, audio] = s.browser.peer.receivers;
  assert.ok(video?.transform instanceof FakeTransform);
  assert.equal(audio?.transform, null);
  s.browser.peer.become("connected");
  worker?.says({ type: "picture", rtpTimestamp: 7, messages: [] });
  assert.deepEqual(s.pictures, [7]);
  s.browser.peer.become("failed");
  await pass(t, 1000);
  assert.ok(s.browser.peer.receivers[0]?.transform, "so does the session after it");
  assert.deepEqual([s.browser.peers.length, FakeWorker.made.length], [3, 1]);
});

test("a channel that has not spoken half a second after the connection is helped by events", async (t) => {
  const s = await stage(t, new FakeBrowser(created()));
  s.browser.peer.become("connected");
  await pass(t, 499);
  assert.equal(s.eventsNeeded, 0);
  await pass(t, 1);
  assert.equal(s.eventsNeeded, 1);
});

test("an answer without a channel leads to events at once; when these speak, nothing is replaced", async (t) => {
  pageWith(t, { Worker: FakeWorker, RTCRtpScriptTransform: FakeTransform });
  const s = await stage(t, new FakeBrowser(created()));
  s.browser.peer.sctp = null;
  s.browser.peer.playout = 0;
  s.silentMs = Infinity;
  s.browser.peer.become("connected");
  assert.equal(s.eventsNeeded, 1);
  await pass(t, 2000);
  const [worker] = FakeWorker.made;
  s.silentMs = 0;
  worker?.says({ type: "ready" });
  await pass(t, 5000);
  assert.deepEqual([FakeWorker.made.length, s.browser.peers.length], [1, 1]);
  s.silentMs = Infinity;
  await pass(t, 2500);
  assert.equal(s.browser.peers.length, 2, "until they fall silent as well");
});
