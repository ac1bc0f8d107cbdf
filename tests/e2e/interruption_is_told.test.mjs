/** The publisher drops and comes back, and at last the show is ended: both players keep the picture and say so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertCue, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const FRAMES = 45;

/** What the page's player says over its picture, and where; null when it says nothing. */
const notice = (page) => page.evaluate(() => {
  const player = window.__players()[0];
  const region = player.shadowRoot.querySelector('[role="status"]');
  const box = region.querySelector('.notice');
  if (box.hidden) return null;
  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const place = box.getBoundingClientRect();
  const whole = player.getBoundingClientRect();
  const cards = [...player.shadowRoot.querySelectorAll('[data-card-id]')].map((card) => card.getBoundingClientRect());
  return {
    text: region.innerText.replace(/\s+/g, ' ').trim(), status: player.status, cards: cards.length,
    coversCards: cards.some((card) => overlap(card, place)),
    share: (place.width * place.height) / (whole.width * whole.height),
  };
});

/** Whether the picture that stands is one: not all of one colour. */
const hasPicture = (page) => page.evaluate(() => {
  const { video } = window.__players()[0];
  const canvas = new OffscreenCanvas(32, 18);
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 32, 18);
  const { data } = context.getImageData(0, 0, 32, 18);
  return new Set(data.filter((_, i) => i % 4 !== 3)).size > 16;
});

/** Who comes while nothing does is shown what the others were shown last. */
async function newcomerSeesTheLastPicture(t, browser, server, protocol) {
  const page = await watch(browser, server, STREAM, protocol);
  await until(`a newcomer by ${protocol} sees a picture`, () => hasPicture(page));
  const said = await until(`the notice to a newcomer by ${protocol}`, () => notice(page));
  t.diagnostic(`a newcomer by ${protocol}: ${said.text}`);
  assert.equal(said.status, 'interrupted');
  await page.close();
}

/** Its pictures are encoded again, by a child that begins after the last of them has come. */
test('who comes while a publisher with B-frames is silent', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const publisher = publishFfmpeg(t, server.rtmp(STREAM), { bframes: 3, gop: 250 });
  await waitLive(server, STREAM);
  await until('nothing is encoded for nobody', async () => (await streamInfo(server, STREAM)).video.repair?.state === 'idle');
  process.kill(publisher.pid, 'SIGSTOP');
  const page = await watch(browser, server, STREAM, 'whep');
  await until('the last picture is seen', () => hasPicture(page));
  const said = await until('the notice', () => notice(page));
  assert.equal(said.text, 'The picture has paused Waiting for the broadcaster…');
  process.kill(publisher.pid, 'SIGCONT');
  const { frames } = await playback(page);
  await until(`${FRAMES} more frames`, async () => (await playback(page)).frames - frames >= FRAMES, { within: 25_000 });
  assert.deepEqual(page.errors, []);
});

test('an interruption is told', { timeout: 150_000 }, async (t) => {
  // The show must outlast what a busy machine takes to open two pages.
  const server = await startServer(t, { env: { SHOPCAST_STREAMS__RESUME_WINDOW: '60s' } });
  const browser = await launchBrowser(t);
  const publisher = publishFfmpeg(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const pages = { whep: await watch(browser, server, STREAM, 'whep'), hls: await watch(browser, server, STREAM, 'hls') };
  await insertCue(server, STREAM, showCue('mug'));
  for (const [name, page] of Object.entries(pages)) {
    await until(`the card by ${name}`, () => page.evaluate(() => window.__players()[0].shadowRoot.querySelectorAll('[data-card-id]').length === 1));
    assert.equal(await notice(page), null, name);
  }

  await t.test('while the publisher is silent', async () => {
    const { pliCount: asked } = (await whepStats(pages.whep)).video;
    process.kill(publisher.pid, 'SIGSTOP');
    for (const [name, page] of Object.entries(pages)) {
      const said = await until(`the notice by ${name}`, () => notice(page));
      assert.equal(said.text, 'The picture has paused Waiting for the broadcaster…', name);
      assert.ok(await hasPicture(page), `${name}: the last picture stays`);
    }
    assert.equal((await streamInfo(server, STREAM)).state, 'live');
    const before = { whep: await playback(pages.whep), hls: await playback(pages.hls) };
    // Chromium without pictures asks for a key frame every three seconds.
    await until('the browser has asked for pictures', async () => (await whepStats(pages.whep)).video.pliCount > asked);
    for (const [name, page] of Object.entries(pages)) {
      assert.equal((await playback(page)).frames, before[name].frames, `${name}: what was shown before is not shown again`);
      assert.notEqual(await notice(page), null, name);
    }
    process.kill(publisher.pid, 'SIGCONT');
    for (const [name, page] of Object.entries(pages)) {
      await until(`${FRAMES} more frames by ${name}`, async () => (await playback(page)).frames - before[name].frames >= FRAMES, { within: 25_000 });
      await until(`no notice by ${name}`, async () => await notice(page) === null);
    }
  });

  await t.test('while the publisher is away', async () => {
    await publisher.stop('SIGKILL');
    await until('the stream is interrupted', async () => (await streamInfo(server, STREAM)).state === 'interrupted');
    for (const [name, page] of Object.entries(pages)) {
      const said = await until(`the notice by ${name}`, () => notice(page));
      t.diagnostic(`${name}: ${JSON.stringify(said)}`);
      assert.equal(said.text, 'The broadcast is interrupted It will go on here.', name);
      assert.equal(said.status, 'interrupted');
      assert.deepEqual([said.cards, said.coversCards], [1, false], `${name}: the card stays and can be read`);
      assert.ok(said.share < 0.2, `${name}: the picture can be seen behind it`);
      assert.ok(await hasPicture(page), `${name}: the last picture stays`);
    }
    for (const protocol of Object.keys(pages)) await newcomerSeesTheLastPicture(t, browser, server, protocol);
  });

  await t.test('when it is back', async () => {
    const before = { whep: await playback(pages.whep), hls: await playback(pages.hls) };
    publishFfmpeg(t, server.rtmp(STREAM));
    for (const [name, page] of Object.entries(pages)) {
      await until(`${FRAMES} more frames by ${name}`, async () => (await playback(page)).frames - before[name].frames >= FRAMES, { within: 25_000 });
      await until(`no notice by ${name}`, async () => await notice(page) === null);
    }
    assert.equal(await pages.whep.evaluate(() => window.__peers.length), 1, 'the viewer has not connected anew');
    assert.deepEqual([...pages.whep.errors, ...pages.hls.errors], []);
  });

  await t.test('when the show is ended', async () => {
    const response = await fetch(`${server.origin}/v1/streams/${STREAM}`, { method: 'DELETE' });
    assert.equal(response.status, 204);
    assert.equal((await fetch(`${server.origin}/v1/streams/${STREAM}`)).status, 404);
    for (const [name, page] of Object.entries(pages)) {
      const said = await until(`the end by ${name}`, async () => {
        const now = await notice(page);
        return now?.status === 'ended' && now;
      });
      assert.match(said.text, /^The broadcast is over/, name);
    }
    assert.match(await (await fetch(`${server.origin}/hls/${STREAM}/video.m3u8`)).text(), /#EXT-X-ENDLIST/);
  });
});
