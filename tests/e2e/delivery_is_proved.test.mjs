/**
 * What became of a cue: sent to the two players that watch, acknowledged, and painted by both on the frame it was bound to.
 * A viewer without a data channel is there, and is sent nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectProblem, getJson, insertCue, product, showCue, waitLive } from './lib/api.mjs';
import { launchBrowser, newPage, playback, watch } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const CARDS = 3;
const ways = ({ webrtc, ll_hls }) => [webrtc, ll_hls];
const deliveryOf = (server, seq) => getJson(server, `/v1/streams/${STREAM}/cues/${seq}/delivery`);
const shownPts = (page) => page.evaluate(() => window.__players()[0].pts ?? 0);
const sum = (buckets) => buckets.reduce((all, { count }) => all + count, 0);

/** Watches by WHEP with nothing but media. */
async function watchPlainly(browser, server) {
  const page = await newPage(browser);
  await page.goto(`${server.origin}/healthz`);
  await page.evaluate(async (path) => {
    const peer = new RTCPeerConnection();
    window.peer = peer;
    for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
    await peer.setLocalDescription();
    const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: peer.localDescription.sdp });
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  }, `/whep/${STREAM}`);
  await until('the plain viewer is connected', () => page.evaluate(() => window.peer.connectionState === 'connected'));
  return page;
}

test('delivery is proved', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const pages = [await watch(browser, server, STREAM, 'whep'), await watch(browser, server, STREAM, 'hls')];
  await watchPlainly(browser, server);
  for (const page of pages) await until('it plays', async () => (await playback(page)).frames > 30);

  const receipts = [];
  for (let n = 0; n < CARDS; n += 1) receipts.push(await insertCue(server, STREAM, showCue(`card-${n}`, { payload: product(n), at: { after_ms: 1000 + 500 * n } })));

  await t.test('sent to both at once, to the third nothing', async () => {
    for (const { seq } of receipts) {
      const delivery = await until(`cue ${seq} is sent and acknowledged`, async () => {
        const now = await deliveryOf(server, seq);
        return ways(now).every((way) => way.sent === 1) && now.webrtc.acknowledged === 1 && now;
      });
      assert.deepEqual([delivery.seq, delivery.webrtc.sessions, delivery.ll_hls.sessions], [seq, 2, 1]);
    }
  });

  await t.test('painted by both on their frame', async () => {
    for (const { seq, pts } of receipts) {
      for (const page of pages) await until(`a frame past ${pts}`, async () => (await shownPts(page)) >= pts, { within: 20_000 });
      const delivery = await until(`cue ${seq} is painted`, async () => {
        const now = await deliveryOf(server, seq);
        return ways(now).every((way) => way.reported_by_players.painted === 1) && now;
      });
      for (const way of ways(delivery)) {
        const { late, lateness_ms: lateness, frame_error: error } = way.reported_by_players;
        assert.deepEqual([way.sent, late], [1, 0]);
        for (const buckets of [lateness, error]) assert.deepEqual([sum(buckets), buckets[0]], [1, { up_to: 0, count: 1 }]);
      }
      assert.ok(delivery.ll_hls.media_fetches >= 1, `${delivery.ll_hls.media_fetches} fetches`);
    }
  });

  await t.test('who comes later is sent what stands, and paints it', async () => {
    const late = await watch(browser, server, STREAM, 'whep');
    for (const { seq } of receipts) {
      await until(`cue ${seq} is painted once more`, async () => (await deliveryOf(server, seq)).webrtc.reported_by_players.painted === 2);
      const { webrtc } = await deliveryOf(server, seq);
      assert.deepEqual([webrtc.sessions, webrtc.sent, webrtc.reported_by_players.frame_error[0].count], [2, 2, 2]);
    }
    assert.deepEqual(late.errors, []);
  });

  await t.test('the metrics say the same, and nothing was refused', async () => {
    const text = await (await fetch(`${server.origin}/metrics`)).text();
    const value = (name) => Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ')[1] ?? 0);
    assert.deepEqual(
      ['sent_total{protocol="webrtc"}', 'sent_total{protocol="ll_hls"}', 'painted_total{protocol="webrtc"}', 'painted_total{protocol="ll_hls"}']
        .map((name) => value(`shopcast_cues_${name}`)),
      [2 * CARDS, CARDS, 2 * CARDS, CARDS],
    );
    assert.equal(value('shopcast_cue_frame_error_frames_bucket{protocol="webrtc",le="0"}'), 2 * CARDS);
    assert.ok(!text.includes('shopcast_cue_reports_refused_total{'), 'no report was refused');
  });

  await expectProblem(await fetch(`${server.origin}/v1/streams/${STREAM}/cues/99/delivery`), 404, /no cue 99/);
  assert.deepEqual(pages.flatMap((page) => page.errors), []);
});
