/**
 * What the data channel brings is lost for five seconds while pictures go on: the first heartbeat after it tells the gap, what
 * was missed is pulled, and from then on each card is on its frames.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardsByApi, insertCue, listCues, showCue, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, reportedPts, startFrameLogs, watch } from './lib/browser.mjs';
import { blockEvents, canBeDeaf } from './lib/carriers.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { judge, summary } from './lib/invariant.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const SECOND = 90_000;

test('the cue channel falls silent', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp(STREAM), { profile: 'baseline' });
  await waitLive(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, (await presentation(server, STREAM)).video);
  const page = await watch(browser, server, STREAM, 'whep', {
    prepare: async (made) => {
      await canBeDeaf(made);
      // Nothing else is to help: no events, and a browser that cannot read pictures.
      await blockEvents(made);
      await made.addInitScript(() => { delete window.RTCRtpScriptTransform; });
    },
  });
  await startFrameLogs(page);
  const past = (pts) => until(`past pts ${pts}`, async () => (await reportedPts(page)) >= pts, { within: 20_000 });
  const first = await insertCue(server, STREAM, showCue('first'));
  await past(first.pts + SECOND / 2);
  const deafAt = await page.evaluate(() => {
    window.__deaf = true;
    return performance.now();
  });
  const hidden = await insertCue(server, STREAM, { card_id: 'first', op: 'hide' });
  await insertCue(server, STREAM, showCue('missed', { duration_ms: 1_000 }));
  await insertCue(server, STREAM, showCue('second'));
  const later = await insertCue(server, STREAM, showCue('later', { at: { after_ms: 8_500 }, duration_ms: 1_000 }));
  await past(hidden.pts + 5 * SECOND);
  const heardAt = await page.evaluate(() => {
    window.__deaf = false;
    return performance.now();
  });
  await past(later.pts + 2 * SECOND);
  const { whep: { frames }, arrivals } = await collectFrameLogs(page);
  const cues = await listCues(server, STREAM);
  const table = await tableOf(await recorder.stop());
  const beat = arrivals.find(({ t: at, text }) => at > heardAt && text.includes('"heartbeat"'));

  await t.test('what was up stays up meanwhile', () => {
    const deaf = frames.filter(({ t: at }) => at > deafAt && at < heardAt);
    assert.ok(deaf.length > 60, `${deaf.length} frames`);
    for (const { dom } of deaf) assert.deepEqual(dom, ['first']);
  });
  await t.test('within a heartbeat and a request the state is right, and stays so', async () => {
    const right = frames.find(({ t: at, dom }) => at > heardAt && dom.join() === 'second');
    t.diagnostic(`heard again ${Math.round(beat.t - heardAt)} ms after, right ${Math.round(right.t - beat.t)} ms after that`);
    assert.ok(right.t - beat.t < 1_000, `${right.t - beat.t} ms`);
    assert.deepEqual(await cardsByApi(server, STREAM, right.state.pts), ['second']);
    const verdict = judge({ frames: frames.slice(frames.indexOf(right)), cues, table, arrivals: new Map() });
    t.diagnostic(summary('afterwards', verdict));
    assert.deepEqual(verdict.violations.slice(0, 10), []);
    assert.deepEqual([...verdict.shown.keys()].sort(), ['later', 'second']);
    assert.equal(await page.evaluate(() => window.__peers.length), 1, 'the session is the same');
  });
});
