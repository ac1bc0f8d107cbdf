/**
 * A publisher goes and comes back, again and again, by RTMP and by WHIP: viewers stay, cards stay on their frames across
 * the gap, sound and picture stay together.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertCue, listCues, product, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { collectFrameLogs, launchBrowser, playback, reportedPts, skew, startFrameLogs, unmute, watch, whepStats } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { firstArrivals, judge, summary } from './lib/invariant.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { percentile, until } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const ROUNDS = process.env.SHOPCAST_FULL ? 10 : 2;
const FRAMES = 45;
const SECOND = 90_000;
/** Each publisher counts its frames from a number of its own. */
const NUMBERS = 4_000;
/** What people notice (ITU-R BT.1359-1) begins at 45 ms. */
const SKEW_MAX_MS = 40;
const SKEW_SECONDS = 5;

const SOURCES = {
  WHIP: async (t, { browser, server, first }) => {
    const page = await publishWhip(browser, server, 'show', { first });
    return async () => {
      await page.whip('vanish');
      await page.close();
    };
  },
  RTMP: async (t, { server, first }) => {
    const publisher = publishFfmpeg(t, server.rtmp('show'), { first });
    return () => publisher.stop();
  },
};

for (const [source, publish] of Object.entries(SOURCES)) {
  test(`the publisher returns by ${source}`, { timeout: 90_000 + ROUNDS * 60_000 }, (t) => returns(t, publish));
}

async function returns(t, publish) {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  let leave = await publish(t, { browser, server, first: 0 });
  await waitLive(server, 'show');
  const recorder = new SegmentRecorder(server, 'show', (await presentation(server, 'show')).video);
  const pages = { whep: await watch(browser, server, 'show', 'whep'), hls: await watch(browser, server, 'show', 'hls') };
  for (const page of Object.values(pages)) {
    await unmute(page);
    await startFrameLogs(page);
  }
  const past = (name, pts) => until(`the ${name} viewer is past pts ${pts}`, async () => (await reportedPts(pages[name])) >= pts, { within: 30_000 });
  const skews = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    // One card holds across the gap, another begins in it.
    const across = await insertCue(server, 'show', showCue(`across-${round}`, { payload: product(round) }));
    await past('whep', across.pts);
    await leave();
    await until('the stream is interrupted', async () => (await streamInfo(server, 'show')).state === 'interrupted');
    const before = { pts: (await streamInfo(server, 'show')).newest_pts, whep: await playback(pages.whep), hls: await playback(pages.hls) };
    await insertCue(server, 'show', showCue(`in-${round}`, { at: { pts: before.pts + SECOND / 3 }, payload: product(round) }));
    leave = await publish(t, { browser, server, first: round * NUMBERS });
    const after = await until('the stream is live again', async () => {
      const info = await streamInfo(server, 'show');
      return info.state === 'live' && info.newest_pts > before.pts && info;
    });
    assert.equal(after.epoch, round + 1);
    const hidden = await insertCue(server, 'show', showCue(`across-${round}`, { op: 'hide', at: { after_ms: 900 }, payload: null }));
    await insertCue(server, 'show', showCue(`in-${round}`, { op: 'hide', at: { pts: hidden.pts + 1 }, payload: null }));
    for (const name of ['whep', 'hls']) {
      await past(name, hidden.pts + SECOND);
      const frames = (await playback(pages[name])).frames - before[name].frames;
      assert.ok(frames >= FRAMES, `${frames} frames by ${name} in round ${round}`);
    }
    skews.push(await steadySkew(pages.whep));
    assert.equal((await whepStats(pages.whep)).state, 'connected');
    assert.equal(await pages.whep.evaluate(() => window.__peers.length), 1, 'the viewer has not connected anew');
    assert.equal((await playback(pages.hls)).error, null);
  }
  const [logs, cues, table] = [{}, await listCues(server, 'show'), await tableOf(await recorder.stop())];
  for (const name of Object.keys(pages)) logs[name] = await collectFrameLogs(pages[name]);
  for (const name of ['whep', 'hls']) {
    await t.test(`${name}: cards stay on their frames across the gap`, () => {
      const verdict = judge({ frames: logs[name][name].frames, cues, table, arrivals: firstArrivals(logs[name].arrivals, name) });
      t.diagnostic(summary(name, verdict));
      assert.deepEqual(verdict.violations.slice(0, 20), []);
      assert.ok(verdict.read >= 0.85 * verdict.presented, `${verdict.read} of ${verdict.presented} frames read`);
      assert.equal(verdict.shown.size, 2 * ROUNDS, 'every card was seen');
    });
  }
  t.diagnostic(`sound ahead of the picture by WHEP after each return, ms: ${skews.map((ms) => ms.toFixed(0)).join(' ')}`);
  assert.deepEqual([...pages.whep.errors, ...pages.hls.errors], []);
}

/** The median of the last few seconds, once it is small enough: both buffers are new after a return, and need a while. */
async function steadySkew(page) {
  const seconds = new Map();
  const median = () => percentile([...seconds.values()].slice(-SKEW_SECONDS), 50);
  await until('sound and picture are together', async () => {
    const ms = await skew(page);
    if (ms !== null) seconds.set(Math.floor(performance.now() / 1000), ms);
    return seconds.size >= SKEW_SECONDS && Math.abs(median()) <= SKEW_MAX_MS;
  }, { within: 20_000 }).catch((error) => { throw new Error(`${error.message}; ms: ${[...seconds.values()].map(Math.round).join(' ')}`); });
  return median();
}
