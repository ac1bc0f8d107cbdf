/** Workers and transforms as a browser has them, as far as pictures are read by them. */

import type { TestContext } from "node:test";

import type { FromWorker } from "../src/picture-reader.ts";

export class FakeWorker {
  static made: FakeWorker[] = [];
  readonly url: string;
  onmessage: ((event: { data: FromWorker }) => void) | null = null;
  ended = false;

  constructor(url: string) {
    this.url = url;
    FakeWorker.made.push(this);
  }

  terminate(): void {
    this.ended = true;
  }

  says(data: FromWorker): void {
    this.onmessage?.({ data });
  }
}

export class FakeTransform {
  readonly worker: FakeWorker;

  constructor(worker: FakeWorker) {
    this.worker = worker;
  }
}

/** This process is a page with these until the test ends. */
export function pageWith(t: TestContext, globals: object): void {
  FakeWorker.made = [];
  const location = { origin: new URL(import.meta.url).origin };
  const made = Object.entries({ location, ...globals });
  for (const [name, value] of made) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  t.after(() => {
    for (const [name] of made) Reflect.deleteProperty(globalThis, name);
  });
}
