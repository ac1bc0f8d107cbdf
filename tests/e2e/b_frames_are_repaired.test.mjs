/**
 * A publisher with B-frames and a key frame every 8 s, which no browser plays by WebRTC: the server encodes the picture again
 * for those viewers, every frame once and in order, and goes on when that is killed. LL-HLS plays the source itself.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, startFrameLogs, watch, whepStats } from './lib/browser.mjs';
import { startServer, TRANSCODER_NAME } from './lib/harness.mjs';
import { everyPictureInOrder } from './lib/in-order.mjs';
import { childrenOf } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';
import { publishAiortc, recordTransportStream } from './lib/whip-clients.mjs';

const SOURCES = {
  RTMP: (t, server) => publishFfmpeg(t, server.rtmp('bees'), { bframes: 3, gop: 250 }),
  // In the order of decoding, each with the time of its presentation (RFC 6184 section 5.1). FFmpeg's WHIP client refuses that
  // by itself, and OBS makes none.
  WHIP: async (t, server) => {
    const folder = scratch(t, 'bees');
    const file = join(folder, 'bees.ts');
    await recordTransportStream(file, { seconds: 40, bframes: 2 });
    return publishAiortc(t, `${server.origin}/whip/bees`, { file });
  },
};
const BACK_WITHIN_MS = 4_000;

for (const [source, publish] of Object.entries(SOURCES)) {
  test(`b-frames by ${source}`, { timeout: 150_000 }, (t) => bFramesAreRepaired(t, source, publish));
}

async function bFramesAreRepaired(t, source, publish) {
  const server = await startServer(t);
  await publish(t, server);
  const { verdicts } = await waitLive(server, 'bees');
  assert.ok(verdicts.some(({ code }) => code === 'b_frames'), JSON.stringify(verdicts));
  const browser = await launchBrowser(t);

  for (const [name, protocol] of [['WebRTC', 'whep'], ['LL-HLS', 'hls']]) {
    await t.test(`${name} plays every picture in order`, async () => {
      const page = await watch(browser, server, 'bees', protocol);
      const before = protocol === 'whep' ? await decodedBy(page) : 0;
      await startFrameLogs(page);
      const log = await until('120 numbers read', async () => {
        const logs = await collectFrameLogs(page);
        return logs[protocol].frames.filter((frame) => frame.counter !== null).length >= 120 && logs[protocol];
      });
      const decoded = protocol === 'whep' ? (await decodedBy(page)) - before : undefined;
      everyPictureInOrder(t, name, log.frames, decoded);
      await page.close();
    });
  }
  if (source === 'RTMP') await t.test('the child is killed', () => theChildIsKilled(t, server, browser));
}

const decodedBy = async (page) => (await whepStats(page)).video.framesDecoded;

/** WebRTC viewers get its successor's pictures; LL-HLS viewers, who see the source, notice nothing. */
async function theChildIsKilled(t, server, browser) {
  const [whep, hls] = [await watch(browser, server, 'bees', 'whep'), await watch(browser, server, 'bees', 'hls')];
  const { video } = await streamInfo(server, 'bees');
  assert.deepEqual(video.repair, { why: 'b_frames', state: 'running', ll_hls: false });
  await startFrameLogs(hls);
  const pids = childrenOf(server.pid, TRANSCODER_NAME);
  assert.equal(pids.length, 2, 'one for the sound, one for the picture');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  const killed = performance.now();
  const before = await decodedBy(whep);
  await until('a second of pictures', async () => (await decodedBy(whep)) >= before + 30, { within: BACK_WITHIN_MS });
  t.diagnostic(`30 more pictures ${(performance.now() - killed).toFixed(0)} ms after the kill`);
  const { frames } = (await collectFrameLogs(hls)).hls;
  everyPictureInOrder(t, 'LL-HLS meanwhile', frames);
}
