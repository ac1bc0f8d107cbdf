/**
 * A platform's page that lists streams: each shows its newest key frame as a JPEG, which is as new as it says, kept by its
 * ETag, given to nobody who may not watch, and made again when the process that makes it is killed.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectProblem } from './lib/api.mjs';
import { cellCount, COUNTER, decodeCells, readFilter } from './lib/barcode.mjs';
import { launchBrowser, newPage } from './lib/browser.mjs';
import { SHOPCAST_BIN, startServer } from './lib/harness.mjs';
import { output, start } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';

const API_TOKEN = 'an-api-token-of-the-end-to-end-tests';
const FPS = 30;
const GOP = 60;
/** A key frame is up to a GOP old, its picture may be shown for two seconds, and said again for one. */
const AGE_MAX = GOP + 3 * FPS + FPS;

test('a lobby shows pictures', { timeout: 120_000 }, async (t) => {
  const folder = scratch(t, 'lobby');
  const pair = join(folder, 'platform');
  const env = { SHOPCAST_ACCESS__API_TOKEN: API_TOKEN, SHOPCAST_ACCESS__VIEWERS: 'token', SHOPCAST_ACCESS__JWT_KEY_FILE: `${pair}.public.pem` };
  const shopcast = async (...args) => {
    const command = start('a-lobby-shows-pictures.command', SHOPCAST_BIN, args, { env, cwd: folder });
    const { code } = await command.exited;
    assert.equal(code, 0, command.log());
    return command.stdout().trim().split('\n').at(-1);
  };
  await shopcast('token', '--generate-key', pair);
  const token = (stream, action) => shopcast('token', '--stream', stream, '--key-file', `${pair}.private.pem`, '--action', action);
  const bearer = (credential) => ({ authorization: `Bearer ${credential}` });
  const server = await startServer(t, { env });
  // As OBS sends it: the decoder would hold a key frame back for the pictures after it.
  const publisher = publishFfmpeg(t, server.rtmp('show'), { gop: GOP, bframes: 3 });
  const watch = await token('show', 'watch');
  const address = `${server.origin}/v1/streams/show/thumbnail.jpg`;
  const show = (headers = {}, method = 'GET') => fetch(address, { method, headers: { ...bearer(watch), ...headers } });
  const status = async () => (await fetch(`${server.origin}/v1/streams/show`, { headers: bearer(API_TOKEN) })).json();

  /** Reads the number burnt into a picture. */
  let files = 0;
  const numberOf = async (jpeg) => {
    const file = join(folder, `${files += 1}.jpg`);
    writeFileSync(file, jpeg);
    const cells = await output('ffmpeg', ['-v', 'error', '-i', file, '-vf', readFilter(COUNTER), '-f', 'rawvideo', '-'], { binary: true });
    const number = decodeCells(cells.subarray(0, cellCount(COUNTER)), COUNTER);
    assert.notEqual(number, null, 'the picture has a number');
    return number;
  };
  const shown = async () => {
    const response = await show();
    assert.equal(response.status, 200, await response.clone().text());
    return numberOf(Buffer.from(await response.arrayBuffer()));
  };

  let first;
  await t.test('it shows the newest key frame', async () => {
    await until('the stream is live', async () => (await status()).state === 'live', { within: 30_000 });
    await until('a picture', async () => (await show()).ok);
    const response = await show();
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.equal(response.headers.get('cache-control'), 'private, max-age=2');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    first = await numberOf(Buffer.from(await response.arrayBuffer()));
    const { video } = await status();
    t.diagnostic(`it shows picture ${first} of ${video.frames}`);
    assert.equal(first % GOP, 0, 'a key frame');
    assert.ok(video.frames - first <= AGE_MAX, `${first} of ${video.frames}`);
  });

  await t.test('and another one later, without being asked in between', async () => {
    const later = await until('a newer one', async () => {
      const number = await shown();
      return number > first && number;
    }, { every: 500 });
    const { frames } = (await status()).video;
    assert.equal(later % GOP, 0);
    assert.ok(frames - later <= AGE_MAX, `${later} of ${frames}`);
  });

  await t.test('what a page has is not sent again', async () => {
    // Two at once: the same picture.
    const unchanged = await until('304', async () => {
      const etag = (await show()).headers.get('etag');
      assert.match(etag, /^"[0-9a-f]{16}"$/);
      const again = await show({ 'if-none-match': `"other", W/${etag}` });
      return again.status === 304 && again.headers.get('etag') === etag && again;
    });
    assert.equal(await unchanged.text(), '');
    const head = await show({}, 'HEAD');
    assert.equal(head.status, 200);
    assert.ok(Number(head.headers.get('content-length')) > 1000, head.headers.get('content-length'));
    assert.equal((await show({ 'if-none-match': '"other"' })).status, 200);
  });

  await t.test('nobody sees it who may not watch', async () => {
    await expectProblem(await fetch(address), 401, /token/);
    const publish = await token('show', 'publish');
    await expectProblem(await fetch(address, { headers: bearer(publish) }), 403, /watch/);
    const other = await token('other', 'watch');
    await expectProblem(await fetch(address, { headers: bearer(other) }), 403);
    await expectProblem(await fetch(`${server.origin}/v1/streams/other/thumbnail.jpg`, { headers: bearer(other) }), 404, /no stream/);
  });

  await t.test('Chromium shows it in an <img>, on a page of another origin too', async () => {
    const page = await newPage(await launchBrowser(t));
    const size = (from) => page.evaluate(async (src) => {
      const image = Object.assign(new Image(), { src });
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    }, from);
    await page.setContent('<p>elsewhere</p>');
    assert.deepEqual(await size(`${address}?token=${watch}`), [640, 360]);
    await page.close();
  });

  await t.test('the process that makes it is killed, and whoever asks next is answered', async () => {
    const children = () => [...server.log().matchAll(/of="?thumbnail"?\}.*transcoder started pid=(\d+)/g)].map(([, pid]) => Number(pid));
    const before = await shown();
    const killed = children();
    process.kill(killed.at(-1), 'SIGKILL');
    const asked = performance.now();
    // Every answer on the way is a picture, if not a new one.
    await until('a newer one', async () => (await shown()) > before, { every: 200 });
    t.diagnostic(`a newer picture ${(performance.now() - asked).toFixed(0)} ms after the kill`);
    assert.equal(children().length, killed.length + 1);
  });

  await t.test('interrupted, it shows its last picture; over, none', async () => {
    await publisher.stop();
    await until('it is interrupted', async () => (await status()).state === 'interrupted');
    assert.ok(await shown() > first);
    const ended = await fetch(`${server.origin}/v1/streams/show`, { method: 'DELETE', headers: bearer(API_TOKEN) });
    assert.equal(ended.status, 204);
    await expectProblem(await show(), 404, /no stream/);
    const metrics = await (await fetch(`${server.origin}/metrics`, { headers: bearer(API_TOKEN) })).text();
    const made = Number(/^shopcast_thumbnails_made_total (\d+)$/m.exec(metrics)?.[1]);
    t.diagnostic(`${made} made`);
    assert.ok(made >= 3, metrics);
  });
});
