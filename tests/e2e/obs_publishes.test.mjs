/**
 * OBS Studio, as installed, publishes with the settings that we recommend, and with its encoder's untouched: B-frames, and a
 * key frame every 8.3 s. Chromium plays both by WebRTC and by hls.js.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitLive } from './lib/api.mjs';
import { launchBrowser, playback, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishObs } from './lib/obs.mjs';
import { until } from './lib/wait.mjs';

test('obs to chromium', { timeout: 150_000 }, (t) => obsToChromium(t, {}, null));
test('obs untouched to chromium', { timeout: 150_000 }, (t) => obsToChromium(t, { x264: '', preset: 'veryfast' }, 'b_frames'));

async function obsToChromium(t, settings, repair) {
  const server = await startServer(t);
  const obs = await publishObs(t, server, 'show', settings);
  const { video, audio } = await waitLive(server, 'show');
  assert.equal(video.repair?.why ?? null, repair);
  assert.match(video.codecs, /^avc1\.[0-9a-f]{6}$/i);
  assert.equal(`${video.width}x${video.height}`, '640x360');
  assert.equal(audio.codecs, 'mp4a.40.2');
  const browser = await launchBrowser(t);

  await t.test('WebRTC', async () => {
    const page = await watch(browser, server, 'show', 'whep');
    await unmute(page);
    const before = await whepStats(page);
    const after = await until('60 more frames and their sound', async () => {
      const now = await whepStats(page);
      const enough = now.video.framesDecoded - before.video.framesDecoded >= 60;
      return enough && now.audio.totalAudioEnergy > before.audio.totalAudioEnergy && now;
    });
    // Of what came since the join: those of the past come at once, and a busy machine is a while decoding them.
    const [decoded, received] = ['framesDecoded', 'framesReceived'].map((name) => after.video[name] - before.video[name]);
    t.diagnostic(`WebRTC: ${decoded} of ${received} frames decoded, ${after.audio.packetsReceived} audio packets`);
    assert.ok(decoded >= 0.9 * received);
    await page.close();
  });

  await t.test('hls.js', async () => {
    const page = await watch(browser, server, 'show', 'hls');
    const before = await playback(page);
    const after = await until('60 more frames and their sound', async () => {
      const now = await playback(page);
      return now.frames - before.frames >= 60 && now.audioBytes > before.audioBytes && now;
    });
    t.diagnostic(`LL-HLS: ${after.frames} frames, ${after.dropped} dropped, ${after.audioBytes} bytes of sound decoded`);
    assert.equal(after.error, null);
  });

  assert.equal(obs.ended, false, 'OBS is still streaming');
  assert.doesNotMatch(obs.log(), /Disconnected|Reconnecting/i);
}
