/**
 * One insert, one frame, in another browser engine: Firefox by LL-HLS, H.264, and by WebRTC, VP9, since Debian's has no
 * H.264 there. The invariant, and how frames are known, as in one_insert_one_frame and lib/firefox-frames.mjs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertCue, listCues, product, showCue, waitLive } from './lib/api.mjs';
import { COUNTER, decodeCells } from './lib/barcode.mjs';
import { collectFrameLogs, launchBrowser, reportedPts, startFrameLogs, watch } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { nameFrames, nameReceived } from './lib/firefox-frames.mjs';
import { launchFirefox } from './lib/firefox.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { cardsAt, firstArrivals, judge } from './lib/invariant.mjs';
import { assertHolds, past, playCards, SECOND, settled } from './lib/one-insert.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { publishWhip } from './lib/whip.mjs';

const CARDS = process.env.SHOPCAST_FULL ? 40 : 4;
const STREAM = 'demo';
/**
 * Of the presented frames. Pictures are composed in another process, and a page that comes late to one has no callback for it:
 * on a busy machine that is a third of them.
 */
const READ = 0.5;
/** Of the source, 30 a second from a whole number of them on. */
const FRAME = SECOND / 30;
/** Less than half a frame. */
const BETWEEN = 1_000;

test('Firefox by LL-HLS', { timeout: 60_000 + CARDS * 12_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp(STREAM));
  const { page, recorder } = await onAir(t, server, 'hls');
  // A seek ends on a frame whose time is not told: none while frames are logged.
  const steady = [await steadyFrame(page)];
  const { frames, arrivals, cues } = await logCards(server, page, 'hls');
  const sought = await seekBetweenFrames(page, frames, cues);
  steady.push(await steadyFrame(page));
  const table = await tableOf(await recorder.stop());
  const named = nameFrames(frames, steady, table);
  const behind = named.filter((frame) => frame.behind > 0).length;
  t.diagnostic(`in ${behind} of ${named.length} callbacks the canvas still had an earlier picture`);
  await t.test('where a seek ends the cards are those of the frame that is shown', () => {
    const pts = table.get(decodeCells(sought.cells, COUNTER));
    t.diagnostic(`sought ${sought.to} at frame ${pts}, card from ${sought.threshold}; the player says ${sought.pts}`);
    assert.ok(pts < sought.threshold && sought.threshold < sought.to, 'the threshold is between the frame and what was sought');
    assert.equal(sought.pts, pts);
    assert.deepEqual(sought.cards.sort(), cardsAt(cues, pts));
  });
  assertHolds(t, 'Firefox by LL-HLS', judge({ frames: named, cues, table, arrivals }), { cards: CARDS + 1, read: READ });
  assert.deepEqual(page.errors, []);
});

test('Firefox by WebRTC', { timeout: 60_000 + CARDS * 12_000 }, async (t) => {
  const server = await startServer(t);
  await publishWhip(await launchBrowser(t), server, STREAM, { codec: 'VP9' });
  const { page, recorder } = await onAir(t, server, 'whep');
  const { frames, arrivals, cues } = await logCards(server, page, 'whep');
  const table = await tableOf(await recorder.stop());
  assertHolds(t, 'Firefox by WebRTC', judge({ frames: nameReceived(frames, table), cues, table, arrivals }), { cards: CARDS + 1, read: READ });
  assert.deepEqual(page.errors, []);
});

async function onAir(t, server, protocol) {
  await waitLive(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, (await presentation(server, STREAM)).video);
  return { page: await watch(await launchFirefox(t), server, STREAM, protocol), recorder };
}

async function logCards(server, page, protocol) {
  await startFrameLogs(page);
  await settled(page);
  await playCards(server, STREAM, CARDS, { [protocol]: page });
  // From a frame of the source: what the player reports may be a time that it has sought.
  const frame = Math.round((await reportedPts(page)) / FRAME) * FRAME;
  const between = { pts: frame + 3 * SECOND + FRAME / 2 };
  const { pts } = await insertCue(server, STREAM, showCue('between', { at: between, duration_ms: 1_000, payload: product(1) }));
  await past({ [protocol]: page }, protocol, pts + 2 * SECOND);
  const logs = await collectFrameLogs(page);
  return { frames: logs[protocol].frames, arrivals: firstArrivals(logs.arrivals, protocol), cues: await listCues(server, STREAM) };
}

const steadyFrame = (page, to = null) =>
  page.evaluate(([layout, seconds]) => window.__steadyFrame(window.__players()[0], layout, seconds), [COUNTER, to]);

/** Seeks to shortly after the threshold of a card that lies between two frames, where the frame before is shown still. */
async function seekBetweenFrames(page, frames, cues) {
  const { pts: threshold } = cues.find(({ card_id: card }) => card === 'between');
  const before = frames.findLast(({ state }) => state?.pts < threshold);
  const to = threshold + BETWEEN;
  return { threshold, to, ...await steadyFrame(page, before.mediaTime + (to - before.state.pts) / SECOND) };
}
