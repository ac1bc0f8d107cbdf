/**
 * A viewer that cues reach by one way alone sees the right cards on the right frames: only in band (SEI in the pictures of
 * WebRTC, `emsg` in CMAF, date ranges in playlists), or only by the side channel. He may come while a card is up and go back
 * and forth; cards are changed, hidden, cleared, taken back and run out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertCue, listCues, product, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, reportedPts, startFrameLogs, watch } from './lib/browser.mjs';
import { blockChannel, blockEvents, stripHls } from './lib/carriers.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { judge, summary } from './lib/invariant.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const SECOND = 90_000;
/** What is up when the viewers come, and the rest in the order of their thresholds. */
const CARDS = ['before', 'plain', 'changed', 'sale', 'word', 'cleared-1', 'cleared-2', 'last'];

const VIEWERS = {
  'WebRTC, cues in the pictures alone': {
    protocol: 'whep',
    prepare: async (page) => {
      await blockChannel(page);
      await blockEvents(page);
    },
  },
  'LL-HLS, cues in emsg alone': {
    protocol: 'hls',
    prepare: async (page) => {
      await blockEvents(page);
      return stripHls(page, { ranges: true });
    },
  },
  'LL-HLS, cues in date ranges alone': {
    protocol: 'hls',
    prepare: async (page) => {
      await blockEvents(page);
      return stripHls(page, { tags: true });
    },
  },
  'LL-HLS, cues by events alone': {
    protocol: 'hls',
    prepare: (page) => stripHls(page, { tags: true, ranges: true }),
  },
};

/** Two at a time: more players do not present every frame on two processors. */
const names = Object.keys(VIEWERS);
for (const pair of [names.slice(0, 2), names.slice(2)]) {
  test(`one carrier is enough: ${pair.join('; ')}`, { timeout: 180_000 }, (t) => oneCarrier(t, pair));
}

async function oneCarrier(t, pair) {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp(STREAM), { profile: 'baseline' });
  await waitLive(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, (await presentation(server, STREAM)).video);
  await insertCue(server, STREAM, showCue('before', { payload: product(1) }));
  const viewers = await open(browser, server, pair);
  for (const viewer of viewers) {
    await until(`the card that was up, by ${viewer.name}`, async () => (await cardsOf(viewer.page)).includes('before'), { within: 20_000 });
  }
  const { last, sale } = await play(server);
  for (const viewer of viewers) await past(viewer, last.pts + SECOND / 2);
  for (const viewer of viewers.filter(({ protocol }) => protocol === 'hls')) await goBackTo(viewer, sale.pts);
  const end = (await insertCue(server, STREAM, { op: 'clear' })).pts + SECOND / 2;
  for (const viewer of viewers) await past(viewer, end);
  await verdicts(t, { server, viewers, recorder, cards: CARDS });
}

const past = ({ name, page }, pts) => until(`${name} is past pts ${pts}`, async () => (await reportedPts(page)) >= pts, { within: 40_000 });

async function open(browser, server, wanted) {
  const viewers = [];
  for (const name of wanted) {
    const viewer = { name, ...VIEWERS[name], taken: null };
    viewer.page = await watch(browser, server, STREAM, viewer.protocol, {
      prepare: async (page) => {
        viewer.taken = await viewer.prepare(page);
      },
    });
    await startFrameLogs(viewer.page);
    viewers.push(viewer);
  }
  return viewers;
}

/** Holds every frame that was read against the fold of the cues. */
async function verdicts(t, { server, viewers, recorder, cards }) {
  const logs = await Promise.all(viewers.map(({ page }) => collectFrameLogs(page)));
  const cues = standing(await listCues(server, STREAM));
  const table = await tableOf(await recorder.stop());
  for (const [n, { name, protocol, taken }] of viewers.entries()) {
    await t.test(name, () => {
      const all = logs[n][protocol].frames;
      // Before anything came, nothing can be right.
      const frames = all.slice(all.findIndex(({ state }) => state?.pts > 0 && state.cards.length > 0));
      const verdict = judge({ frames, cues, table, arrivals: new Map() });
      t.diagnostic(`${summary(name, verdict)}; taken out: ${JSON.stringify(taken)}; ${all.length - frames.length} frames before`);
      assert.deepEqual(verdict.violations.slice(0, 10), []);
      assert.deepEqual([...verdict.shown.keys()].sort(), [...cards].sort());
      assert.ok(verdict.read >= 0.85 * verdict.calledBack, `${verdict.read} of ${verdict.calledBack} frames read`);
      assert.ok(verdict.read > 150, `${verdict.read} frames read`);
      if (taken) assert.ok(taken.tags + taken.ranges > 0, 'nothing was taken out');
    });
  }
}

