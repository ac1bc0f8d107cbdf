/**
 * One insert, one frame, by the media alone: for players of other makers that read no side channel, by LL-HLS and by WebRTC,
 * and in the parts and playlists as they were served.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertCue, listCues, product, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { chunksOf } from './lib/boxes.mjs';
import { collectFrameLogs, launchBrowser, startFrameLogs } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { assertDateRanges, assertEvents } from './lib/in-band.mjs';
import { firstArrivals, judge } from './lib/invariant.mjs';
import { assertHolds, past, SECOND, settled } from './lib/one-insert.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { framesOfUnits, keepUnits } from './lib/sei.mjs';
import { shakaErrors, watchShaka } from './lib/shaka.mjs';
import { until } from './lib/wait.mjs';

const CARDS = process.env.SHOPCAST_FULL ? 16 : 4;
const STREAM = 'demo';
/** At 30 frames a second. */
const FRAME = SECOND / 30;

test('one insert, one frame, in band', { timeout: 60_000 + CARDS * 12_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const { video } = await presentation(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, video, { parts: true });
  const pages = { shaka: await watchShaka(await launchBrowser(t), server, STREAM, video) };
  const aiortc = keepUnits(t, `${server.origin}/whep/${STREAM}`, (await streamInfo(server, STREAM)).k);
  await until('access units by aiortc', () => aiortc.units().length > 0);
  await startFrameLogs(pages.shaka);
  await playCardsInBand(server, pages);
  const logs = await collectFrameLogs(pages.shaka);
  const cues = await listCues(server, STREAM);
  await aiortc.stop();
  const table = await tableOf(await recorder.stop());

  await t.test('aiortc by WebRTC: each card from the first picture at or past its threshold, by messages in the pictures', () => {
    const verdict = judge({ frames: framesOfUnits(aiortc.units(), cues), cues, table, arrivals: new Map() });
    assertHolds(t, 'aiortc by SEI', verdict, { cards: CARDS, late: 0 });
  });

  await t.test('shaka-player: each card from the first frame at or past its event, in its own time', async () => {
    const verdict = judge({ frames: logs.hls.frames, cues, table, arrivals: firstArrivals(logs.arrivals, 'shaka') });
    assertHolds(t, 'shaka-player by emsg', verdict, { cards: CARDS, late: 0 });
    assert.deepEqual([...pages.shaka.errors, ...await shakaErrors(pages.shaka)], []);
  });

  await t.test('each cue is in the one part whose interval holds its pts, and snapshots begin the segments', () => {
    const parts = [...recorder.parts.values()];
    const whole = new Set(parts.map(({ msn }) => msn).filter((msn) => recorder.segments.has(msn)));
    for (const msn of whole) {
      const joined = Buffer.concat(parts.filter((part) => part.msn === msn).map(({ bytes }) => bytes));
      // Of the segments that were there before, the first parts may be gone from the playlist.
      if (msn > Math.min(...whole)) assert.ok(joined.equals(recorder.segments.get(msn).bytes), `segment ${msn} is its parts`);
    }
    const chunks = chunksOf(parts.map(({ msn, bytes }) => [msn, bytes]));
    assert.equal(chunks.length, parts.length, 'a part is one chunk');
    const starts = new Set(table.values());
    for (const [i, { start, end }] of chunks.slice(0, -1).entries()) {
      assert.ok(starts.has(start) || start > Math.max(...starts), `part ${i} begins at ${start}, where ffprobe has no frame`);
      assert.ok(Math.abs(end - start - parts[i].duration * SECOND) < 1, `part ${i}: EXT-X-PART says ${parts[i].duration} s, it is ${end - start} ticks`);
    }
    const snapshots = assertEvents(chunks, cues);
    t.diagnostic(`${cues.length} cues in ${parts.length} parts, ${snapshots} snapshots`);
  });

  await t.test('each cue has its date range, at the wall clock of its pts', () => {
    const starts = new Map(chunksOf([...recorder.segments].map(([msn, { bytes }]) => [msn, bytes])).reverse().map(({ msn, start }) => [msn, start]));
    assertDateRanges(recorder.follower.model, cues, (msn) => starts.get(msn));
  });
});

/**
 * Thresholds lie on frames and in the middle between two: shaka's own clock is not finer than 1 ms, since it adds up the
 * rounded durations of the playlist.
 */
async function playCardsInBand(server, pages) {
  await settled(pages.shaka);
  await past(pages, 'shaka', 0);
  let shown;
  for (let n = 0; n < CARDS; n += 1) {
    const [card, payload] = [`card-${n}`, product(n)];
    shown = await insertCue(server, STREAM, showCue(card, { payload, at: 'now', duration_ms: n % 2 === 0 ? 1_500 : null }));
    const hide = { pts: shown.pts + SECOND + (n % 4 === 1 ? FRAME / 2 : 0) };
    if (n % 2 === 1) await insertCue(server, STREAM, showCue(card, { op: 'hide', at: hide, payload: null }));
    await past(pages, 'shaka', shown.pts + SECOND / 10);
  }
  await past(pages, 'shaka', shown.pts + 2.5 * SECOND);
}
