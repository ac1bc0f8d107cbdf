/**
 * The transcoding children of one stream are killed ten times in a minute each, and then one is stopped so that it hangs. Its WebRTC
 * viewer has picture and sound again as soon as the back-off allows. Its LL-HLS viewer, who sees the source, and the viewer of
 * another stream, which needs no repair, notice nothing; nor does the server's memory.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, unmute, watch, whepStats } from './lib/browser.mjs';
import { tableOf } from './lib/counter-table.mjs';
import { startServer } from './lib/harness.mjs';
import { presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const KINDS = ['video', 'sound'];
const KILLS = 10;
/** `transcode::Config`: from 100 ms, doubled with each failure, to 5 s. */
const BACK_OFF_MS = Array.from({ length: KILLS }, (_, n) => Math.min(100 * 2 ** n, 5_000));
/** A process starts in 0.2 s on an idle machine. */
const START_MS_MAX = 3_000;
/** The supervisor's patience with a child that takes pictures and yields none, and what the test's own looking adds. */
const [SILENCE_MS, LOOK_MS] = [3_000, 1_500];
/** Playlists and segments of the minute are a tenth of it, and the allocator's habits the rest; a queue without a bound grows by this in seconds. */
const GROWTH_KIB_MAX = 64 * 1024;
/** Of the time: what a busy machine does to a player that is a second behind. Without its source it would be all of it. */
const STALLED_MAX = 0.1;
const [FPS, TICKS] = [30, 3_000];

test('the transcoder fails, the server holds', { timeout: 240_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('bees'), { bframes: 3 });
  publishFfmpeg(t, server.rtmp('plain'));
  await waitLive(server, 'bees');
  await waitLive(server, 'plain');
  const browser = await launchBrowser(t);
  const pages = {
    repaired: await watch(browser, server, 'bees', 'whep'),
    hls: await watch(browser, server, 'bees', 'hls'),
    plain: await watch(browser, server, 'plain', 'whep'),
  };
  await unmute(pages.repaired);
  await pages.hls.evaluate(countStalls);
  const children = new Children(server, 'bees');
  await until('both children are ready', () => KINDS.every((kind) => children.isReady(kind)));
  const origin = new SegmentRecorder(server, 'bees', (await presentation(server, 'bees')).video);
  const others = await seen(server, pages);
  const memory = watchMemory(t, server);

  await t.test(`each child is killed ${KILLS} times in a minute`, () => killedAgainAndAgain(t, { server, children, page: pages.repaired }));
  await t.test('a child that hangs is noticed, killed and replaced', () => childHangs(t, { server, children, page: pages.repaired }));
  await t.test('nobody else noticed', async () => nobodyNoticed(t, others, await seen(server, pages)));
  await t.test('the origin has every picture of the source', async () => {
    const numbers = [...(await tableOf(await origin.stop())).keys()].sort((a, b) => a - b);
    t.diagnostic(`LL-HLS at the origin: ${numbers.length} pictures, ${numbers[0]} to ${numbers.at(-1)}`);
    assert.ok(numbers.length > 20 * FPS);
    assert.equal(numbers.at(-1) - numbers[0] + 1, numbers.length, 'none is missing');
  });
  await t.test('the memory does not grow', () => {
    const { first, most } = memory.stop();
    t.diagnostic(`the server's memory: ${first} KiB before, ${most} KiB at most`);
    assert.ok(most - first <= GROWTH_KIB_MAX, `${first} to ${most} KiB`);
  });
});

/** Both at once, each as soon as it is ready. */
async function killedAgainAndAgain(t, { server, children, page }) {
  const before = await whepStats(page);
  const began = performance.now();
  await Promise.all(KINDS.map(async (kind) => {
    for (let n = 0; n < KILLS; n += 1) {
      await until(`${kind} number ${n + 1} is ready`, () => children.isReady(kind), { within: BACK_OFF_MS[n] + 2 * START_MS_MAX });
      children.signal(kind, 'SIGKILL');
      await until(`the server knows that ${kind} number ${n + 1} is gone`, () => children.retries(kind).length === n + 1);
      if (kind === 'video') assert.deepEqual((await streamInfo(server, 'bees')).video.repair, { why: 'b_frames', state: 'starting', ll_hls: false });
    }
  }));
  const killed = performance.now();
  const span = killed - began;
  const back = await comesBack(page, await whepStats(page), BACK_OFF_MS.at(-1) + START_MS_MAX);
  t.diagnostic(`${KILLS} deaths of each in ${(span / 1000).toFixed(1)} s; after the last one sound and picture are back in ${(back - killed).toFixed(0)} ms`);
  assert.ok(span < 60_000, `${span} ms`);
  for (const kind of KINDS) {
    const waits = children.retries(kind);
    t.diagnostic(`${kind}: ${waits.map(({ told, waited }) => `${told} (${waited})`).join(', ')} ms`);
    assert.deepEqual(waits.map(({ told }) => told), BACK_OFF_MS);
    for (const { told, waited } of waits) assert.ok(waited >= told - 5 && waited <= told + START_MS_MAX, `${waited} ms instead of ${told}`);
    assert.equal(await deaths(server, kind, 'exited'), KILLS);
  }
  assert.deepEqual((await streamInfo(server, 'bees')).video.repair, { why: 'b_frames', state: 'running', ll_hls: false });
  const after = await whepStats(page);
  assert.equal(after.state, 'connected');
  assert.equal(after.video.ssrc, before.video.ssrc, 'one and the same session');
}

