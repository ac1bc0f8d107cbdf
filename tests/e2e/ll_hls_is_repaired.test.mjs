/**
 * Sources that LL-HLS players do not show, or cannot join: the server gives them the pictures that it makes for WebRTC viewers.
 * Players see every frame in order, also when the child that makes them is killed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, reportedPts, startFrameLogs, watch } from './lib/browser.mjs';
import { startServer, TRANSCODER_NAME } from './lib/harness.mjs';
import { presentation } from './lib/hls-client.mjs';
import { everyPictureInOrder } from './lib/in-order.mjs';
import { childrenOf } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

/** Nothing is listed of a stream without a second key frame before its first segment is as long as a segment may be. */
const REPAIRED_WITHIN_MS = 30_000;
const BACK_WITHIN_MS = 8_000;

test('4:2:2', { timeout: 120_000 }, (t) => llHlsIsRepaired(t, 'chroma', { profile: 'high422', pixels: 'yuv422p' }));
test('one key frame, at the beginning', { timeout: 120_000 }, (t) => llHlsIsRepaired(t, 'long_gop', { gop: 100_000 }));

async function llHlsIsRepaired(t, why, options) {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'), options);
  await waitLive(server, 'demo', { within: REPAIRED_WITHIN_MS });
  const { repair } = await until('LL-HLS has the repaired pictures', async () => {
    const { video } = await streamInfo(server, 'demo');
    return video.repair?.ll_hls && video;
  }, { within: REPAIRED_WITHIN_MS });
  assert.deepEqual(repair, { why, state: 'running', ll_hls: true });
  const { text } = await presentation(server, 'demo');
  assert.match(text, /CODECS="avc1\.42[4-7c-f]/i, 'constrained baseline, of which every device has a decoder');

  const page = await watch(await launchBrowser(t), server, 'demo', 'hls');
  await playsInOrder(t, 'LL-HLS', page, 90);
  await t.test('the children are killed', async () => {
    const from = await reportedPts(page);
    for (const pid of childrenOf(server.pid, TRANSCODER_NAME)) process.kill(pid, 'SIGKILL');
    await until('three seconds of pictures', async () => (await reportedPts(page)) > from + 270_000, { within: BACK_WITHIN_MS });
    await playsInOrder(t, 'LL-HLS afterwards', page, 60);
    assert.equal((await streamInfo(server, 'demo')).video.repair.ll_hls, true);
  });
  assert.deepEqual(page.errors, []);
}

async function playsInOrder(t, name, page, count) {
  await startFrameLogs(page);
  const { frames } = await until(`${count} numbers read`, async () => {
    const { hls } = await collectFrameLogs(page);
    return hls.frames.filter(({ counter }) => counter !== null).length >= count && hls;
  });
  everyPictureInOrder(t, name, frames);
}
