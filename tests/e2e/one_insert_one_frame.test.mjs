/**
 * The test that owns the claim of this product: a card inserted once appears on the same video frame for every viewer.
 *
 * One Chromium watches one stream by WebRTC and by LL-HLS at the same time. Every presented frame's burnt number is read
 * out of the picture in the frame callback, together with the cards then on the page. What should have been there is
 * computed from the cue list and a table of numbers and pts made from the origin's own segments.
 *
 * Each player has a page of its own: with two videos on one page Chromium 156 runs the page at the videos' 30 Hz, and
 * then callbacks for up to 15 % of the presented frames never come, for the player as for this test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardsByApi, listCues, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, startFrameLogs, watch } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { cardsAt, firstArrivals, judge } from './lib/invariant.mjs';
import { assertHolds, playCards, settled } from './lib/one-insert.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { publishWhip } from './lib/whip.mjs';
import { publishFfmpegWhip, publishObsTwin } from './lib/whip-clients.mjs';

const LONG = process.env.SHOPCAST_FULL ? 6 : 1;
const SOURCES = {
  RTMP: { cards: 20 * LONG, publish: (t, { server, stream }) => publishFfmpeg(t, server.rtmp(stream), { mark: 'counter' }) },
  // As OBS sends it untouched: WebRTC viewers see what the server makes of it, LL-HLS viewers the source.
  'RTMP with B-frames': {
    cards: 10 * LONG,
    publish: (t, { server, stream }) => publishFfmpeg(t, server.rtmp(stream), { mark: 'counter', bframes: 3, gop: 250 }),
  },
  // Pictures at uneven times, forwarded packet by packet.
  WHIP: { cards: 10 * LONG, publish: (t, { browser, server, stream }) => publishWhip(browser, server, stream) },
  ...(process.env.SHOPCAST_FULL ? {
    // Both viewers see what the server makes of it.
    'RTMP in 4:2:2': {
      cards: 10, publish: (t, { server, stream }) => publishFfmpeg(t, server.rtmp(stream), { profile: 'high422', pixels: 'yuv422p' }),
    },
    'FFmpeg 9 by WHIP': { cards: 30, publish: (t, { server, stream }) => publishFfmpegWhip(t, `${server.origin}/whip/${stream}`) },
    // Its first key frame is lost, and it hears no requests for another.
    'OBS by WHIP': { cards: 30, publish: (t, { server, stream }) => publishObsTwin(t, `${server.origin}/whip/${stream}`) },
  } : {}),
};
// The same in another payload format, once before a release. Not in AV1: Chromium's encoder makes some pictures the mean of
// two others, and cells of the strip grey.
if (process.env.SHOPCAST_FULL) {
  SOURCES['WHIP in VP9'] = { cards: 10, publish: (t, { browser, server, stream }) => publishWhip(browser, server, stream, { codec: 'VP9' }) };
}

for (const [source, { cards, publish }] of Object.entries(SOURCES)) {
  test(`one insert, one frame, from ${source}`, { timeout: cards * 12_000 }, (t) => oneInsertOneFrame(t, cards, publish));
}

async function oneInsertOneFrame(t, cards, publish) {
  const server = await startServer(t);
  const stream = 'demo';
  const browser = await launchBrowser(t);
  await publish(t, { browser, server, stream });
  await waitLive(server, stream);
  const recorder = new SegmentRecorder(server, stream, (await presentation(server, stream)).video);
  const pages = { whep: await watch(browser, server, stream, 'whep'), hls: await watch(browser, server, stream, 'hls') };
  for (const page of Object.values(pages)) await startFrameLogs(page);
  await settled(...Object.values(pages));
  await playCards(server, stream, cards, pages);
  const logs = { whep: (await collectFrameLogs(pages.whep)), hls: (await collectFrameLogs(pages.hls)) };
  const cues = await listCues(server, stream);
  const table = await tableOf(await recorder.stop());
  t.diagnostic(`${cues.length} cues, ${table.size} frames in the counter table`);

  await t.test('the origin’s state is the fold of its cues', async () => {
    assert.equal(cues.filter((cue) => cue.op === 'show').length, cards);
    const edges = cues.flatMap(({ pts, duration }) => [pts - 1, pts, pts + (duration ?? 0)]);
    for (const pts of edges) assert.deepEqual(await cardsByApi(server, stream, pts), cardsAt(cues, pts), `state at ${pts}`);
  });

  const verdicts = {};
  for (const name of ['whep', 'hls']) {
    await t.test(`${name}: a card is on the page if and only if the state at that frame has it`, () => {
      const { frames } = logs[name][name];
      const verdict = judge({ frames, cues, table, arrivals: firstArrivals(logs[name].arrivals, name) });
      verdicts[name] = verdict;
      assertHolds(t, name, verdict, { cards });
    });
  }

  await t.test('both viewers saw each card first on the same frame, where both were shown that frame', () => {
    const read = Object.fromEntries(['whep', 'hls'].map((name) => [name, new Set(logs[name][name].frames.map((frame) => frame.counter))]));
    let compared = 0;
    for (const [card, whep] of verdicts.whep.shown) {
      const hls = verdicts.hls.shown.get(card);
      const cue = cues.find((c) => c.card_id === card && c.op === 'show');
      const late = [verdicts.whep, verdicts.hls].some((verdict) => verdict.late.has(cue.seq));
      const shared = read.whep.has(hls) && read.hls.has(whep);
      if (late || !shared) continue;
      compared += 1;
      assert.equal(hls, whep, `${card}: frame ${whep} by WebRTC, ${hls} by LL-HLS`);
    }
    t.diagnostic(`${compared} of ${cards} cards compared frame by frame between the two viewers`);
    assert.ok(compared >= cards / 2, `only ${compared} could be compared`);
  });
  assert.deepEqual([...pages.whep.errors, ...pages.hls.errors], []);
}
