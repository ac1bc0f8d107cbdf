/**
 * A publisher with B-frames: browsers cannot show them over WebRTC, so WHEP refuses and says which encoder setting to
 * change; LL-HLS plays the same stream, pictures in the right order.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectProblem, postWhep, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, startFrameLogs, watch } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';
import { publishAiortc, recordTransportStream } from './lib/whip-clients.mjs';

const SOURCES = {
  RTMP: (t, server) => publishFfmpeg(t, server.rtmp('bees'), { bframes: 2 }),
  // In the order of decoding, each with the time of its presentation (RFC 6184 section 5.1). FFmpeg's WHIP client refuses that
  // by itself, and OBS makes none.
  WHIP: async (t, server) => {
    const folder = scratch(t, 'bees');
    const file = join(folder, 'bees.ts');
    await recordTransportStream(file, { seconds: 40, bframes: 2 });
    return publishAiortc(t, `${server.origin}/whip/bees`, { file });
  },
};

for (const [source, publish] of Object.entries(SOURCES)) {
  test(`b-frames by ${source}`, { timeout: 120_000 }, (t) => bFramesAreRefused(t, publish));
}

async function bFramesAreRefused(t, publish) {
  const server = await startServer(t);
  await publish(t, server);
  const { verdicts } = await waitLive(server, 'bees');
  assert.deepEqual(verdicts.map(({ code }) => code), ['b_frames']);

  await t.test('WHEP is refused by a problem that names the setting', async () => {
    const response = await postWhep(server, 'bees');
    assert.ok(response.status >= 400 && response.status < 500, `${response.status}`);
    assert.equal(response.headers.get('location'), null);
    const { detail } = await expectProblem(response, response.status, /b-?frames/i);
    assert.match(detail, /bframes=0/, 'what to type into OBS');
  });

  await t.test('LL-HLS plays every picture in order', async () => {
    const page = await watch(await launchBrowser(t), server, 'bees', 'hls');
    await startFrameLogs(page);
    const { hls } = await until('120 numbers read', async () => {
      const logs = await collectFrameLogs(page);
      return logs.hls.frames.filter((frame) => frame.counter !== null).length >= 120 && logs;
    });
    const read = hls.frames.filter(({ counter }) => counter !== null);
    const steps = read.slice(1).map((frame, i) => [frame.counter - read[i].counter, frame.presented - read[i].presented]);
    t.diagnostic(`${read.length} numbers read, ${read[0].counter} to ${read.at(-1).counter}`);
    assert.ok(steps.every(([numbers]) => numbers > 0), `out of order: ${read.map(({ counter }) => counter)}`);
    // Those that a busy machine did not read were presented all the same; without B-frames none would be.
    const whole = steps.filter(([numbers, presented]) => numbers === presented).length;
    assert.ok(whole >= 0.9 * steps.length, `between ${steps.length - whole} of ${steps.length} pictures and the next some were not presented`);
  });
}
