/** FFmpeg publishes by RTMP; Chromium plays the real watch page, by WebRTC and by hls.js. Pictures and sound are counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const FPS = 30;
/** Frames that must have been decoded between two looks: three seconds' worth. */
const FRAMES = 3 * FPS;

test('ffmpeg to chromium', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'), { fps: FPS, gop: 2 * FPS });
  const { video, audio } = await waitLive(server, 'demo');
  assert.match(video.codecs, /^avc1\.[0-9a-f]{6}$/i);
  assert.equal(`${video.width}x${video.height}`, '640x360');
  assert.equal(audio.codecs, 'mp4a.40.2');
  const browser = await launchBrowser(t);

  await t.test('WebRTC: frames and sound are decoded, under an AEAD cipher', async () => {
    const page = await watch(browser, server, 'demo', 'whep');
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
    const sound = (after.audio.totalSamplesReceived - before.audio.totalSamplesReceived) / 48_000 / seconds;
    const concealed = (after.audio.concealedSamples - before.audio.concealedSamples) / (48_000 * seconds);
    t.diagnostic(`WebRTC: ${rate.toFixed(1)} frames/s, sound ${(100 * sound).toFixed(0)} % of the time, `
      + `${(100 * concealed).toFixed(1)} % concealed, ${after.transport.srtpCipher}, ${after.video.pliCount} PLI, `
      + `${after.video.freezeCount} freezes`);
    assert.equal(after.state, 'connected');
    assert.equal(after.video.frameWidth, 640);
    assert.ok(rate > 0.9 * FPS, `${rate} frames/s`);
    assert.ok(sound > 0.9, `${sound} of the sound`);
    // A tone is on: silence or concealment instead of it would be a broken transcoder.
    assert.ok(after.audio.totalAudioEnergy > before.audio.totalAudioEnergy, 'silence');
    assert.ok(after.audio.audioLevel > 0.01, `audio level ${after.audio.audioLevel}`);
    assert.ok(concealed < 0.1, `${concealed} of the sound is made up`);
    assert.match(after.transport.srtpCipher, /AEAD_AES_(128|256)_GCM$/);
    await until('one WHEP viewer is counted', async () => (await streamInfo(server, 'demo')).viewers.webrtc === 1);
    assert.deepEqual(page.errors, []);
    await page.close();
    // Closing the page ends the session by DELETE or, at the latest, by lost consent.
    await until('no WHEP viewer is counted', async () => (await streamInfo(server, 'demo')).viewers.webrtc === 0, { within: 35_000 });
  });

  await t.test('hls.js: frames and sound are decoded', async () => {
    const page = await watch(browser, server, 'demo', 'hls');
    const before = await playback(page);
    const started = performance.now();
    const after = await until(`${FRAMES} more frames`, async () => {
      const now = await playback(page);
      return now.frames - before.frames >= FRAMES && now.audioBytes > before.audioBytes && now;
    });
    const rate = (after.frames - before.frames) / ((performance.now() - started) / 1000);
    t.diagnostic(`LL-HLS: ${rate.toFixed(1)} frames/s, ${after.dropped} dropped, ${after.audioBytes} bytes of sound decoded`);
    assert.equal(after.width, 640);
    assert.equal(after.error, null);
    assert.ok(rate > 0.85 * FPS, `${rate} frames/s`);
    assert.deepEqual(page.errors, []);
    await page.close();
  });

  await t.test('both players play side by side on one page', async () => {
    const page = await watch(browser, server, 'demo', 'both');
    assert.deepEqual(await page.evaluate(() => window.__players().map(window.__protocolOf)), ['whep', 'hls']);
    assert.deepEqual(page.errors, []);
  });
});
