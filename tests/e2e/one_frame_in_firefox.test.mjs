/**
 * One insert, one frame, in another browser engine: Firefox by LL-HLS, H.264, and by WebRTC, VP9, since Debian's has no
 * H.264 there. The invariant, and how frames are known, as in one_insert_one_frame and lib/firefox-frames.mjs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listCues, waitLive } from './lib/api.mjs';
import { COUNTER } from './lib/barcode.mjs';
import { collectFrameLogs, launchBrowser, startFrameLogs, watch } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { nameFrames } from './lib/firefox-frames.mjs';
import { launchFirefox } from './lib/firefox.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { firstArrivals, judge } from './lib/invariant.mjs';
import { assertHolds, playCards } from './lib/one-insert.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { publishWhip } from './lib/whip.mjs';

const CARDS = process.env.SHOPCAST_FULL ? 40 : 4;
const STREAM = 'demo';

test('Firefox by LL-HLS', { timeout: 60_000 + CARDS * 12_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp(STREAM));
  const { page, recorder } = await onAir(t, server, 'hls');
  // A seek ends on a frame whose time is not told: none while frames are logged.
  const steady = [await steadyFrame(page)];
  const { frames, arrivals, cues } = await logCards(server, page, 'hls');
  steady.push(await steadyFrame(page));
  const table = await tableOf(await recorder.stop());
  const named = nameFrames(frames, steady, table);
  const behind = named.filter((frame) => frame.behind > 0).length;
  t.diagnostic(`in ${behind} of ${named.length} callbacks the canvas still had an earlier picture`);
  assertHolds(t, 'Firefox by LL-HLS', judge({ frames: named, cues, table, arrivals }), { cards: CARDS });
  assert.deepEqual(page.errors, []);
});

test('Firefox by WebRTC', { timeout: 60_000 + CARDS * 12_000 }, async (t) => {
  const server = await startServer(t);
  await publishWhip(await launchBrowser(t), server, STREAM, { codec: 'VP9' });
  const { page, recorder } = await onAir(t, server, 'whep');
  const { frames, arrivals, cues } = await logCards(server, page, 'whep');
  const table = await tableOf(await recorder.stop());
  assertHolds(t, 'Firefox by WebRTC', judge({ frames, cues, table, arrivals }), { cards: CARDS });
  assert.deepEqual(page.errors, []);
});

async function onAir(t, server, protocol) {
  await waitLive(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, (await presentation(server, STREAM)).video);
  return { page: await watch(await launchFirefox(t), server, STREAM, protocol), recorder };
}

async function logCards(server, page, protocol) {
  await startFrameLogs(page);
  await playCards(server, STREAM, CARDS, { [protocol]: page });
  const logs = await collectFrameLogs(page);
  return { frames: logs[protocol].frames, arrivals: firstArrivals(logs.arrivals, protocol), cues: await listCues(server, STREAM) };
}

const steadyFrame = (page) => page.evaluate((layout) => window.__steadyFrame(window.__players()[0].video, layout), COUNTER);
