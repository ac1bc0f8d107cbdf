/** A seller goes live from the page with Chromium's own test camera and microphone, and a viewer watches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, newPage, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { until } from './lib/wait.mjs';

const FRAMES = 60;
const KEY = 'not-in-any-address.1';

/** A page that may use what there is. */
async function newStudio(browser, server) {
  const page = await newPage(browser);
  await page.context().grantPermissions(['camera', 'microphone'], { origin: server.origin });
  return page;
}

/** Answers as a browser does where no microphone is plugged in. */
function hideMicrophone() {
  const { mediaDevices } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    if (wanted.audio) throw new DOMException('Requested device not found', 'NotFoundError');
    return ask(wanted);
  };
}

const text = (page, id) => page.locator(`#${id}`).innerText();
const level = async (page) => Number(await page.locator('#meter').getAttribute('aria-valuenow'));

test('the page to go live from', { timeout: 150_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t, { args: ['--use-fake-device-for-media-stream'] });

  await t.test('goes live with picture and sound, and is watched', async () => {
    const page = await newStudio(browser, server);
    await page.goto(`${server.origin}/golive/show`);
    await page.locator('#live:enabled').waitFor();
    // The test microphone beeps.
    const levels = new Set();
    await until('the level moves', async () => levels.add(await level(page)).size >= 4 && Math.max(...levels) >= 30);
    t.diagnostic(`levels seen: ${[...levels].sort((a, b) => a - b)}`);
    await page.locator('#live').click();
    const { video, audio } = await waitLive(server, 'show');
    assert.equal(await text(page, 'state'), 'Live');
    t.diagnostic(`${video.width}x${video.height} ${video.codecs}, ${audio.codecs}`);
    const preference = await page.evaluate(() => window.__peers[0].getSenders()
      .find(({ track }) => track?.kind === 'video').getParameters().degradationPreference);
    assert.equal(preference, 'maintain-resolution');
    const viewer = await watch(browser, server, 'show', 'whep');
    await unmute(viewer);
    await until(`${FRAMES} frames and sound`, async () => {
      const stats = await whepStats(viewer);
      return stats?.video.framesDecoded >= FRAMES && stats.audio.totalAudioEnergy > 0;
    }, { within: 25_000 });
    await until('the viewer is counted on the page', async () => await text(page, 'viewers') === '1');
    await until('the server finds nothing wrong', async () => await text(page, 'advice-none') === 'All is well.');
    await page.locator('#live').click();
    await until('the stream is interrupted', async () => (await streamInfo(server, 'show')).state === 'interrupted');
    assert.equal(await text(page, 'state'), 'Off air');
    // It asks for the stream also while there is none yet, or no longer.
    const errors = page.errors.filter((error) => !/status of 404/.test(error));
    assert.deepEqual([...errors, ...viewer.errors], []);
    await Promise.all([page.close(), viewer.close()]);
  });

  await t.test('without a microphone it says so, and so does the server', async () => {
    const page = await newStudio(browser, server);
    await page.addInitScript(hideMicrophone);
    await page.goto(`${server.origin}/golive/mute`);
    await page.locator('#live:enabled').waitFor();
    assert.match(await text(page, 'live-note'), /no sound/);
    await page.locator('#live').click();
    await waitLive(server, 'mute', { kinds: ['video'] });
    const said = await until('what the server says', () => text(page, 'advice'), { within: 25_000 });
    assert.match(said, /No sound comes with the picture.*choose a microphone/);
    assert.deepEqual((await streamInfo(server, 'mute')).verdicts.map(({ code }) => code), ['no_sound']);
    await page.close();
  });

  await t.test('a stream key is asked for, sent as a header and kept in the tab alone', async () => {
    const page = await newStudio(browser, server);
    const sent = [];
    // A server that wants a key: it answers like ours, which has no keys in this test.
    await page.route('**/whip/**', async (route) => {
      const bearer = route.request().headers().authorization;
      sent.push({ method: route.request().method(), url: route.request().url(), bearer });
      if (bearer === `Bearer ${KEY}`) return route.continue();
      const status = bearer === undefined ? 401 : 403;
      return route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify({ title: 'No', status, detail: 'this stream needs its key' }) });
    });
    await page.goto(`${server.origin}/golive/keyed`);
    await page.locator('#live:enabled').waitFor();
    for (const [typed, title, remedy] of [
      [null, 'A stream key is needed', /Enter the stream key/],
      ['wrong', 'You may not go live on this stream', /Check the stream key/],
    ]) {
      if (typed !== null) await page.locator('#key').fill(typed);
      await page.locator('#live').click();
      await until(title, async () => await text(page, 'notice-title') === title);
      assert.match(await text(page, 'notice-detail'), remedy);
      assert.equal(await page.locator('#key').getAttribute('aria-invalid'), 'true');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'key');
    }
    assert.equal(sent.length, 2, 'a refusal is not tried again');
    await page.locator('#key').fill(KEY);
    await page.reload();
    await page.locator('#live:enabled').waitFor();
    assert.equal(await page.locator('#key').inputValue(), KEY, 'kept while the tab is open');
    await page.locator('#key').press('Enter');
    await waitLive(server, 'keyed');
    assert.ok(sent.every(({ url }) => !url.includes(KEY)) && !page.url().includes(KEY), 'in no address');
    assert.equal(await page.evaluate(() => Object.values(localStorage).join()), '');
    await page.locator('#live').click();
    await until('the session is deleted with the key', () => sent.some(({ method, bearer }) => method === 'DELETE' && bearer === `Bearer ${KEY}`));
    await page.close();
  });
});
