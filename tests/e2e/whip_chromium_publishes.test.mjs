/** Chromium publishes by WHIP; another Chromium plays the real watch page, by WebRTC and by hls.js. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { until } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const FPS = 30;
const FRAMES = 3 * FPS;

test('chromium to chromium', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const publisher = await publishWhip(browser, server, 'phone', { fps: FPS });
  const { video, audio } = await waitLive(server, 'phone');
  assert.match(video.codecs, /^avc1\.42[0-9a-f]{4}$/i);
  assert.equal(`${video.width}x${video.height}`, '640x360');
  assert.deepEqual([audio.codec, audio.codecs], ['opus', 'opus']);

  await t.test('WebRTC: frames and sound are decoded', async () => {
    const page = await watch(browser, server, 'phone', 'whep');
    await unmute(page);
    const before = await until('media by WebRTC', async () => {
      const stats = await whepStats(page);
      return stats?.video.framesDecoded > 0 && stats.audio.totalAudioEnergy > 0 && stats;
    });
    const after = await until(`${FRAMES} more frames`, async () => {
      const stats = await whepStats(page);
      return stats.video.framesDecoded - before.video.framesDecoded >= FRAMES && stats;
    });
    const seconds = (after.video.timestamp - before.video.timestamp) / 1000;
    const rate = (after.video.framesDecoded - before.video.framesDecoded) / seconds;
    t.diagnostic(`WebRTC: ${rate.toFixed(1)} frames/s, level ${after.audio.audioLevel.toFixed(2)}, ${after.video.pliCount} PLI, ${after.video.freezeCount} freezes`);
    assert.ok(rate > 0.8 * FPS, `${rate} frames/s`);
    assert.ok(after.audio.totalAudioEnergy > before.audio.totalAudioEnergy, 'silence');
    assert.ok(after.audio.audioLevel > 0.01, `audio level ${after.audio.audioLevel}`);
    assert.deepEqual(page.errors, []);
    await page.close();
  });

  await t.test('hls.js: frames and sound are decoded', async () => {
    const page = await watch(browser, server, 'phone', 'hls');
    const before = await playback(page);
    const after = await until(`${FRAMES} more frames`, async () => {
      const now = await playback(page);
      return now.frames - before.frames >= FRAMES && now.audioBytes > before.audioBytes && now;
    });
    t.diagnostic(`LL-HLS: ${after.frames} frames, ${after.dropped} dropped, ${after.audioBytes} bytes of sound decoded`);
    assert.equal(after.width, 640);
    assert.equal(after.error, null);
    assert.deepEqual(page.errors, []);
    await page.close();
  });

  await t.test('key frames come every two seconds though a browser sends none by itself', async () => {
    const { video: now } = await streamInfo(server, 'phone');
    assert.ok(now.gop_ms > 1000 && now.gop_ms < 3500, `${now.gop_ms} ms`);
  });

  await t.test('DELETE ends it with 200, and the stream waits for its publisher', async () => {
    assert.equal(await publisher.whip('stop'), 200);
    await until('the stream is interrupted', async () => (await streamInfo(server, 'phone')).state === 'interrupted');
  });
});