/** Cards that are up across a publisher's absence, and changed in it, for viewers who have them in band alone. */
test('one carrier is enough, and the publisher goes and returns', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const publish = (first) => publishFfmpeg(t, server.rtmp(STREAM), { profile: 'baseline', first });
  const publisher = publish(0);
  await waitLive(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, (await presentation(server, STREAM)).video);
  await insertCue(server, STREAM, showCue('across', { payload: product(1) }));
  const viewers = await open(browser, server, names.slice(0, 2));
  for (const viewer of viewers) {
    await until(`the card that was up, by ${viewer.name}`, async () => (await cardsOf(viewer.page)).includes('across'), { within: 20_000 });
  }
  await publisher.stop();
  const away = await until('the stream is interrupted', async () => {
    const info = await streamInfo(server, STREAM);
    return info.state === 'interrupted' && info;
  });
  await insertCue(server, STREAM, showCue('meanwhile', { at: { pts: away.newest_pts + SECOND / 3 }, payload: product(2) }));
  publish(4_000);
  await until('the stream is live again', async () => (await streamInfo(server, STREAM)).state === 'live');
  const hidden = await insertCue(server, STREAM, { card_id: 'across', op: 'hide', at: { after_ms: 4_500 } });
  for (const viewer of viewers) await past(viewer, hidden.pts + SECOND);
  await verdicts(t, { server, viewers, recorder, cards: ['across', 'meanwhile'] });
});

/** A show of a dozen seconds. @returns the receipts of its sale and of its last cue */
async function play(server) {
  const insert = (more) => insertCue(server, STREAM, more);
  const plain = await insert(showCue('plain', { at: { after_ms: 1_000 }, duration_ms: 1_500 }));
  const from = (seconds) => ({ pts: plain.pts + Math.round(seconds * SECOND) });
  await insert(showCue('changed', { at: from(0.51), payload: product(2) }));
  await insert(showCue('changed', { op: 'update', at: from(1.2), payload: product(2, { stock: 1 }) }));
  await insert({ card_id: 'before', op: 'hide', at: from(2) });
  await insert({ card_id: 'changed', op: 'hide', at: from(2.35) });
  const sale = await insert(showCue('sale', {
    at: from(3), duration_ms: 4_000, kind: 'flash_sale', payload: { ...product(3), sale: 'friday', ends: { after_ms: 3_000 } },
  }));
  const gone = await insert(showCue('gone', { at: from(3.5), duration_ms: 2_000 }));
  const cancelled = await fetch(`${server.origin}/v1/streams/${STREAM}/cues/${gone.seq}`, { method: 'DELETE' });
  assert.equal(cancelled.status, 200);
  await insert(showCue('word', { at: from(4), duration_ms: 1_000, kind: 'notice', payload: { level: 'disclosure', text: 'x'.repeat(240) } }));
  // Five in one moment are more than an access unit carries whole.
  for (const card of ['cleared-1', 'cleared-2']) await insert(showCue(card, { at: from(7.5), payload: product(4) }));
  await insert({ op: 'clear', at: from(8.3) });
  const last = await insert(showCue('last', { at: from(9), payload: product(5, { title: 't'.repeat(120) }) }));
  return { last, sale };
}

const cardsOf = (page) => page.evaluate(() =>
  [...window.__players()[0].shadowRoot.querySelectorAll('[data-card-id]')].map((card) => card.dataset.cardId));

/** Looks at the frames there, on both sides of it, and goes back to live. */
async function goBackTo({ name, page }, pts) {
  await page.evaluate(() => window.__players()[0].video.pause());
  for (const to of [pts - SECOND / 3, pts + SECOND / 3]) {
    await page.evaluate((there) => {
      const [{ video, pts: now }] = window.__players();
      video.currentTime += (there - now) / 90_000;
    }, to);
    await until(`${name} is back at ${to}`, async () => {
      const at = await page.evaluate(() => {
        const [{ video, pts }] = window.__players();
        return { pts, time: video.currentTime, seeking: video.seeking, ready: video.readyState };
      });
      if (Math.abs(at.pts - to) < SECOND / 10) return true;
      throw new Error(JSON.stringify(at));
    }, { within: 30_000 });
  }
  // Too far behind, the player goes forward by itself.
  await page.evaluate(() => window.__players()[0].video.play());
}

/** The cues without those that were taken back. */
function standing(cues) {
  const gone = new Set(cues.filter(({ op }) => op === 'cancel').map(({ payload }) => payload.seq));
  return cues.filter(({ op, seq }) => op !== 'cancel' && !gone.has(seq));
}
