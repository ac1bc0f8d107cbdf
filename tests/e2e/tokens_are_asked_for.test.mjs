/**
 * Players whose token is missing or no good: they say so once and stop, and a new token lets them in. The refusals are
 * those of a stand-in: what is good is the server's to say, and is shown where it does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitLive } from './lib/api.mjs';
import { launchBrowser, newPage, playback } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const GOOD = 'good.token.1';
const RENEWED = 'good.token.2';
const FRAMES = 30;

/** Answers 401 without the good token, wherever it may be, and 403 with another; with a refusal it may wait. */
async function guard(page, seen) {
  const door = { good: GOOD, beforeRefusal: async () => {} };
  await page.route(/\/(whep|hls|v1)\//, async (route) => {
    const request = route.request();
    const bearer = /^Bearer (.*)$/.exec(request.headers().authorization ?? '')?.[1];
    const given = bearer ?? new URL(request.url()).searchParams.get('token');
    const status = given === door.good ? 200 : given === null ? 401 : 403;
    seen.push({ path: new URL(request.url()).pathname, status, bearer: bearer !== undefined });
    if (status === 200) return route.continue();
    await door.beforeRefusal();
    return route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify({ title: 'No', status, detail: 'the token is no good' }) });
  });
  return door;
}

const said = (page) => page.evaluate(() => {
  const player = window.__players()[0];
  return { status: player.status, text: player.shadowRoot.querySelector('[role="status"]').innerText.replace(/\s+/g, ' ').trim() };
});

/** A WebRTC session lives on without its token; of LL-HLS every request is asked for one. */
async function runOut(page, door) {
  door.good = RENEWED;
  await until('a refusal while it plays', async () => (await said(page)).status === 'refused', { within: 20_000 });
  const { frames } = await playback(page);
  await page.evaluate((token) => { window.__players()[0].token = token; }, RENEWED);
  await until(`${FRAMES} frames with the new one`, async () => {
    const now = await playback(page);
    // The media element counts anew when it is given a new source.
    return (await said(page)).status === 'playing' && (now.frames >= frames + FRAMES || now.frames < frames);
  }, { within: 20_000 });
}

/** The token is renewed while a request without it, the last before the player would give up, is under way. */
async function renewedMeanwhile(browser, server, protocol) {
  const page = await newPage(browser);
  const seen = [];
  const door = await guard(page, seen);
  const asked = () => seen.filter(({ path }) => path.startsWith(`/${protocol}/`)).length;
  const last = protocol === 'whep' ? 1 : 2;
  let refuse;
  const refusal = new Promise((resolve) => { refuse = resolve; });
  door.beforeRefusal = async () => { if (asked() === last) await refusal; };
  await page.goto(`${server.origin}/watch/show?protocol=${protocol}`);
  await until('the last request is under way', () => asked() === last);
  assert.equal((await said(page)).status, 'connecting');
  await page.evaluate((token) => { window.__players()[0].token = token; }, GOOD);
  refuse();
  await until(`${FRAMES} frames with the renewed one`, async () => (await playback(page)).frames >= FRAMES, { within: 20_000 });
  assert.equal((await said(page)).status, 'playing');
  await page.close();
}

test('tokens are asked for', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp('show'));
  await waitLive(server, 'show');

  for (const protocol of ['whep', 'hls']) {
    await t.test(protocol, async (sub) => {
      const page = await newPage(browser);
      const seen = [];
      const door = await guard(page, seen);
      await page.goto(`${server.origin}/watch/show?protocol=${protocol}`);
      const first = await until('a refusal', async () => {
        const now = await said(page);
        return now.status === 'refused' && now;
      });
      assert.match(first.text, /^This show needs a valid link The token is no good\. Open the show again/);
      await page.evaluate(() => { window.__players()[0].token = 'bad.token.1'; });
      await until('another refusal', async () => /^Your link is not for this show/.test((await said(page)).text));
      const refused = seen.filter(({ path }) => path.startsWith(`/${protocol}/`)).map(({ status }) => status);
      // hls.js asks, and then the player asks for the server's own words.
      assert.deepEqual(refused, protocol === 'whep' ? [401, 403] : [401, 401, 403, 403]);
      await page.evaluate((token) => { window.__players()[0].setAttribute('token', token); }, GOOD);
      await until(`${FRAMES} frames`, async () => (await playback(page)).frames >= FRAMES, { within: 20_000 });
      assert.equal((await said(page)).status, 'playing');
      const taken = seen.filter(({ path, status }) => path.startsWith(`/${protocol}/`) && status === 200);
      assert.ok(taken.length > 0 && taken.every(({ bearer }) => bearer === (protocol === 'whep')));
      if (protocol === 'hls') await sub.test('a token that runs out while it plays', () => runOut(page, door));
      await page.close();
      await sub.test('a token that is renewed while the old one is being refused', () => renewedMeanwhile(browser, server, protocol));
    });
  }
});
