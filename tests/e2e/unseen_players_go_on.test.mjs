/**
 * A player that nobody sees, in a hidden tab or a frame scrolled away, goes on: cards, live regions and events follow, nothing
 * is said to have stopped, and what is painted first when it is seen again is right.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardsByApi, insertCue, showCue, waitLive } from './lib/api.mjs';
import { launchBrowser, watch } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { canBeUnseen } from './lib/unseen.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const SECOND = 90_000;
const NOTICE = { kind: 'notice', payload: { level: 'disclosure', text: 'Paid partnership' } };
/** Longer than a stalled picture may be taken for a slow one. */
const UNSEEN = 4 * SECOND;

const look = (page) => page.evaluate(() => {
  const [player] = window.__players();
  const cards = [...player.shadowRoot.querySelectorAll('[data-card-id]')].map((card) => card.dataset.cardId).sort();
  return { cards, pts: player.pts, frames: player.framesPresented, status: player.status, events: window.events };
});

test('unseen players go on', { timeout: 180_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp(STREAM), { profile: 'baseline' });
  await waitLive(server, STREAM);
  for (const protocol of ['whep', 'hls']) {
    const page = await watch(browser, server, STREAM, protocol, { prepare: canBeUnseen });
    await page.evaluate(() => {
      window.events = 0;
      window.__players()[0].addEventListener('shopcast:state', () => {
        window.events += 1;
        window.eventAt = performance.now();
      });
    });
    for (const how of ['hidden', 'elsewhere']) {
      await t.test(`${protocol}, ${how}`, async () => {
        const shown = await insertCue(server, STREAM, showCue('mug'));
        await until('the card', async () => (await look(page)).cards.join() === 'mug');
        await page.evaluate((as) => window.__unsee(as), how);
        const before = await look(page);
        await insertCue(server, STREAM, { card_id: 'mug', op: 'hide', at: { pts: shown.pts + 2 * SECOND } });
        const { pts } = await insertCue(server, STREAM, showCue('word', { ...NOTICE, at: { after_ms: 2_000 } }));
        const unseen = await until('cards change unseen', async () => {
          const now = await look(page);
          return now.pts > Math.max(before.pts + UNSEEN, pts + SECOND) && now;
        }, { within: 30_000 });
        assert.deepEqual([unseen.cards, unseen.status, unseen.frames], [['word'], 'playing', before.frames]);
        assert.ok(unseen.events - before.events >= 4, `${unseen.events - before.events} events`);
        // One that nobody was told of by a frame yet, and that holds from about when the page is seen again.
        const next = await insertCue(server, STREAM, { op: 'clear' });
        await until('live is past it', async () => (await look(page)).pts > next.pts - SECOND / 5);
        const seen = await until('a moment between two looks of the player’s own', () => page.evaluate(() => {
          const [player] = window.__players();
          if (performance.now() - window.eventAt < 120) return null;
          const { pts: was } = player;
          window.__unsee(null);
          // What would be painted before any callback came.
          return { was, pts: player.pts, cards: player.shadowRoot.querySelectorAll('[data-card-id]').length };
        }), { every: 7 });
        if (how === 'hidden') assert.ok(seen.pts - seen.was > SECOND / 20, `the cards are as of ${seen.pts - seen.was} ticks later`);
        assert.equal(seen.cards, (await cardsByApi(server, STREAM, seen.pts)).length, `at ${seen.pts - next.pts} ticks past the clear`);
        await until('frames are presented again', async () => (await look(page)).frames > before.frames + 10);
        const after = await look(page);
        assert.deepEqual([after.cards, after.status], [[], 'playing']);
        assert.deepEqual(page.errors, []);
      });
    }
    await page.close();
  }
});
