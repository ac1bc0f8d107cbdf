/**
 * One insert, one frame, when nothing goes well: a WebRTC viewer that loses one packet in twenty and gets the others up to 100 ms
 * late, viewers that join in the middle of a card, a publisher that is gone in the middle of one, and seeks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertCue, listCues, product, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { badLink } from './lib/bad-link.mjs';
import { collectFrameLogs, launchBrowser, reportedPts, startFrameLogs, watch, whepStats } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { firstArrivals, judge, summary } from './lib/invariant.mjs';
import { past, playCards, SECOND } from './lib/one-insert.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { seeded, until } from './lib/wait.mjs';

const STREAM = 'demo';
const LONG = Boolean(process.env.SHOPCAST_FULL);
/** Each round: cards, a viewer who joins, a publisher who is gone, seeks. Half as many cues again as cards. */
const [ROUNDS, CARDS] = [4, 34];
/** Each publisher counts its frames from a number of its own; 16 bits are five times as many. */
const NUMBERS = 12_000;
/** Of a frame that was sought; the newest frame of a slow page is not where its clock is. */
const NEAR = 2 * SECOND;
const WEATHER = { loss: 0.05, jitterMs: 100 };
/** Share of the cues. What a data channel loses is said again within the lead. */
const LATE_MAX = { whep: 0.001, hls: 0.001 };
/** How far a viewer looks back before his time; no publisher went in that time, and the window has a minute. */
const BACK_S = 20;
const SEED = Number(process.env.E2E_SEED ?? 1);

test('one insert, one frame, in bad weather', { timeout: 900_000, skip: !LONG && 'takes minutes: SHOPCAST_FULL=1' }, async (t) => {
  const server = await startServer(t);
  const random = seeded(SEED);
  const browser = await launchBrowser(t);
  let publisher = publishFfmpeg(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const recorder = new SegmentRecorder(server, STREAM, (await presentation(server, STREAM)).video);
  const link = await badLink(t, server.ports.webrtc, { ...WEATHER, random });
  const pages = {
    whep: await watch(browser, server, STREAM, 'whep', { prepare: link.prepare }),
    hls: await watch(browser, server, STREAM, 'hls'),
  };
  for (const page of Object.values(pages)) await startFrameLogs(page);

  const logs = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await playCards(server, STREAM, CARDS, pages, { prefix: `${round}-` });
    const across = await insertCue(server, STREAM, showCue(`across-${round}`, { payload: product(round) }));
    for (const name of Object.keys(pages)) await past(pages, name, across.pts);
    logs.push(await joinLate(t, { server, browser, random, protocol: round % 2 === 0 ? 'hls' : 'whep' }));
    publisher = await leaveAndReturn(t, { server, publisher, first: round * NUMBERS });
    const hidden = await insertCue(server, STREAM, showCue(`across-${round}`, { op: 'hide', at: { after_ms: 900 }, payload: null }));
    for (const name of Object.keys(pages)) await past(pages, name, hidden.pts + SECOND, { within: 40_000 });
    await seekAround(pages.hls, across, hidden);
  }
  for (const [name, page] of Object.entries(pages)) logs.push({ name, ...await collected(page, name) });
  const [cues, table] = [await listCues(server, STREAM), await tableOf(await recorder.stop())];
  const { video } = await whepStats(pages.whep);
  t.diagnostic(`${cues.length} cues; ${link.counts.lost} of ${link.counts.packets} packets lost, ${video.nackCount} NACK, ${video.pliCount} PLI, `
    + `${video.freezeCount} freezes`);
  assert.ok(cues.length >= 200, `${cues.length} cues`);
  assert.ok(link.counts.lost >= 0.04 * link.counts.packets);

  for (const { name, frames, arrivals } of logs) {
    await t.test(`${name}: a card is on the page if and only if the state at that frame has it`, () => {
      const verdict = judge({ frames, cues, table, arrivals });
      t.diagnostic(summary(name, verdict));
      assert.deepEqual(verdict.violations.slice(0, 20), []);
      // Frames that come late are decoded all at once, and the page is not called for each.
      assert.ok(verdict.read >= 0.7 * verdict.presented, `${verdict.read} of ${verdict.presented} frames read`);
      // Until the snapshot is here a viewer who joins has no cards: that is told above.
      if (!(name in pages)) return;
      const late = verdict.late.size / cues.length;
      t.diagnostic(`${name}: ${(100 * late).toFixed(1)} % of the cues late`);
      assert.ok(late <= LATE_MAX[name], `${verdict.late.size} of ${cues.length} cues late`);
      assert.ok(verdict.shown.size >= 0.95 * ROUNDS * (CARDS + 1), `${verdict.shown.size} cards were seen`);
    });
  }
  assert.deepEqual([...pages.whep.errors, ...pages.hls.errors], []);
});

