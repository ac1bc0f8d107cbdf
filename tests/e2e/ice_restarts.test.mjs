/** A viewer changes networks: Chromium restarts ICE by PATCH (RFC 9725 section 4.3.3) while it plays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitLive } from './lib/api.mjs';
import { launchBrowser, selectedPair, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const ROUNDS = 3;
const FRAMES = 60;

/** Keeps the session's address and its latest ETag. */
async function noteSession(page) {
  page.on('response', async (response) => {
    if (response.request().method() !== 'POST' || response.status() !== 201) return;
    const headers = await response.allHeaders();
    page.session = { url: new URL(headers.location, response.url()).href, etag: headers.etag };
  });
}

/** What a player does: an offer with new credentials, a PATCH, and the old answer with the new credentials. */
const restart = (page) => page.evaluate(async (url) => {
  const [peer] = window.__peers;
  const offer = await peer.createOffer({ iceRestart: true });
  await peer.setLocalDescription(offer);
  const line = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*?)\r?$`, 'm'))[1];
  const [ufrag, pwd] = ['ice-ufrag', 'ice-pwd'].map((name) => line(offer.sdp, name));
  const response = await fetch(url, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '"*"' },
    body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\na=end-of-candidates\r\n`,
  });
  const fragment = await response.text();
  let { sdp } = peer.remoteDescription;
  for (const name of ['ice-ufrag', 'ice-pwd']) {
    sdp = sdp.replace(new RegExp(`^a=${name}:.*?\r?$`, 'gm'), `a=${name}:${line(fragment, name)}\r`);
  }
  await peer.setRemoteDescription({ type: 'answer', sdp });
  return { status: response.status, type: response.headers.get('content-type'), etag: response.headers.get('etag'), fragment, ufrag };
}, page.session.url);

test('chromium restarts ICE', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  publishFfmpeg(t, server.rtmp('show'));
  await waitLive(server, 'show');
  const page = await watch(browser, server, 'show', 'whep', { prepare: noteSession });
  const etags = [page.session.etag];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const [before, pair] = [await whepStats(page), await selectedPair(page)];
    const answer = await restart(page);
    assert.equal(answer.status, 200, answer.fragment);
    assert.equal(answer.type, 'application/trickle-ice-sdpfrag');
    assert.match(answer.fragment, /^a=candidate:.* typ host/m);
    etags.push(answer.etag);
    await until('the new ICE session is in use', async () => {
      const now = await selectedPair(page);
      return now && now.id !== pair.id && now.local.usernameFragment === answer.ufrag;
    });
    const after = await until(`${FRAMES} more frames`, async () => {
      const stats = await whepStats(page);
      return stats.video.framesDecoded - before.video.framesDecoded >= FRAMES && stats;
    });
    const freezes = after.video.freezeCount - before.video.freezeCount;
    t.diagnostic(`round ${round}: ${after.video.packetsLost - before.video.packetsLost} packets lost, ${freezes} freezes`);
    assert.equal(after.video.ssrc, before.video.ssrc);
    // One may be the machine's; a restart that stopped the media would cost one each time, and the frames above.
    assert.ok(freezes <= 1, `${freezes} freezes`);
    assert.equal(await page.evaluate(() => window.__peers[0].connectionState), 'connected');
  }
  assert.equal(new Set(etags).size, ROUNDS + 1, `every ICE session has its own: ${etags}`);

  const patch = (ifMatch, body, type = 'application/trickle-ice-sdpfrag') => fetch(page.session.url, {
    method: 'PATCH', headers: { 'Content-Type': type, ...(ifMatch ? { 'If-Match': ifMatch } : {}) }, body,
  }).then((response) => response.status);
  const fresh = 'a=ice-ufrag:fresh\r\na=ice-pwd:a-password-of-22-characters\r\n';
  const candidate = 'a=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n';
  assert.equal(await patch(undefined, fresh), 428);
  assert.equal(await patch(etags[0], candidate), 412);
  assert.equal(await patch(etags.at(-1), candidate), 204);
  assert.equal(await patch('*', candidate, 'application/sdp'), 415);
  assert.deepEqual(page.errors, []);
});
