import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { ApiError } from "@shopcast/api";

import { HttpSession } from "../src/index.ts";
import { FakeBrowser, OFFER, created, problem, settle } from "./fakes.ts";

const ENDPOINT = "https://live.example/whip/show";

interface Stage {
  readonly browser: FakeBrowser;
  readonly session: HttpSession;
  readonly told: string[];
}

function stage(browser: FakeBrowser, token: () => string | null = () => null): Stage {
  const told: string[] = [];
  const session = new HttpSession(
    browser,
    { endpoint: ENDPOINT, token },
    { onConnected: () => told.push("connected"), onLost: () => told.push("lost") },
  );
  return { browser, session, told };
}

async function opened(t: TestContext, browser = new FakeBrowser(created())): Promise<Stage> {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const s = stage(browser);
  await s.session.open();
  return s;
}

test("the server's STUN and TURN servers are known before gathering begins", async (t) => {
  const link = '<stun:stun.example>; rel="ice-server"';
  const { browser } = await opened(t, new FakeBrowser(created({ link })));
  assert.deepEqual(browser.peer.calls, ["posted", "configured", "local", "remote"]);
  assert.deepEqual(browser.peer.configuration, [{ iceServers: [{ urls: "stun:stun.example" }] }]);
});

test("an address of a STUN server that the browser cannot read costs nothing but itself", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const s = stage(new FakeBrowser(created({ link: '<stun:>; rel="ice-server"' })));
  s.browser.peer.setConfiguration = () => {
    throw new SyntaxError("stun:");
  };
  await s.session.open();
  assert.deepEqual(s.browser.peer.calls, ["posted", "local", "remote"]);
});

test("descriptions are changed for whom it is said, and for nobody else", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const s = stage(new FakeBrowser(created()));
  await s.session.open({ sent: (sdp) => `${sdp}a=1\r\n`, remote: (sdp) => `${sdp}a=2\r\n` });
  const { peer } = s.browser;
  assert.equal(s.browser.posts()[0]?.body, `${OFFER}a=1\r\n`);
  assert.deepEqual([peer.local, peer.remote], [OFFER, "v=0\r\nanswer\r\na=2\r\n"]);
  const other = stage(new FakeBrowser(created()));
  await other.session.open({ local: (sdp) => `${sdp}a=3\r\n` });
  assert.deepEqual(
    [other.browser.posts()[0]?.body, other.browser.peer.local],
    [OFFER, `${OFFER}a=3\r\n`],
  );
});

test("each request has the token of its moment", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let token: string | null = "first";
  const s = stage(new FakeBrowser(created()), () => token);
  await s.session.open();
  token = "second";
  s.session.close();
  const sent = s.browser.requests.map(({ method, headers }) => [method, headers["authorization"]]);
  assert.deepEqual(sent, [
    ["POST", "Bearer first"],
    ["DELETE", "Bearer second"],
  ]);
});

test("the session's address is relative to where a redirect led", async (t) => {
  const moved = new Response("v=0\r\n", { status: 201, headers: { location: "sessions/1" } });
  Object.defineProperty(moved, "url", { value: "https://eu.example/in/whip/show" });
  const { browser, session } = await opened(t, new FakeBrowser(() => moved));
  session.close();
  assert.equal(browser.deletes()[0]?.url, "https://eu.example/in/whip/sessions/1");
});

test("anything but 201 is a refusal", async () => {
  for (const answer of [problem(401, "no token"), () => new Response("v=0\r\n", { status: 200 })]) {
    await assert.rejects(stage(new FakeBrowser(answer)).session.open(), ApiError);
  }
});

test("a server that does not answer is not waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { session, told } = stage(new FakeBrowser(() => new Promise(() => undefined)));
  const open = session.open().catch((error: unknown) => {
    told.push(error instanceof ApiError ? "refused" : "unreachable");
  });
  await settle();
  t.mock.timers.tick(9999);
  await settle();
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  await open;
  assert.deepEqual(told, ["unreachable"]);
});

test("a connection that does not come up is lost, once, and deleted", async (t) => {
  const { browser, session, told } = await opened(t);
  t.mock.timers.tick(14_999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  session.lose();
  assert.deepEqual([told, browser.deletes().length, session.isClosed], [["lost"], 1, true]);
});

test("a short break is waited out, a long one is not", async (t) => {
  const { browser, told } = await opened(t);
  browser.peer.become("connected");
  t.mock.timers.tick(60_000);
  browser.peer.become("disconnected");
  t.mock.timers.tick(3999);
  browser.peer.become("connected");
  t.mock.timers.tick(5000);
  assert.deepEqual(told, ["connected", "connected"]);
  browser.peer.become("disconnected");
  t.mock.timers.tick(4000);
  assert.deepEqual(told, ["connected", "connected", "lost"]);
});

test("of one's own end nobody is told", async (t) => {
  const { browser, session, told } = await opened(t);
  session.close();
  session.close();
  browser.peer.become("closed");
  session.lose();
  t.mock.timers.tick(60_000);
  assert.deepEqual([told, browser.deletes().length], [[], 1]);
});

test("an answer that comes after the end is deleted and not used", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let arrive = (_: Response): void => undefined;
  const { browser, session } = stage(
    new FakeBrowser(() => new Promise((resolve) => (arrive = resolve))),
  );
  const open = session.open();
  await settle();
  session.close();
  assert.equal(browser.deletes().length, 0);
  arrive(new Response("v=0\r\n", { status: 201, headers: { location: "s" } }));
  await open;
  assert.equal(browser.deletes()[0]?.url, "https://live.example/whip/s");
  assert.deepEqual(browser.peer.calls, ["posted"]);
});
