/**
 * Cues reach many viewers before their frame does, by WebRTC and LL-HLS at once; and over a bad network every cue comes,
 * though some late. With `SHOPCAST_FULL=1` 150 viewers of each protocol.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listCues, waitLive } from './lib/api.mjs';
import { launchBrowser, selectedPair, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { behindProxy, impair, inWords, swarm } from './lib/load.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const FULL = process.env.SHOPCAST_FULL === '1';
const STREAM = 'show';
/** Small: what many viewers cost is to be the server's work, not the encoder's. */
const SMALL = { mark: 'none', output: ['-b:v', '400k', '-maxrate', '400k', '-bufsize', '400k'] };

test('cues reach a swarm', { timeout: 300_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp(STREAM), SMALL);
  await waitLive(server, STREAM);
  const viewers = FULL ? 150 : 20;
  const { code, report } = await swarm(t, server, STREAM, { whep: viewers, hls: viewers, cues: FULL ? 20 : 5, every: 500, joinsPerSecond: 20 });
  for (const name of ['whep', 'hls']) t.diagnostic(inWords(name, report[name]));
  t.diagnostic(`the swarm itself was kept waiting for up to ${report.behind_ms_max} ms`);
  for (const name of ['whep', 'hls']) {
    const { ready, cues } = report[name];
    await t.test(`${name}: every viewer has every cue`, () => {
      assert.equal(ready, viewers);
      assert.equal(cues.expected, viewers * report.cues.posted);
      assert.equal(cues.missed + cues.without_frame, 0);
      assert.equal(cues.unreadable + cues.restarts, 0);
      if (name === 'hls') assert.deepEqual(cues.in_band, { arrived: cues.expected, missing: 0, late: 0 });
    });
    await t.test(`${name}: 99 of 100 come before their frame`, () => {
      assert.equal(cues.margin_ms.count, cues.expected);
      assert.ok(cues.margin_ms.p1 > 0, `the margin that 1 of 100 does not reach is ${cues.margin_ms.p1} ms`);
    });
  }
  assert.equal(report.cues.posted, FULL ? 20 : 5);
  assert.deepEqual([code, report.errors_quoted], [0, []]);
});

test('cues cross a bad network', { timeout: 180_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp(STREAM), SMALL);
  await waitLive(server, STREAM);
  const proxy = await impair(t, server.ports.webrtc, { loss: 5, delay_ms: 100, jitter_ms: 100 });
  const behind = swarm(t, server, STREAM, { whep: 10, via: proxy.address, cues: 10, every: 500, patience: 60 });
  const beside = swarm(t, server, STREAM, { whep: 5, hls: 5, seconds: 120 }, { until: behind });
  const [far, near] = await Promise.all([behind, beside]);
  const cutOff = await blockedAfterOneCue(t, server, proxy);
  const { clients, up, down } = await proxy.end();
  t.diagnostic(`${inWords('behind 5 % loss, whep', far.report.whep)}; ${far.report.whep.lost} packets lost for good`);
  t.diagnostic(`beside them, ${inWords('whep', near.report.whep)}`);
  t.diagnostic(`up ${JSON.stringify(up)}; down ${JSON.stringify(down)}`);

  await t.test('each of 10 viewers behind 5 % loss and 100 ms jitter has every cue', () => {
    const { ready, cues } = far.report.whep;
    assert.equal(clients, 12);
    assert.ok(up.dropped_by.loss > 0 && down.dropped > 0.03 * down.packets, `${down.dropped} of ${down.packets} lost`);
    assert.deepEqual([ready, cues.expected, cues.arrived, cues.missed], [10, 100, 100, 0]);
    assert.deepEqual([far.code, far.report.errors_quoted], [0, []]);
  });

  await t.test('viewers beside them have theirs before their frame', () => {
    for (const { ready, cues } of [near.report.whep, near.report.hls]) {
      assert.equal(ready, 5);
      assert.ok(cues.expected > 0);
      assert.deepEqual([cues.arrived, cues.late], [cues.expected, 0]);
    }
    assert.deepEqual([near.code, near.report.errors_quoted], [0, []]);
  });

  await t.test('what does not arrive is missed', () => {
    const { ready, cues } = cutOff.report.whep;
    assert.deepEqual([cutOff.code, ready, cues.expected], [1, 2, 8]);
    assert.ok(cues.missed >= 4 && cues.arrived + cues.missed === 8, JSON.stringify(cues));
  });
});

/** The proof that the tests above can fail: two viewers lose their way in the middle. */
async function blockedAfterOneCue(t, server, proxy) {
  const last = (await listCues(server, STREAM)).at(-1).seq;
  await proxy.change({ loss: 0, jitter_ms: 0 });
  const ended = swarm(t, server, STREAM, { whep: 2, via: proxy.address, cues: 4, every: 500, patience: 5 });
  await until('the first cue', async () => (await listCues(server, STREAM, last)).length > 0);
  await proxy.change({ down: { block: true } });
  return ended;
}

test('a browser goes through a proxy that the server names', { timeout: 90_000 }, async (t) => {
  const { proxy, env } = await behindProxy(t);
  const server = await startServer(t, { env });
  publishFfmpeg(t, server.rtmp(STREAM), SMALL);
  await waitLive(server, STREAM);
  const page = await watch(await launchBrowser(t), server, STREAM, 'whep');
  const { remote } = await selectedPair(page);
  assert.deepEqual([remote.protocol, remote.port], ['udp', proxy.port]);
  const frames = async () => (await whepStats(page))?.video?.framesDecoded;
  await proxy.change({ down: { block: true } });
  let before;
  await until('no picture comes', async () => {
    const [last, now] = [before, await frames()];
    before = now;
    return now === last;
  }, { every: 500 });
  await proxy.change({ down: { block: false } });
  await until('pictures come again', async () => await frames() > before + 30);
  const { down } = await proxy.end();
  assert.ok(down.dropped_by.block > 0);
});
