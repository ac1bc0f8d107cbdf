import assert from "node:assert/strict";
import { test } from "node:test";

import { LipSync, type Targets } from "../src/lip-sync.ts";

/** A browser that plays each track as late as its own buffer wants or as it is told, sound as loosely as libwebrtc does. */
class Browser {
  /** Both tracks came equally late: they are in step at equal delays. */
  audio = 40;
  video = 80;
  targets: Targets = { audio: null, video: null };
  readonly sync = new LipSync();
  changes = 0;

  get skew(): number {
    return (
      Math.max(this.video, this.targets.video ?? 0) -
      Math.max(this.audio, (this.targets.audio ?? 0) * 0.75)
    );
  }

  play(seconds: number): number {
    for (let second = 0; second < seconds; second++) {
      const { audio, video } = this.targets;
      const targets = this.sync.observe({
        skew: this.skew,
        audioTarget: Math.max(this.audio / 2, audio ?? 0),
        videoTarget: Math.max(this.video, video ?? 0),
      });
      if (targets) {
        this.targets = targets;
        this.changes += 1;
      }
    }
    return this.skew;
  }
}

test("sound that is ahead is held back until it is in step, and then left alone", () => {
  const browser = new Browser();
  assert.equal(browser.skew, 40);
  assert.ok(Math.abs(browser.play(60)) <= 12, `${browser.skew} ms`);
  assert.equal(browser.targets.video, null);
  const { changes } = browser;
  browser.play(600);
  assert.equal(browser.changes, changes);
});

test("a picture that is ahead is held back; when the sound catches up it is let go before the sound is held", () => {
  const browser = new Browser();
  browser.audio = 150;
  assert.ok(Math.abs(browser.play(60)) <= 12, `${browser.skew} ms`);
  assert.ok(browser.targets.video !== null && browser.targets.audio === null);
  browser.audio = 85;
  assert.ok(Math.abs(browser.play(60)) <= 12, `${browser.skew} ms`);
  assert.equal(browser.targets.audio, null);
});

test("a picture held back for sound that is suddenly on time is let go, however far apart they are", () => {
  const browser = new Browser();
  browser.audio = 270;
  browser.play(60);
  assert.ok((browser.targets.video ?? 0) > 240, `${browser.targets.video} ms`);
  browser.audio = 40;
  assert.ok(browser.skew > 200, `${browser.skew} ms`);
  assert.ok(Math.abs(browser.play(60)) <= 12, `${browser.skew} ms`);
  assert.equal(browser.targets.video, null);
});

test("what nobody notices and what is no offset is left to the browser", () => {
  for (const video of [40 + 12, 40 - 12, 40 + 201, 40 + 5000]) {
    const browser = new Browser();
    browser.video = video;
    browser.play(60);
    assert.equal(browser.changes, 0, `${video - 40} ms`);
  }
});

test("a second out of line changes nothing", () => {
  const sync = new LipSync();
  for (let second = 0; second < 100; second++) {
    const skew = second % 3 === 0 ? 150 : 3;
    assert.equal(sync.observe({ skew, audioTarget: 40, videoTarget: 80 }), null);
  }
});
