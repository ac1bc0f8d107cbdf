import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApiError,
  Backoff,
  Client,
  parseRetryAfter,
  parseToken,
  readProblem,
  withToken,
} from "../src/index.ts";

interface Seen {
  url: string;
  init: RequestInit | undefined;
}

function client(
  status: number,
  body: string,
  headers: Record<string, string> = {},
  token: () => string | null = () => null,
): [Client, Seen[]] {
  const seen: Seen[] = [];
  const fetcher = (url: unknown, init?: RequestInit): Promise<Response> => {
    seen.push({ url: String(url), init });
    return Promise.resolve(new Response(body, { status, headers }));
  };
  return [new Client("https://live.example/", { fetcher: fetcher as typeof fetch, token }), seen];
}

const HIDE = { card_id: "a", kind: "product", op: "hide", at: "now" } as const;

test("inserts a cue with an idempotency key of its own", async () => {
  const [api, seen] = client(
    201,
    '{"seq":7,"rev":1,"pts":90,"utc":"2026-01-01T00:00:00.000Z","late_by_ms":0}',
  );
  assert.equal((await api.insertCue("a b", HIDE)).seq, 7);
  await api.insertCue("a b", HIDE, "mine");
  const [first, second] = seen;
  assert.equal(first?.url, "https://live.example/v1/streams/a%20b/cues");
  const headers = first.init?.headers as Record<string, string>;
  assert.match(headers["idempotency-key"] ?? "", /^[0-9a-f]{32}$/);
  assert.equal((second?.init?.headers as Record<string, string>)["idempotency-key"], "mine");
  assert.deepEqual(JSON.parse(String(first.init?.body)), HIDE);
});

test("a refusal carries the server's words", async () => {
  const body =
    '{"type":"https://e.example/full","title":"Too many cards","detail":"Three cards are up."}';
  const [api] = client(409, body, { "retry-after": "2" });
  await assert.rejects(api.insertCue("demo", HIDE), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.message, "Three cards are up.");
    assert.equal(error.problem.status, 409);
    assert.equal(error.problem.title, "Too many cards");
    assert.equal(error.retryAfterMs, 2000);
    return true;
  });
});

test("a body that is no problem leaves the status to speak", () => {
  for (const body of ["", "<html>", "null", "[]", '{"title":5}']) {
    assert.deepEqual(readProblem(body, 502, "Bad Gateway"), {
      type: "about:blank",
      title: "Bad Gateway",
      status: 502,
      detail: null,
    });
  }
});

test("Retry-After is seconds or a date, and never longer than a minute", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(parseRetryAfter(null, now), null);
  assert.equal(parseRetryAfter("3", now), 3000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:05 GMT", now), 5000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2015 00:00:05 GMT", now), 0);
  assert.equal(parseRetryAfter("999999", now), 60_000);
  assert.equal(parseRetryAfter("soon", now), null);
});

test("back-off doubles, obeys the server, stays below its most, and starts over", () => {
  const backoff = new Backoff(500, 2000, () => 0);
  assert.deepEqual(
    [backoff.next(), backoff.next(), backoff.next(), backoff.next()],
    [500, 1000, 2000, 2000],
  );
  backoff.reset();
  assert.equal(backoff.next(7000), 7000);
  assert.equal(new Backoff(1000, 8000, () => 1).next(), 1250);
});

test("pulls cues as text", async () => {
  const [api, seen] = client(200, '{"cues":["AAAA","BBBB"]}');
  assert.deepEqual(await api.cuesAfter("demo", 4), ["AAAA", "BBBB"]);
  assert.equal(seen[0]?.url, "https://live.example/v1/streams/demo/cues?after=4");
});

const RECEIPT = '{"seq":7,"rev":1,"pts":90,"utc":"2026-01-01T00:00:00.000Z","late_by_ms":0}';

test("a cue that has not happened is taken back, or moved", async () => {
  const [api, seen] = client(200, RECEIPT);
  assert.equal((await api.cancel("a b", 6)).seq, 7);
  assert.equal((await api.move("a b", 6, { after_ms: 500 })).pts, 90);
  const url = "https://live.example/v1/streams/a%20b/cues/6";
  assert.deepEqual(
    seen.map((one) => [one.init?.method, one.url, one.init?.body]),
    [
      ["DELETE", url, undefined],
      ["PATCH", url, '{"at":{"after_ms":500}}'],
    ],
  );
});

