/**
 * Everything encrypted: FFmpeg publishes by RTMPS and checks the certificate, Chromium watches over https by WebRTC and by
 * hls.js over HTTP/2, a card goes in, and the certificate is renewed under all of it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { test } from 'node:test';
import { insertCue, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, newPage, playback, watch, whepStats } from './lib/browser.mjs';
import { makeCertificate } from './lib/certificate.mjs';
import { getH2, openH2, resetFlood } from './lib/h2.mjs';
import { startServer } from './lib/harness.mjs';
import { edge, parseMedia } from './lib/hls/playlist.mjs';
import { ffmpegArgs, publishFfmpeg } from './lib/publishers.mjs';
import { start } from './lib/processes.mjs';
import { percentile, until, within } from './lib/wait.mjs';

// For `fetch` of this file alone, which takes no authority; whatever is to be trusted is checked where it matters below.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

const FRAMES = 60;
const STREAM = 'secret';

test('encrypted from the publisher to the viewer', { timeout: 180_000 }, async (t) => {
  const tls = await makeCertificate(t);
  const server = await startServer(t, {
    env: {
      SHOPCAST_HTTP__TLS_CERTIFICATE: tls.certificate, SHOPCAST_HTTP__TLS_KEY: tls.key,
      SHOPCAST_RTMP__TLS_LISTEN: '127.0.0.1:0',
    },
  });
  const url = (stream) => `rtmps://localhost:${server.ports.rtmps}/live/${stream}`;

  await t.test('FFmpeg refuses a certificate nobody vouches for', async () => {
    const args = ffmpegArgs(url('nobody'), { mark: 'none', output: ['-tls_verify', '1'] });
    const distrusting = start('https.distrusting', 'ffmpeg', args);
    t.after(() => distrusting.stop());
    const { code } = await within(30_000, 'FFmpeg gives up', distrusting.exited);
    assert.notEqual(code, 0);
    assert.equal((await fetch(`${server.origin}/v1/streams/nobody`)).status, 404);
  });

  publishFfmpeg(t, url(STREAM), { mark: 'counter', output: ['-tls_verify', '1', '-ca_file', tls.caFile] });
  const { video, audio } = await waitLive(server, STREAM);
  assert.equal(`${video.width}x${video.height}`, '640x360');
  assert.match(audio.codecs, /^mp4a/);

  const browser = await launchBrowser(t, { args: [`--ignore-certificate-errors-spki-list=${tls.spki}`] });

  await t.test('WebRTC on an https page, with a card', async () => {
    const page = await watch(browser, server, STREAM, 'whep');
    const before = await until('pictures', async () => {
      const stats = await whepStats(page);
      return stats?.video.framesDecoded > 0 && stats;
    });
    await insertCue(server, STREAM, showCue('mug', { duration_ms: 20_000 }));
    await until('the card shows', () => page.evaluate(() => {
      const texts = window.__players().map((player) => player.shadowRoot?.textContent ?? '');
      return texts.some((text) => text.includes('Product 1'));
    }));
    const after = await until(`${FRAMES} more frames`, async () => {
      const stats = await whepStats(page);
      return stats.video.framesDecoded - before.video.framesDecoded >= FRAMES && stats;
    });
    t.diagnostic(`WebRTC: ${after.video.framesDecoded} frames, ${after.video.freezeCount} freezes`);
    assert.ok(await page.evaluate(() => window.isSecureContext));
    assert.deepEqual(page.errors, []);
    await page.close();
  });

  await t.test('hls.js over HTTP/2', async () => {
    const page = await watch(browser, server, STREAM, 'hls');
    const before = await playback(page);
    await until(`${FRAMES} more frames`, async () => (await playback(page)).frames - before.frames >= FRAMES);
    const protocols = await page.evaluate(() => performance.getEntriesByType('resource')
      .filter(({ name }) => name.includes('/hls/')).map(({ nextHopProtocol }) => nextHopProtocol));
    t.diagnostic(`hls.js: ${protocols.length} requests by ${[...new Set(protocols)]}`);
    assert.ok(protocols.length > 10);
    assert.deepEqual([...new Set(protocols)], ['h2']);
    assert.deepEqual(page.errors, []);
    await page.close();
  });

  await t.test('the pages keep to their policy', async () => {
    for (const path of ['/', `/golive/${STREAM}`, `/watch/${STREAM}`]) {
      const page = await newPage(browser);
      await page.goto(`${server.origin}${path}`, { waitUntil: 'load' });
      const blocked = await page.evaluate(() => {
        try {
          document.createElement('div').innerHTML = '<p>text</p>';
          return 'nothing';
        } catch (error) {
          return error.name;
        }
      });
      assert.equal(blocked, 'TypeError', `${path}: HTML of a string was taken`);
      // Chromium reports what the line above did; nothing else may be there.
      assert.deepEqual(page.errors.filter((error) => !/TrustedHTML/.test(error)), [], path);
      await page.close();
    }
  });

  await t.test('blocking reloads over one HTTP/2 connection', async () => {
    const session = await openH2(t, server.origin, { ca: tls.ca, rejectUnauthorized: true });
    await blockingReloads(t, session);
  });

  await t.test('a new certificate serves new connections, and the old ones live', async () => {
    const old = await openH2(t, server.origin, { ca: tls.ca, rejectUnauthorized: true });
    const serial = await tls.issue();
    server.child.kill('SIGHUP');
    await until('the new certificate is there', async () => (await servedSerial(server, tls)) === serial, { within: 10_000 });
    assert.equal((await getH2(old, '/healthz')).text, 'live\n');
    const { state } = await streamInfo(server, STREAM);
    assert.equal(state, 'live');
    // And without a signal.
    const next = await tls.issue();
    await until('the files are looked at', async () => (await servedSerial(server, tls)) === next, { within: 15_000 });
    assert.equal((await getH2(old, '/healthz')).text, 'live\n');
  });
});

test('HTTP/2 without TLS, by prior knowledge', { timeout: 60_000 }, async (t) => {
  const server = await startServer(t, { env: { SHOPCAST_ADMIN__LISTEN: '127.0.0.1:0' } });
  publishFfmpeg(t, server.rtmp(STREAM), { mark: 'none' });
  await waitLive(server, STREAM);
  const session = await openH2(t, server.origin);
  await blockingReloads(t, session);
  assert.equal(session.remoteSettings.maxConcurrentStreams, 128);
  assert.equal(session.remoteSettings.maxHeaderListSize, 16_384);

  await t.test('metrics are where operators are, and only there', async () => {
    assert.equal((await fetch(`${server.origin}/metrics`)).status, 404);
    const admin = `http://127.0.0.1:${server.ports.admin}`;
    const metrics = await fetch(`${admin}/metrics`);
    assert.match(await metrics.text(), /^shopcast_http_connections [1-9]/m);
    assert.equal((await fetch(`${admin}/v1/streams`)).status, 404);
  });

  await t.test('a flood of resets ends its own connection only', async () => {
    const code = await within(10_000, 'GOAWAY', resetFlood(t, server.ports.http, 1_000));
    assert.equal(code, 11); // ENHANCE_YOUR_CALM
    assert.equal((await getH2(session, '/healthz')).text, 'live\n');
  });
});

/** Follows the playlist part by part, and then has many wait at once. */
async function blockingReloads(t, session) {
  const path = `/hls/${STREAM}/video.m3u8`;
  let model = parseMedia((await getH2(session, path)).text);
  const waits = [];
  for (let i = 0; i < 15; i += 1) {
    const { msn, part } = edge(model);
    const answer = await getH2(session, `${path}?_HLS_msn=${msn}&_HLS_part=${part + 1}`);
    assert.equal(answer.status, 200, answer.text);
    model = parseMedia(answer.text);
    const now = edge(model);
    assert.ok(now.msn > msn || now.part > part, 'the answer has the part that was asked for');
    waits.push(answer.ms);
  }
  t.diagnostic(`blocking reload over HTTP/2: median ${percentile(waits, 50).toFixed(0)} ms, longest ${percentile(waits, 100).toFixed(0)} ms`);
  assert.ok(percentile(waits, 50) > 100, 'they did not wait');
  assert.ok(percentile(waits, 50) < 700, 'they waited for more than a part');
  const { msn, part } = edge(model);
  const together = await Promise.all(Array.from({ length: 100 }, () => getH2(session, `${path}?_HLS_msn=${msn}&_HLS_part=${part + 1}`)));
  assert.ok(together.every(({ status }) => status === 200));
  const ends = together.map(({ ms }) => ms);
  t.diagnostic(`100 of them on one connection: all within ${(Math.max(...ends) - Math.min(...ends)).toFixed(0)} ms of each other`);
}

/** The serial number a new connection is shown, by an authority that is checked. */
async function servedSerial(server, tls) {
  const socket = connectTls({ host: '127.0.0.1', port: server.ports.http, servername: 'localhost', ca: tls.ca, rejectUnauthorized: true });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate().serialNumber;
  } finally {
    socket.destroy();
  }
}