/** Stopped, it takes nothing and yields nothing: only its silence tells. */
async function childHangs(t, { server, children, page }) {
  const [pid, deathsBefore] = [children.pid('video'), children.retries('video').length];
  children.signal('video', 'SIGSTOP');
  const stopped = performance.now();
  await until('the server calls it hung', () => children.retries('video').length > deathsBefore, { within: SILENCE_MS + LOOK_MS });
  const noticed = performance.now() - stopped;
  assert.ok(noticed >= SILENCE_MS - LOOK_MS, `a child that has just been stopped is given its time: ${noticed} ms`);
  assert.match(server.log(), new RegExp(`transcoder is killed pid=${pid} condition="T \\(stopped\\)`));
  assert.equal(await deaths(server, 'video', 'hung'), 1);
  const { told } = children.retries('video').at(-1);
  const back = await comesBack(page, await whepStats(page), told + START_MS_MAX);
  t.diagnostic(`hung after ${noticed.toFixed(0)} ms, pictures again after ${(back - stopped).toFixed(0)} ms`);
  assert.notEqual(children.pid('video'), pid);
}

/** A second of picture and of sound more than `before`. @returns when */
async function comesBack(page, before, within) {
  await until('a second of picture and sound', async () => {
    const { video, audio } = await whepStats(page);
    return video.framesDecoded >= before.video.framesDecoded + FPS && audio.packetsReceived >= before.audio.packetsReceived + 50
      && audio.totalAudioEnergy > before.audio.totalAudioEnergy;
  }, { within: within + 1_000 });
  return performance.now();
}

/** In the page: `__stalledMs`, how long the first player has waited for media so far. */
function countStalls() {
  const { video } = window.__players()[0];
  let [since, ms] = [null, 0];
  video.addEventListener('waiting', () => { since ??= performance.now(); });
  video.addEventListener('playing', () => {
    if (since !== null) ms += performance.now() - since;
    since = null;
  });
  window.__stalledMs = () => ms + (since === null ? 0 : performance.now() - since);
}

async function seen(server, { hls, plain }) {
  const [hlsNow, plainNow] = [await playback(hls), await whepStats(plain)];
  return {
    at: performance.now(),
    hls: { ...hlsNow, stalledMs: await hls.evaluate(() => window.__stalledMs()) },
    plain: { ...plainNow.video, pts: (await streamInfo(server, 'plain')).newest_pts },
  };
}

function nobodyNoticed(t, before, after) {
  const more = (who, what) => after[who][what] - before[who][what];
  const seconds = (after.at - before.at) / 1000;
  const stalled = more('hls', 'stalledMs');
  const sent = more('plain', 'pts') / TICKS;
  t.diagnostic(`in ${seconds.toFixed(1)} s LL-HLS presented ${more('hls', 'frames')} pictures and waited for ${stalled.toFixed(0)} ms`);
  t.diagnostic(`of the other stream's ${sent.toFixed(0)} pictures ${more('plain', 'framesReceived')} were received, ${more('plain', 'framesDecoded')} decoded`);
  assert.equal(after.hls.error, null);
  assert.ok(stalled <= STALLED_MAX * 1_000 * seconds, `LL-HLS waited for ${stalled} ms`);
  assert.ok(more('hls', 'frames') >= 0.9 * FPS * seconds, 'pictures by LL-HLS');
  assert.ok(more('hls', 'time') >= (1 - STALLED_MAX) * seconds, `LL-HLS went on by ${more('hls', 'time')} s in ${seconds} s`);
  assert.equal(more('plain', 'packetsLost'), 0);
  // The two are not asked at the same moment.
  assert.ok(more('plain', 'framesReceived') >= sent - FPS / 2, 'every picture of the other stream');
}

/** The children of a stream, as the server's log tells of them. */
class Children {
  #server;
  #stream;

  constructor(server, stream) {
    this.#server = server;
    this.#stream = stream;
  }

  /** Of all that was logged, of which the harness keeps but the end. */
  #log(pattern) {
    const lines = readFileSync(this.#server.file, 'utf8').split('\n').filter((line) => line.includes(`stream=${this.#stream} of="`));
    return lines.map((line) => ({ at: Date.parse(line.split(' ')[0]), match: pattern.exec(line) })).filter(({ match }) => match);
  }

  #started = (kind) => this.#log(new RegExp(`of="${kind}"}.* transcoder started pid=(\\d+)`));

  pid = (kind) => Number(this.#started(kind).at(-1).match[1]);

  /** The newest is at work. */
  isReady = (kind) => {
    const [last] = this.#log(new RegExp(`is (ready|down) stream=\\S+ of="${kind}"`)).slice(-1);
    return last?.match[1] === 'ready';
  };

  signal(kind, signal) {
    process.kill(this.pid(kind), signal);
  }

  /** Of each death: the wait that the supervisor announced, and how long it was until the next process, ms. */
  retries(kind) {
    const started = this.#started(kind);
    return this.#log(new RegExp(`is down stream=\\S+ of="${kind}" .*retry_in=([\\d.]+)(ms|s)`)).map(({ at, match }) => {
      const next = started.find((start) => start.at >= at);
      return { told: Number(match[1]) * (match[2] === 's' ? 1000 : 1), waited: next && next.at - at };
    });
  }
}

async function deaths(server, kind, cause) {
  const text = await (await fetch(`${server.origin}/metrics`)).text();
  const line = text.split('\n').find((l) => l.startsWith('shopcast_transcoder_deaths_total{') && l.includes(`of="${kind}"`) && l.includes(`cause="${cause}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** What the server's process has in memory, twice a second until it is stopped. */
function watchMemory(t, server) {
  const now = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
  const first = now();
  let most = first;
  const timer = setInterval(() => { most = Math.max(most, now()); }, 500);
  t.after(() => clearInterval(timer));
  return {
    stop() {
      clearInterval(timer);
      return { first, most: Math.max(most, now()) };
    },
  };
}
