/** The audio transcoder is killed under a WebRTC viewer: the picture goes on, and sound is back within two seconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitLive } from './lib/api.mjs';
import { launchBrowser, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer, TRANSCODER_NAME } from './lib/harness.mjs';
import { childrenOf } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const BACK_WITHIN_MS = 2_000;

test('the transcoder dies', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'));
  await waitLive(server, 'demo');
  const page = await watch(await launchBrowser(t), server, 'demo', 'whep');
  await unmute(page);
  await until('sound', async () => (await whepStats(page)).audio.totalAudioEnergy > 0);

  // Twice: once more after it was restarted, for a supervisor that forgets.
  for (const round of [1, 2]) {
    const [pid, ...others] = await until('one transcoder runs', () => {
      const pids = childrenOf(server.pid, TRANSCODER_NAME);
      return pids.length > 0 && pids;
    });
    assert.deepEqual(others, []);
    const before = await whepStats(page);
    process.kill(pid, 'SIGKILL');
    const killed = performance.now();
    await until('another transcoder runs', () => childrenOf(server.pid, TRANSCODER_NAME).some((other) => other !== pid));
    // Packets may still be on their way from the dead one: sound is back when it comes from its successor.
    const restarted = await whepStats(page);
    const after = await until('sound is back', async () => {
      const now = await whepStats(page);
      return now.audio.packetsReceived >= restarted.audio.packetsReceived + 10
        && now.audio.totalAudioEnergy > restarted.audio.totalAudioEnergy && now;
    }, { within: 2 * BACK_WITHIN_MS });
    const back = performance.now() - killed;
    const seconds = (after.video.timestamp - before.video.timestamp) / 1000;
    const frames = after.video.framesDecoded - before.video.framesDecoded;
    t.diagnostic(`round ${round}: sound back after ${back.toFixed(0)} ms, ${frames} pictures in ${seconds.toFixed(2)} s meanwhile`);
    assert.ok(back <= BACK_WITHIN_MS, `${back} ms`);
    assert.ok(frames >= 0.8 * 30 * seconds, `${frames} pictures in ${seconds} s`);
    assert.equal(after.state, 'connected');
  }
});
