import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Client, type EventHandlers, type Subscription } from "../src/index.ts";

class FakeEventSource extends EventTarget {
  static readonly CLOSED = 2;
  static made: FakeEventSource[] = [];
  readonly url: string;
  readyState = 1;
  onerror: (() => void) | null = null;

  constructor(url: string) {
    super();
    this.url = url;
    FakeEventSource.made.push(this);
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED;
  }

  /** The connection drops: the browser goes on by itself, unless it was told to give up. */
  fail(gaveUp: boolean): void {
    this.readyState = gaveUp ? FakeEventSource.CLOSED : 0;
    this.onerror?.();
  }
}

function follow(t: TestContext, handlers: EventHandlers): [Subscription, FakeEventSource[]] {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, { EventSource: FakeEventSource });
  FakeEventSource.made = [];
  return [new Client("https://live.example").events("show", handlers), FakeEventSource.made];
}

test("a browser that has given up is asked again, one that goes on by itself is not", (t) => {
  let lost = 0;
  const [subscription, made] = follow(t, { onMessage: () => undefined, onLost: () => (lost += 1) });
  made[0]?.fail(false);
  t.mock.timers.tick(60_000);
  assert.deepEqual([made.length, lost], [1, 1]);
  made[0]?.fail(true);
  t.mock.timers.tick(1250);
  assert.deepEqual([made.length, lost], [2, 2]);
  subscription.close();
  assert.equal(made[1]?.readyState, FakeEventSource.CLOSED);
});

test("who closes on hearing that it was lost is not connected again", (t) => {
  for (const gaveUp of [false, true]) {
    t.mock.timers.reset();
    const [subscription, made] = follow(t, {
      onMessage: () => undefined,
      onLost: () => {
        subscription.close();
      },
    });
    made[0]?.fail(gaveUp);
    t.mock.timers.tick(60_000);
    assert.equal(made.length, 1);
  }
});

test("closed while it waits, it does not connect again", (t) => {
  const [subscription, made] = follow(t, { onMessage: () => undefined });
  made[0]?.fail(true);
  subscription.close();
  t.mock.timers.tick(60_000);
  assert.equal(made.length, 1);
});
