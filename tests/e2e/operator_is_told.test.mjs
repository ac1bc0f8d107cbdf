/**
 * A publisher with FFmpeg's own settings, B-frames and a long GOP: within five seconds of going live the API says what to
 * change, and so does the operator's view of the watch page, which asks for a token where one is needed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo } from './lib/api.mjs';
import { launchBrowser, newPage } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const TOKEN = 'an-api-token-of-at-least-32-characters';
const CODES = ['b_frames', 'long_gop'];
/** Five seconds, and what asking takes: the page asks once a second. */
const WITHIN = { api: 5_300, page: 6_300 };

const visible = (page) => page.locator('#operator-verdicts li').evaluateAll((lines) => lines.map(({ dataset, innerText }) => [dataset.code, innerText]));

test('the operator is told', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  const page = await newPage(await launchBrowser(t));
  const asked = [];
  // A server that wants a token to be asked of a stream.
  await page.route(/\/v1\/streams\/show$/, async (route) => {
    const { authorization } = route.request().headers();
    asked.push({ url: route.request().url(), authorization });
    if (authorization === `Bearer ${TOKEN}`) return route.continue();
    return route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify({ title: 'No', status: 401, detail: 'this is not known' }) });
  });

  await page.goto(`${server.origin}/watch/show?protocol=hls&operator`);
  await page.locator('#operator-token').fill('wrong');
  await page.locator('#operator-form button').click();
  await page.locator('#operator-note', { hasText: 'this is not known' }).waitFor();
  assert.equal(asked.length, 2, 'a refusal is not tried again');
  await page.locator('#operator-token').fill(TOKEN);
  await page.locator('#operator-token').press('Enter');
  await page.locator('#operator-note', { hasText: 'Nobody publishes' }).waitFor();
  assert.equal(await page.locator('#operator-form').isHidden(), true);

  publishFfmpeg(t, server.rtmp('show'), { bframes: 2, gop: 250 });
  await until('live', async () => (await streamInfo(server, 'show')).state === 'live', { within: 20_000, every: 20 });
  const live = performance.now();
  const took = {};
  const tell = async (where, codes, within) => {
    await until(`${CODES} by the ${where}`, async () => `${await codes()}` === `${CODES}`, { within });
    took[where] = Math.round(performance.now() - live);
  };
  await Promise.all([
    tell('api', async () => (await streamInfo(server, 'show')).verdicts.map(({ code }) => code), WITHIN.api),
    tell('page', async () => (await visible(page)).map(([code]) => code), WITHIN.page),
  ]);
  t.diagnostic(`told after ${JSON.stringify(took)} ms`);

  const { verdicts } = await streamInfo(server, 'show');
  for (const { found, cost, remedy, detail } of verdicts) assert.equal(detail, `${found} ${cost} ${remedy}`);
  const lines = new Map(await visible(page));
  assert.match(lines.get('b_frames'), /up to \d pictures.*WebRTC.*bframes=0/s);
  assert.match(lines.get('long_gop'), /more than 4 s.*Keyframe Interval: 2 s/s);
  const facts = await page.locator('#operator-facts').innerText();
  assert.match(facts, /live.*H\.264 High.*640 × 360.*30\/s.*AAC, 48 kHz, stereo/s);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, history.state]));
  assert.ok(!kept.includes(TOKEN) && asked.every(({ url }) => !url.includes(TOKEN)), 'in no address and no storage');

  await t.test('a frame of another page has no field for a token', async () => {
    const outer = await newPage(page.context().browser());
    await outer.route('**/outer', (route) => route.fulfill({ contentType: 'text/html', body: `<iframe src="/watch/show?operator&protocol=hls"></iframe>` }));
    await outer.goto(`${server.origin}/outer`);
    const frame = outer.frameLocator('iframe');
    await frame.locator('#operator-note', { hasText: 'by itself' }).waitFor();
    assert.equal(await frame.locator('#operator-form').isHidden(), true);
    await outer.close();
  });
});
