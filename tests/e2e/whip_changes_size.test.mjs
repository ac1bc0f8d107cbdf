/**
 * A browser's picture changes its size and its rate as its network and its owner please. Each change may cost LL-HLS one
 * discontinuity, and must never stall a viewer.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { discontinuities, presentation } from './lib/hls-client.mjs';
import { until } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const SIZES = [[320, 180], [640, 360], [360, 640], ...(process.env.SHOPCAST_FULL ? [[1280, 720], [480, 270], [640, 360]] : [])];
const FRAMES = 30;

test('the picture changes its size', { timeout: 60_000 + SIZES.length * 30_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const publisher = await publishWhip(browser, server, 'phone');
  await waitLive(server, 'phone');
  const { video: uri } = await presentation(server, 'phone');
  const pages = { whep: await watch(browser, server, 'phone', 'whep'), hls: await watch(browser, server, 'phone', 'hls') };
  let epoch = await discontinuities(server, 'phone', uri);
  for (const [width, height] of SIZES) {
    const before = { whep: await playback(pages.whep), hls: await playback(pages.hls) };
    await publisher.whip('resize', width, height);
    await until(`the stream is ${width}x${height}`, async () => {
      const { video } = await streamInfo(server, 'phone');
      return video.width === width && video.height === height;
    });
    for (const name of ['whep', 'hls']) {
      const now = await until(`${width}x${height} and ${FRAMES} more frames by ${name}`, async () => {
        const state = await playback(pages[name]);
        return state.width === width && state.frames - before[name].frames >= FRAMES && state;
      }, { within: 20_000 });
      assert.equal(now.error, null);
    }
    const count = await discontinuities(server, 'phone', uri);
    t.diagnostic(`${width}x${height}: ${count - epoch} discontinuities`);
    assert.ok(count - epoch <= 1, `${count - epoch} discontinuities for one change`);
    epoch = count;
  }
  assert.equal(await pages.whep.evaluate(() => window.__peers.length), 1, 'the viewer has not connected anew');
  const { video } = await whepStats(pages.whep);
  t.diagnostic(`WebRTC: ${video.freezeCount} freezes, ${video.totalFreezesDuration.toFixed(1)} s`);
  assert.deepEqual([...pages.whep.errors, ...pages.hls.errors], []);
});

test('the picture comes at an uneven rate', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const publisher = await publishWhip(browser, server, 'phone');
  await waitLive(server, 'phone');
  const { video: uri } = await presentation(server, 'phone');
  const page = await watch(browser, server, 'phone', 'hls');
  const count = await discontinuities(server, 'phone', uri);
  for (const fps of [10, 30, 5, 24]) {
    const before = await playback(page);
    await publisher.whip('rate', fps);
    await until(`three seconds more at ${fps} frames per second`, async () => (await playback(page)).time - before.time >= 3, { within: 20_000 });
  }
  assert.ok((await discontinuities(server, 'phone', uri)) - count <= 1);
  assert.equal((await playback(page)).error, null);
  assert.deepEqual(page.errors, []);
});