test("cues are prepared, listed, fired and forgotten", async () => {
  const [silent, put] = client(200, "");
  const cue = { card_id: "a", op: "hide" } as const;
  await silent.arm("demo", "a/b", [cue]);
  await silent.disarm("demo", "a/b");
  const url = "https://live.example/v1/streams/demo/armed/a%2Fb";
  assert.deepEqual(
    put.map((one) => [one.init?.method, one.url, one.init?.body]),
    [
      ["PUT", url, '{"cues":[{"card_id":"a","op":"hide"}]}'],
      ["DELETE", url, undefined],
    ],
  );
  const [firing, fired] = client(200, `{"cues":[${RECEIPT}]}`);
  assert.equal((await firing.fire("demo", "a/b"))[0]?.seq, 7);
  await firing.fire("demo", "a/b", { pts: 90 });
  assert.deepEqual(
    fired.map((one) => [one.init?.method, one.url, one.init?.body]),
    [
      ["POST", `${url}/fire`, '{"at":"now"}'],
      ["POST", `${url}/fire`, '{"at":{"pts":90}}'],
    ],
  );
  const [listing] = client(200, '{"armed":[{"name":"a","fired":true,"cues":1,"seqs":[7]}]}');
  assert.deepEqual((await listing.armed("demo"))[0]?.seqs, [7]);
});

test("asks what became of a cue, and says what was painted", async () => {
  const [api, seen] = client(200, '{"seq":7,"webrtc":{"sent":2},"ll_hls":{"media_fetches":3}}');
  const { webrtc, ll_hls } = await api.delivery("demo", 7);
  assert.deepEqual([webrtc.sent, ll_hls.media_fetches], [2, 3]);
  await api.painted("demo", "A_-", "{}");
  assert.deepEqual(
    seen.map((one) => [one.init?.method, one.url, one.init?.body]),
    [
      [undefined, "https://live.example/v1/streams/demo/cues/7/delivery", undefined],
      ["POST", "https://live.example/v1/streams/demo/events/A_-/painted", "{}"],
    ],
  );
  const gone = '{"type":"/problems/delivery-forgotten","title":"t","detail":"d"}';
  await assert.rejects(client(410, gone)[0].delivery("demo", 1), ApiError);
});

test("asks what the server says of a stream", async () => {
  const body =
    '{"name":"demo","state":"live","verdicts":[{"code":"long_gop","detail":"d"}],"viewers":{"webrtc":2,"hls":1,"events":1}}';
  const [api, seen] = client(200, body);
  const view = await api.stream("demo");
  assert.deepEqual([view.verdicts[0]?.code, view.viewers.webrtc], ["long_gop", 2]);
  assert.equal(seen[0]?.url, "https://live.example/v1/streams/demo");
});

test("the token of the moment goes with each request, and none without one", async () => {
  let token: string | null = null;
  const [api, seen] = client(200, '{"cues":[],"cards":[],"pts":0}', {}, () => token);
  await api.state("demo");
  token = "first";
  await api.cuesAfter("demo", 3);
  token = "second";
  await api.insertCue("demo", HIDE);
  const sent = seen.map(({ init }) => new Headers(init?.headers).get("authorization"));
  assert.deepEqual(sent, [null, "Bearer first", "Bearer second"]);
  assert.ok(seen.every(({ url }) => !url.includes("first") && !url.includes("second")));
  assert.equal(new Headers(seen[2]?.init?.headers).get("content-type"), "application/json");
});

test("a picture's address has the token of the moment, and none without one", () => {
  let token: string | null = null;
  const [api] = client(200, "", {}, () => token);
  assert.match(api.thumbnailUrl("a b"), /\/v1\/streams\/a%20b\/thumbnail\.jpg$/);
  token = "newest";
  assert.match(api.thumbnailUrl("demo"), /\/v1\/streams\/demo\/thumbnail\.jpg\?token=newest$/);
});

test("an address has one token, the newest", () => {
  const url = "https://live.example/hls/demo/video.m3u8";
  assert.equal(withToken(url, "a.b-c_d"), `${url}?token=a.b-c_d`);
  assert.equal(withToken(`${url}?token=old&_HLS_msn=4`, "new"), `${url}?_HLS_msn=4&token=new`);
  assert.equal(withToken(`${url}?x=?&token`, "a&b"), `${url}?x=?&token=a%26b`);
  assert.equal(withToken(`${url}?tokens=1&token=old`, null), `${url}?tokens=1`);
  assert.equal(withToken(`${url}?token=old`, null), url);
});

test("what could not be sent is no token", () => {
  assert.equal(parseToken(" abc.def \n"), "abc.def");
  for (const text of [null, "", "  ", "a b", "a\nb", "\u00e9"])
    assert.equal(parseToken(text), null);
});