/** A viewer who comes in the middle of a card has it on the first frame that is read; one by LL-HLS looks at what was before, too. */
async function joinLate(t, { server, browser, random, protocol }) {
  const link = await badLink(t, server.ports.webrtc, { ...WEATHER, random });
  const page = await watch(browser, server, STREAM, protocol, { within: 40_000, prepare: link.prepare });
  await startFrameLogs(page);
  const pages = { late: page };
  await past(pages, 'late', 0);
  await past(pages, 'late', (await reportedPts(page)) + SECOND);
  if (protocol === 'hls') {
    const { pts, seconds } = await page.evaluate(() => ({ pts: window.__players()[0].pts, seconds: window.__players()[0].video.currentTime }));
    await lookAt(page, seconds - BACK_S, pts - BACK_S * SECOND);
  }
  const log = { name: `late by ${protocol}`, ...await collected(page, protocol) };
  assert.deepEqual(page.errors, []);
  await page.close();
  return log;
}

async function leaveAndReturn(t, { server, publisher, first }) {
  await publisher.stop();
  const { newest_pts: before } = await until('the stream is interrupted', async () => {
    const info = await streamInfo(server, STREAM);
    return info.state === 'interrupted' && info;
  });
  const next = publishFfmpeg(t, server.rtmp(STREAM), { first });
  await until('the stream is live again', async () => {
    const info = await streamInfo(server, STREAM);
    return info.state === 'live' && info.newest_pts > before;
  });
  return next;
}

/** Back before a card, into it from the picture of the publisher before, and behind its hide. */
async function seekAround(page, shown, hidden) {
  for (const pts of [shown.pts - SECOND / 3, shown.pts + 1, hidden.pts - SECOND / 3, hidden.pts + 1]) {
    // Media time leaves out the time in which there was no publisher: it is known of frames that were seen.
    const at = await page.evaluate((to) => window.__frameLogs[0].frames.find(({ state }) => state?.pts >= to).mediaTime, pts);
    await lookAt(page, at + 0.001, pts);
  }
}

/** Seeks, is shown a frame there, and plays on; the player goes back to live by itself. */
async function lookAt(page, seconds, pts) {
  const from = await page.evaluate(async (to) => {
    const { video } = window.__players()[0];
    const { frames } = window.__frameLogs[0];
    const before = frames.length;
    const seeked = new Promise((resolve) => { video.addEventListener('seeked', resolve, { once: true }); });
    video.pause();
    video.currentTime = to;
    await seeked;
    await video.play();
    return before;
  }, seconds);
  await until(`a frame near ${pts}`, () => page.evaluate(([n, there, near]) =>
    window.__frameLogs[0].frames.slice(n).some(({ state }) => Math.abs(state?.pts - there) < near), [from, pts, NEAR]));
  await until('it is live again', () => page.evaluate(() => window.__players()[0].latencyMs < 6_000), { within: 30_000 });
}

async function collected(page, protocol) {
  const log = await collectFrameLogs(page);
  // Where the data channel is long in coming, a WebRTC player has opened the other way as well.
  return { frames: log[protocol].frames, arrivals: firstArrivals(log.arrivals.map((arrival) => ({ ...arrival, via: protocol })), protocol) };
}
