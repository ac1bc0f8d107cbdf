/** What every form of the cue test does: inserts cards in each way there is, waits for viewers, holds a verdict to its bounds. */
import assert from 'node:assert/strict';
import { insertCue, product, showCue } from './api.mjs';
import { reportedPts } from './browser.mjs';
import { summary } from './invariant.mjs';
import { until } from './wait.mjs';

/** In ticks of 90 kHz. */
export const SECOND = 90_000;

/** Shows card `n` in one of the ways there are; what is shown without an end is updated and hidden. @returns last receipt */
export async function playCard(server, stream, n, before, prefix = '') {
  const card = `${prefix}card-${n}`;
  const show = (more) => insertCue(server, stream, showCue(card, { payload: product(n), ...more }));
  if (n % 4 === 0) return show({ at: 'now', duration_ms: 1_500 });
  if (n % 4 === 1) return show({ at: { utc: new Date(Date.now() + 800).toISOString() }, duration_ms: 1_200 });
  // A threshold that lies on no frame, in the middle between two.
  if (n % 4 === 2) return show({ at: { pts: before.pts + 2 * SECOND + 1_500 }, duration_ms: 900 });
  const shown = await show({ at: { after_ms: 500 } });
  await insertCue(server, stream, showCue(card, { op: 'update', at: { pts: shown.pts + SECOND / 2 }, payload: product(n, { stock: 1 }) }));
  return insertCue(server, stream, showCue(card, { op: 'hide', at: { pts: shown.pts + 1.3 * SECOND + 1 }, payload: null }));
}

/** A player that has just begun may stand still, or jump towards the live edge, for longer than a card is shown. */
const SETTLED_MS = 2_000;
const STANDS_MS = 300;

/** Waits until each page, whose frames are logged, was shown pictures for a while without a stop. */
export async function settled(...pages) {
  for (const page of pages) {
    const standing = () => page.evaluate((ms) => {
      const now = performance.now();
      const times = window.__frameLogs[0].frames.map(({ t }) => t);
      if (!(now - times[0] >= ms)) return ms;
      const recent = [...times.filter((t) => now - t <= ms), now];
      return Math.max(...recent.map((t, i) => t - (recent[i - 1] ?? now - ms)));
    }, SETTLED_MS);
    await until('pictures go on without a stop', async () => (await standing()) < STANDS_MS, { within: 20_000 });
  }
}

/**
 * Shows `cards` cards one after the other, as fast as the first of the viewers sees them: the next one comes while one is on,
 * at most three of them. Then waits until all viewers are past the last one.
 * @param {object} pages viewers by name
 * @param {{prefix?: string}} options of the cards' ids
 */
export async function playCards(server, stream, cards, pages, { prefix } = {}) {
  const [first] = Object.keys(pages);
  for (const name of Object.keys(pages)) await past(pages, name, 0);
  let receipt = { pts: await reportedPts(pages[first]) };
  for (let n = 0; n < cards; n += 1) {
    receipt = await playCard(server, stream, n, receipt, prefix);
    await past(pages, first, receipt.pts + SECOND / 10);
  }
  for (const name of Object.keys(pages)) await past(pages, name, receipt.pts + 3 * SECOND);
}

/** Waits until a viewer was shown a frame past `pts`. */
export const past = (pages, name, pts, { within = 20_000 } = {}) =>
  until(`the ${name} viewer is past pts ${pts}`, async () => ((await reportedPts(pages[name])) ?? -1) >= pts, { within });

/**
 * The invariant without exception, and that it was not held by reading nothing.
 * @param {{cards: number, read?: number, late?: number}} bounds `read` of the presented frames, `late` cues at most
 */
export function assertHolds(t, name, verdict, { cards, read = 0.9, late = cards / 10 }) {
  t.diagnostic(summary(name, verdict));
  assert.deepEqual(verdict.violations.slice(0, 20), []);
  assert.ok(verdict.presented > 30 * cards, `${verdict.presented} frames presented`);
  assert.ok(verdict.read >= read * verdict.presented, `${verdict.read} of ${verdict.presented} frames read`);
  assert.deepEqual([verdict.shown.size, verdict.unseen], [cards, []], 'every card was seen');
  // On loopback the lead should be ample.
  assert.ok(verdict.late.size <= late, `late: ${[...verdict.late.keys()]}`);
  assert.ok(verdict.silent <= 2, `${verdict.silent} frames without shopcast:state`);
}
