/**
 * Cards of every kind in both players: text is text, clocks count down on the frame that is shown, what is taken back never
 * shows, what is moved shows once, and a prepared scene changes on one frame.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectProblem, getCue, insertCue, postCue, product, showCue, waitLive } from './lib/api.mjs';
import { launchBrowser, watch } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const TICKS_PER_S = 90_000;
const MARKUP = '<img src=x onerror=alert(1)>';

const CARDS = {
  mug: { kind: 'product', payload: product(1, { title: MARKUP }) },
  tote: { kind: 'flash_sale', payload: { ...product(2), sale: 'friday', ends: { after_ms: 12_000 } } },
  code: { kind: 'coupon', payload: { code: 'MUG-10', title: '10 % off', terms: 'Once', ends: null } },
  vote: { kind: 'poll', payload: { poll: 'colour', question: 'Which colour?', options: ['Red', MARKUP], ends: null } },
  word: { kind: 'notice', payload: { level: 'warning', text: 'The pan is hot' } },
  quiz: { kind: 'app', payload: { schema: 'com.example.quiz-1', data: { q: 'who?', n: [1, 2.5, null] } } },
};

/** Logs each presented frame with what stands on the page: the cards, and the clock. */
const logFrames = (page) => page.evaluate(() => {
  const player = window.__players()[0];
  window.frames_seen = [];
  window.cues_seen = [];
  player.addEventListener('shopcast:cues', ({ detail }) => window.cues_seen.push(...detail.cues));
  player.addEventListener('shopcast:state', ({ detail }) => {
    const cards = [...player.shadowRoot.querySelectorAll('[data-card-id]')].map((card) => card.dataset.cardId).sort();
    const clock = player.shadowRoot.querySelector('[data-card-id="tote"] .countdown')?.textContent ?? null;
    window.frames_seen.push({ pts: detail.pts, cards, clock });
  });
});

const framesOf = (page) => page.evaluate(() => window.frames_seen);

/** The frames of a page once it has presented one at or past `pts`. */
const framesUntil = (page, pts) => until(`a frame past ${pts}`, async () => {
  const frames = await framesOf(page);
  return frames.some((frame) => frame.pts >= pts) && frames;
}, { within: 30_000 });

