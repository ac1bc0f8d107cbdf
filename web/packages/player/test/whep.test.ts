import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Feed } from "@shopcast/cues";

import { FakeBrowser, created, problem, settle } from "../../webrtc/test/fakes.ts";
import type { Notice } from "../src/notice.ts";
import type { SourceHost } from "../src/source.ts";
import { WhepSource } from "../src/whep-source.ts";

const ENDPOINT = "https://live.example/whep/show";

interface Stage {
  readonly browser: FakeBrowser;
  readonly notices: Notice[];
  /** What giving up was told, with the token that was refused. */
  readonly givenUp: [title: string, token: string | null][];
  readonly messages: string[];
  token: string | null;
}

/** A source that has been started, and has asked. */
async function stage(t: TestContext, browser: FakeBrowser): Promise<Stage> {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  Object.assign(globalThis, {
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  });
  const s: Stage = { browser, notices: [], givenUp: [], messages: [], token: null };
  const host: SourceHost = {
    video: { srcObject: null } as HTMLVideoElement,
    feed: new Feed("show"),
    token: () => s.token,
    newestPts: () => 0,
    notify: (notice) => s.notices.push(notice),
    giveUp: ({ title }, refused) => s.givenUp.push([title, refused]),
    onMessage: (text) => s.messages.push(text),
    onTag: () => undefined,
    needsEvents: () => undefined,
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
