/** A network that lets no UDP through: Chromium publishes and plays over ICE-TCP, candidates of UDP taken out of the answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitLive } from './lib/api.mjs';
import { launchBrowser, selectedPair, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { until } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const FPS = 30;
const FRAMES = 3 * FPS;
/** Nobody answers there; that the player has it is what counts. */
const STUN = 'stun:127.0.0.1:9';

/** The answers reach the page without their UDP candidates. */
async function withoutUdp(page) {
  page.answers = [];
  await page.route(/\/wh[ei]p\/[^/]+$/, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/^a=candidate:\S+ \d+ udp .*\r\n/gim, '');
    page.answers.push(body);
    await route.fulfill({ response, body });
  });
}

test('chromium to chromium by TCP', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t, { env: { SHOPCAST_WEBRTC__ICE_SERVERS: `[{ urls = ["${STUN}"] }]` } });
  const browser = await launchBrowser(t);
  const publisher = await publishWhip(browser, server, 'phone', { fps: FPS, prepare: withoutUdp });
  assert.match(publisher.answers[0], /^a=candidate:\S+ 1 tcp \d+ 127\.0\.0\.1 \d+ typ host tcptype passive/m);
  await waitLive(server, 'phone');
  assert.equal((await selectedPair(publisher)).local.protocol, 'tcp');

  const page = await watch(browser, server, 'phone', 'whep', { prepare: withoutUdp });
  assert.deepEqual(await page.evaluate(() => window.__peers[0].getConfiguration().iceServers.flatMap(({ urls }) => urls)), [STUN]);
  const before = await whepStats(page);
  const after = await until(`${FRAMES} more frames`, async () => {
    const stats = await whepStats(page);
    return stats.video.framesDecoded - before.video.framesDecoded >= FRAMES && stats;
  });
  const pair = await selectedPair(page);
  assert.equal(pair.local.protocol, 'tcp');
  assert.equal(pair.remote.port, server.ports.webrtcTcp);
  const seconds = (after.video.timestamp - before.video.timestamp) / 1000;
  const rate = (after.video.framesDecoded - before.video.framesDecoded) / seconds;
  t.diagnostic(`${rate.toFixed(1)} frames/s, round trip ${pair.currentRoundTripTime * 1000} ms, ${after.video.freezeCount} freezes`);
  assert.ok(rate > 0.8 * FPS, `${rate} frames/s`);
  assert.deepEqual(page.errors, []);

  const metrics = async () => (await fetch(`${server.origin}/metrics`)).text();
  assert.match(await metrics(), /^shopcast_webrtc_tcp_connections 2$/m);
  await page.close();
  await until('the viewer’s connection is gone', async () => /^shopcast_webrtc_tcp_connections 1$/m.test(await metrics()));
});
