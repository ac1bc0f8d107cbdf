import assert from "node:assert/strict";
import { test } from "node:test";

import { PictureReader } from "../src/picture-reader.ts";
import { FakeTransform, FakeWorker, pageWith } from "./fake-worker.ts";

interface Receiver {
  transform: FakeTransform | null;
}

test("pictures take the way of a worker that has come, and are heard until the end", (t) => {
  pageWith(t, { Worker: FakeWorker, RTCRtpScriptTransform: FakeTransform });
  const heard: (number | string)[] = [];
  const reader = new PictureReader(
    () => heard.push("ready"),
    (_, rtpTimestamp) => heard.push(rtpTimestamp),
  );
  const [worker] = FakeWorker.made;
  assert.match(worker?.url ?? "", /\/picture-worker\.js$/);
  assert.deepEqual(heard, [], "one that never comes holds nothing up");
  worker?.says({ type: "ready" });
  const receiver: Receiver = { transform: null };
  reader.attach(receiver as unknown as RTCRtpReceiver);
  assert.equal(receiver.transform?.worker, worker);
  worker?.says({ type: "picture", rtpTimestamp: 7, messages: [] });
  reader.close();
  assert.equal(worker?.ended, true);
  worker?.says({ type: "picture", rtpTimestamp: 8, messages: [] });
  assert.deepEqual(heard, ["ready", 7]);
});

test("a page that vouches for addresses of scripts is given one, once for all players", (t) => {
  const policies: string[] = [];
  const trustedTypes = {
    createPolicy(name: string, rules: object): object {
      policies.push(name);
      return rules;
    },
  };
  pageWith(t, { Worker: FakeWorker, RTCRtpScriptTransform: FakeTransform, trustedTypes });
  for (let n = 0; n < 2; n += 1) {
    new PictureReader(
      () => undefined,
      () => undefined,
    );
  }
  assert.deepEqual([policies, FakeWorker.made.length], [["shopcast-player"], 2]);
});

test("a page of another origin imports the worker", async (t) => {
  pageWith(t, {
    Worker: FakeWorker,
    RTCRtpScriptTransform: FakeTransform,
    location: { origin: "https://shop.example" },
  });
  new PictureReader(
    () => undefined,
    () => undefined,
  );
  const [worker] = FakeWorker.made;
  const text = await (await fetch(worker?.url ?? "")).text();
  assert.match(text, /^importScripts\("file:.*\/picture-worker\.js"\);$/);
});

test("a browser without transforms, and a page that lets no worker be made, play on", (t) => {
  const refused = class {
    constructor() {
      throw new TypeError("This document requires 'TrustedScriptURL' assignment.");
    }
  };
  for (const globals of [
    { Worker: FakeWorker, RTCRtpScriptTransform: undefined },
    { Worker: refused, RTCRtpScriptTransform: FakeTransform },
  ]) {
    pageWith(t, globals);
    const reader = new PictureReader(assert.fail, assert.fail);
    const receiver: Receiver = { transform: null };
    reader.attach(receiver as unknown as RTCRtpReceiver);
    reader.close();
    assert.deepEqual([receiver.transform, FakeWorker.made.length], [null, 0]);
  }
});
