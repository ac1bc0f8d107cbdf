/** What is particular about OBS as a WHIP client, shown with its twin on OBS's own library (lib/obs-twin.mjs). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { lossyRelay } from './lib/lossy-relay.mjs';
import { until } from './lib/wait.mjs';
import { publishObsTwin } from './lib/whip-clients.mjs';

const FPS = 30;
const SECONDS = process.env.SHOPCAST_FULL ? 60 : 6;

test('obs by whip', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const endpoint = `${server.origin}/whip/show`;
  // One video packet in 40.
  const relay = await lossyRelay(t, server.ports.webrtc, (n, packet) => (packet[1] & 0x7f) === 96 && n % 40 === 0);
  const obs = await publishObsTwin(t, endpoint, { port: relay.port });
  const { video } = await waitLive(server, 'show');

  await t.test('its offer is OBS’s: no candidates, no RTX, a label that is not true', () => {
    const lines = obs.facts().offer.split('\r\n');
    const named = (start) => lines.filter((line) => line.startsWith(start));
    assert.deepEqual(named('a=mid:'), ['a=mid:0', 'a=mid:1']);
    assert.deepEqual(named('m=').map((line) => line.split(' ').slice(3)), [['111'], ['96']]);
    assert.deepEqual(named('a=setup:'), ['a=setup:actpass', 'a=setup:actpass']);
    assert.deepEqual(named('a=fmtp:96'), ['a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1']);
    assert.deepEqual(named('a=rtcp-fb:96'), ['a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtcp-fb:96 goog-remb']);
    for (const absent of ['a=candidate', 'a=end-of-candidates', 'a=extmap:', 'a=ssrc-group']) assert.deepEqual(named(absent), []);
    assert.match(video.codecs, /^avc1\.64/i, 'High');
  });

  await t.test('lost packets are asked for and come again, with the numbers they had', async () => {
    const browser = await launchBrowser(t);
    const page = await watch(browser, server, 'show', 'whep');
    const before = await whepStats(page);
    const lostBefore = relay.seen.lost.length;
    const after = await until(`${SECONDS} seconds of pictures`, async () => {
      const now = await whepStats(page);
      return now.video.framesDecoded - before.video.framesDecoded >= FPS * SECONDS && now;
    }, { within: 15_000 + SECONDS * 2_000 });
    const seconds = (after.video.timestamp - before.video.timestamp) / 1000;
    const { lost, again, packets } = relay.seen;
    t.diagnostic(`${lost.length} of ${packets} packets lost, ${again} sent again; ${seconds.toFixed(1)} s, ${after.video.freezeCount} freezes, ${after.video.pliCount} PLI`);
    assert.ok(lost.length - lostBefore >= SECONDS, `only ${lost.length} packets were lost`);
    assert.ok(again >= 0.95 * lost.length - 1, `${again} of ${lost.length} came again`);
    // What is not repaired costs all pictures up to the next key frame, up to two seconds.
    assert.ok(seconds < SECONDS + 1.5, `${SECONDS} seconds of pictures took ${seconds}`);
    await page.close();
  });

  await t.test('it ends its transport first, and its DELETE still gets 200', async () => {
    await obs.stop();
    const { deleted, frames } = obs.facts();
    t.diagnostic(`${frames} frames sent`);
    assert.equal(deleted, 200, obs.log());
    await until('the stream waits for its publisher', async () => (await streamInfo(server, 'show')).state === 'interrupted');
  });
});
