/**
 * The server is killed in the middle of a show and started again: the cards, what was scheduled and prepared, the numbers and
 * the clock are what they were, and both players go on by themselves.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { cardsByApi, getJson, insertCue, listCues, postCue, product, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, playback, reportedPts, startFrameLogs, watch } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { freeTcpPort, startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { firstArrivals, judge, summary } from './lib/invariant.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'show';
const SECOND = 90_000;
const UNTOLD = 2.5 * SECOND;
/** After the kill; enough for a start, a publisher and two players on a busy machine. */
const LATER_MS = 40_000;

const cards = (page) => page.evaluate(() => [...window.__players()[0].shadowRoot.querySelectorAll('[data-card-id]')].map((card) => card.dataset.cardId).sort());
const armed = (card) => ({ card_id: card, kind: 'product', op: 'show', duration_ms: null, payload: product(3) });

async function json(server, method, path, body) {
  const response = await fetch(`${server.origin}${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
  return response.status === 204 ? null : response.json();
}

/** The media playlist of the picture: its numbers. */
async function playlist(server) {
  const text = await (await fetch(`${server.origin}/hls/${STREAM}/video.m3u8`)).text();
  const number = (tag) => Number(new RegExp(`^#EXT-X-${tag}:([0-9]+)`, 'm').exec(text)?.[1]);
  const segments = text.match(/^#EXTINF/gm)?.length ?? 0;
  return { text, next: number('MEDIA-SEQUENCE') + segments, discontinuity: number('DISCONTINUITY-SEQUENCE'), target: number('TARGETDURATION'), segments };
}

test('a show survives a kill of the server', { timeout: 180_000 }, async (t) => {
  const folder = scratch(t, 'kill');
  const [http, rtmp, webrtc] = [await freeTcpPort(), await freeTcpPort(), await freeTcpPort()];
  const env = {
    SHOPCAST_HTTP__LISTEN: `127.0.0.1:${http}`, SHOPCAST_RTMP__LISTEN: `127.0.0.1:${rtmp}`, SHOPCAST_WEBRTC__LISTEN: `127.0.0.1:${webrtc}`,
    SHOPCAST_STORE__PATH: join(folder, 'shopcast.db'), SHOPCAST_STREAMS__RESUME_WINDOW: '60s',
  };
  const first = await startServer(t, { env });
  const browser = await launchBrowser(t);
  const publisher = publishFfmpeg(t, first.rtmp(STREAM));
  const before = await waitLive(first, STREAM);
  const pages = { whep: await watch(browser, first, STREAM, 'whep'), hls: await watch(browser, first, STREAM, 'hls') };

  const asked = showCue('shown');
  const answer = await insertCue(first, STREAM, asked, { key: 'key-shown' });
  const later = await insertCue(first, STREAM, showCue('later', { at: { after_ms: LATER_MS }, payload: product(2) }));
  const back = await insertCue(first, STREAM, showCue('back', { at: { after_ms: LATER_MS }, payload: product(4) }));
  await json(first, 'DELETE', `/v1/streams/${STREAM}/cues/${back.seq}`);
  await json(first, 'PUT', `/v1/streams/${STREAM}/armed/scene`, { cues: [armed('armed')] });
  for (const [name, page] of Object.entries(pages)) await until(`the card by ${name}`, async () => (await cards(page)).join() === 'shown');
  const kept = await listCues(first, STREAM);
  const lists = await playlist(first);
  const newest = (await streamInfo(first, STREAM)).newest_pts;
  const seen = {};
  for (const [name, page] of Object.entries(pages)) seen[name] = (await playback(page)).frames;

  await first.stop('SIGKILL');
  await publisher.stop();
  const second = await startServer(t, { env });

  await t.test('what was answered is there', async () => {
    const info = await streamInfo(second, STREAM);
    assert.deepEqual([info.state, info.epoch, info.k], ['interrupted', 1, before.k]);
    assert.ok(info.newest_pts >= newest, `${info.newest_pts} after ${newest}`);
    assert.deepEqual(await listCues(second, STREAM), kept);
    assert.deepEqual(await cardsByApi(second, STREAM, info.newest_pts), ['shown']);
    assert.deepEqual((await getJson(second, `/v1/streams/${STREAM}/armed`)).armed, [{ name: 'scene', fired: false, cues: 1, seqs: [] }]);
    const again = await postCue(second, STREAM, asked, { key: 'key-shown' });
    assert.equal(again.status, 201);
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    assert.deepEqual(await again.json(), answer);
    for (const [name, page] of Object.entries(pages)) assert.deepEqual(await cards(page), ['shown'], `${name} keeps its card meanwhile`);
  });

  publishFfmpeg(t, second.rtmp(STREAM), { first: 4_000 });
  const after = await waitLive(second, STREAM);
  const recorder = new SegmentRecorder(second, STREAM, (await presentation(second, STREAM)).video);

  await t.test('the clock and the playlists go on', async () => {
    assert.deepEqual([after.epoch, after.k], [2, before.k]);
    const [gone, passed] = [after.newest_pts - before.newest_pts, (Date.parse(after.newest_utc) - Date.parse(before.newest_utc)) * 90];
    // By the wall clock; ahead of it by as much as the killed server may have given out without writing it down.
    assert.ok(gone > passed - SECOND / 2 && gone < passed + UNTOLD, `pts by ${gone}, UTC by ${passed}`);
    const now = await playlist(second);
    t.diagnostic(`segments ${lists.next} before, ${now.next - now.segments} after; discontinuities ${lists.discontinuity} and ${now.discontinuity}`);
    assert.ok(now.next - now.segments >= lists.next, `the first segment is ${now.next - now.segments}, it would have been ${lists.next}`);
    assert.ok(now.discontinuity > lists.discontinuity);
    assert.equal(now.target, lists.target);
    assert.match(now.text, /^#EXT-X-DISCONTINUITY$/m);
  });

  await t.test('the players come back by themselves, with the card', async () => {
    for (const [name, page] of Object.entries(pages)) {
      await until(`pictures by ${name}`, async () => (await playback(page)).frames - seen[name] >= 60, { within: 40_000 });
      assert.deepEqual(await cards(page), ['shown'], name);
      await startFrameLogs(page);
    }
    t.diagnostic(`${((await streamInfo(second, STREAM)).newest_pts - newest) / SECOND} s of the timeline after the last frame before`);
  });

  await t.test('what was scheduled comes on its frame, and what was prepared is fired', async () => {
    for (const [name, page] of Object.entries(pages)) {
      await until(`${name} is past the scheduled cue`, async () => (await reportedPts(page)) >= later.pts + SECOND, { within: 60_000 });
    }
    const { cues: [fired] } = await json(second, 'POST', `/v1/streams/${STREAM}/armed/scene/fire`, {});
    assert.ok(fired.seq > back.seq + 1, `${fired.seq}`);
    for (const [name, page] of Object.entries(pages)) {
      await until(`the prepared card by ${name}`, async () => (await reportedPts(page)) >= fired.pts + SECOND, { within: 20_000 });
      assert.deepEqual(await cards(page), ['armed', 'later', 'shown'], name);
    }
    // What was taken back, and what took it back, is nothing to a frame.
    const cues = (await listCues(second, STREAM)).filter(({ seq, op }) => seq !== back.seq && op !== 'cancel');
    const table = await tableOf(await recorder.stop());
    for (const [name, page] of Object.entries(pages)) {
      const logs = await collectFrameLogs(page);
      const verdict = judge({ frames: logs[name].frames, cues, table, arrivals: firstArrivals(logs.arrivals, name) });
      t.diagnostic(summary(name, verdict));
      assert.deepEqual(verdict.violations.slice(0, 20), [], name);
      assert.ok(verdict.read >= 0.5 * verdict.presented, `${verdict.read} of ${verdict.presented} frames read`);
      assert.deepEqual([...verdict.shown.keys()].sort(), ['armed', 'later', 'shown'], name);
    }
  });
});