const left = (ticks) => {
  if (ticks <= 0) return 'Ended';
  const seconds = Math.ceil(ticks / TICKS_PER_S);
  return `Ends in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};

const send = (server, method, path, body) => fetch(`${server.origin}/v1/streams/${STREAM}/${path}`, {
  method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body),
});

test('cards of every kind', { timeout: 180_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp(STREAM), { profile: 'baseline' });
  await waitLive(server, STREAM);
  const pages = { whep: await watch(browser, server, STREAM, 'whep'), hls: await watch(browser, server, STREAM, 'hls') };
  for (const page of Object.values(pages)) await logFrames(page);

  await t.test('each is shown, and its text is text', async () => {
    for (const [card, content] of Object.entries(CARDS)) await insertCue(server, STREAM, showCue(card, content));
    for (const [name, page] of Object.entries(pages)) {
      const texts = await until(`five cards by ${name}`, () => page.evaluate(() => {
        const cards = [...window.__players()[0].shadowRoot.querySelectorAll('[data-card-id]')];
        return cards.length === 5 && Object.fromEntries(cards.map((card) => [card.dataset.cardId, card.innerText]));
      }), { within: 20_000 });
      assert.ok(texts.mug.includes(MARKUP), texts.mug);
      assert.match(texts.tote, /Product 2[^]*€[^]*Ends in 0:\d\d/, name);
      assert.match(texts.code, /10 % off[^]*MUG-10[^]*Once/, name);
      assert.ok(texts.vote.includes('Which colour?') && texts.vote.includes('Red') && texts.vote.includes(MARKUP), texts.vote);
      assert.match(texts.word, /The pan is hot/);
      const app = await page.evaluate(() => window.cues_seen.find((cue) => cue.kind === 'app'));
      assert.deepEqual([app.payload.schema, JSON.parse(app.payload.data)], [CARDS.quiz.payload.schema, CARDS.quiz.payload.data]);
      assert.deepEqual(page.errors, []);
    }
  });

  await t.test('a clock reads what is left at the frame that is shown, until it has ended', async () => {
    const { payload } = await getCue(server, STREAM, 2);
    const ends = payload.ends.pts;
    for (const [name, page] of Object.entries(pages)) {
      const frames = (await framesUntil(page, ends)).filter((frame) => frame.clock !== null);
      assert.ok(frames.length > 150, `${name}: ${frames.length} frames with a clock`);
      for (const { pts, clock } of frames) assert.equal(clock, left(ends - pts), `${name} at ${ends - pts} ticks before the end`);
      assert.ok(frames.some(({ clock }) => clock === 'Ends in 0:01') && frames.some(({ clock }) => clock === 'Ended'), name);
    }
  });

  await t.test('what is taken back never shows, and what is moved shows once', async () => {
    await insertCue(server, STREAM, { op: 'clear' });
    const scheduled = (card) => insertCue(server, STREAM, showCue(card, { at: { after_ms: 3_000 }, duration_ms: 1_000 }));
    const [gone, moved] = [await scheduled('gone'), await scheduled('moved')];
    const cancelled = await send(server, 'DELETE', `cues/${gone.seq}`);
    assert.equal(cancelled.status, 200);
    assert.equal((await cancelled.json()).pts, gone.pts);
    const answer = await send(server, 'PATCH', `cues/${moved.seq}`, { at: { pts: moved.pts + 2 * TICKS_PER_S } });
    const there = await answer.json();
    assert.equal(there.pts, moved.pts + 2 * TICKS_PER_S);
    assert.equal((await getCue(server, STREAM, gone.seq)).taken_back, true);
    for (const [name, page] of Object.entries(pages)) {
      const frames = await framesUntil(page, there.pts + 2 * TICKS_PER_S);
      assert.ok(frames.every(({ cards }) => !cards.includes('gone')), name);
      for (const { pts, cards } of frames.filter(({ pts }) => pts >= moved.pts - TICKS_PER_S)) {
        assert.equal(cards.includes('moved'), pts >= there.pts && pts < there.pts + TICKS_PER_S, `${name} at ${pts - there.pts}`);
      }
    }
    await expectProblem(await send(server, 'DELETE', `cues/${there.seq}`), 409, /too late.*hide/);
    await expectProblem(await send(server, 'DELETE', 'cues/999'), 404, /999/);
  });

  await t.test('a prepared scene changes on one frame', async () => {
    await insertCue(server, STREAM, showCue('before'));
    const scene = [{ op: 'hide', card_id: 'before' }, { ...showCue('after'), at: undefined }, { ...showCue('note', CARDS.word), at: undefined }];
    assert.equal((await send(server, 'PUT', 'armed/scene-2', { cues: scene })).status, 204);
    assert.deepEqual(await (await send(server, 'GET', 'armed')).json(), { armed: [{ name: 'scene-2', fired: false, cues: 3, seqs: [] }] });
    const fired = await send(server, 'POST', 'armed/scene-2/fire', { at: { after_ms: 1_000 } });
    const { cues } = await fired.json();
    assert.deepEqual([fired.status, fired.headers.get('idempotent-replayed'), new Set(cues.map(({ pts }) => pts)).size], [200, 'false', 1]);
    const again = await send(server, 'POST', 'armed/scene-2/fire', {});
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    assert.deepEqual(await again.json(), { cues });
    const [{ pts: threshold }] = cues;
    for (const [name, page] of Object.entries(pages)) {
      const frames = await framesUntil(page, threshold + TICKS_PER_S);
      for (const { pts, cards } of frames.filter(({ pts }) => pts >= threshold - TICKS_PER_S / 3)) {
        assert.deepEqual(cards, pts < threshold ? ['before'] : ['after', 'note'], `${name} at ${pts - threshold}`);
      }
    }
    await expectProblem(await send(server, 'POST', 'armed/scene-3/fire', {}), 404, /scene-3/);
    await expectProblem(await send(server, 'PUT', 'armed/x', { cues: [] }), 400, /1 to 8/);
    await expectProblem(await send(server, 'PUT', 'armed/x', { cues: [showCue('a', { at: { pts: 1 } })] }), 400, /cues\[0\].*at/);
    await expectProblem(await send(server, 'PUT', 'armed/x', { cues: [scene[0], { op: 'show', card_id: 'a' }] }), 400, /cues\[1\].*payload/);
    assert.equal((await send(server, 'DELETE', 'armed/scene-2')).status, 204);
  });

  await t.test('pictures come from listed hosts alone', async () => {
    const elsewhere = product(1, { image: 'https://elsewhere.example/mug.png' });
    await expectProblem(await postCue(server, STREAM, showCue('a', { payload: elsewhere })), 400, /elsewhere\.example.*cues\.image_hosts/);
  });
});
