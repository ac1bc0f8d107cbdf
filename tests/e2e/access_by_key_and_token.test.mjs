/**
 * A server that guards everything, as an operator sets it up: a stream key from the command line lets FFmpeg publish, a
 * token from the command line lets a viewer in by WebRTC and by LL-HLS, and nobody else gets anything.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectProblem, offer, postWhep } from './lib/api.mjs';
import { SHOPCAST_BIN, startServer } from './lib/harness.mjs';
import { hlsUrl } from './lib/hls-client.mjs';
import { start } from './lib/processes.mjs';
import { ffmpegArgs, publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';

const API_TOKEN = 'an-api-token-of-the-end-to-end-tests';

test('access by key and token', { timeout: 120_000 }, async (t) => {
  const folder = scratch(t, 'access');
  const pair = join(folder, 'platform');
  const env = {
    SHOPCAST_STORE__PATH: join(folder, 'shopcast.db'),
    SHOPCAST_ACCESS__API_TOKEN: API_TOKEN,
    SHOPCAST_ACCESS__PUBLISHERS: 'key',
    SHOPCAST_ACCESS__VIEWERS: 'token',
    SHOPCAST_ACCESS__JWT_KEY_FILE: `${pair}.public.pem`,
  };
  const shopcast = async (...args) => {
    const command = start('access-by-key-and-token.command', SHOPCAST_BIN, args, { env, cwd: folder });
    const { code } = await command.exited;
    assert.equal(code, 0, command.log());
    return command.stdout().trim().split('\n').at(-1);
  };
  const token = (...args) => shopcast('token', '--stream', 'show', '--key-file', `${pair}.private.pem`, ...args);
  const bearer = (credential) => ({ authorization: `Bearer ${credential}` });
  await shopcast('token', '--generate-key', pair);
  const server = await startServer(t, { env });
  const key = await shopcast('key', 'create', 'show');
  const status = () => fetch(`${server.origin}/v1/streams/show`, { headers: bearer(API_TOKEN) });

  await t.test('an encoder without the key hears why, and is gone', async () => {
    for (const name of ['show', 'show?key=sk_of-somebody-else', `${key.slice(0, -2)}AA`]) {
      const refused = start('access-by-key-and-token.refused', 'ffmpeg', ffmpegArgs(server.rtmp(name), { seconds: 5 }));
      const { code } = await refused.exited;
      assert.notEqual(code, 0);
      assert.match(refused.log(), /stream key/, refused.log());
    }
    assert.equal((await status()).status, 404);
  });

  await t.test('with the key alone it publishes the stream of that key', async () => {
    publishFfmpeg(t, server.rtmp(key), { mark: 'none' });
    await until('the stream is live', async () => {
      const response = await status();
      return response.ok && (await response.json()).state === 'live';
    }, { within: 30_000 });
  });

  await t.test('a viewer needs a token, by WebRTC', async () => {
    await expectProblem(await postWhep(server, 'show'), 401, /token/);
    const sdp = { 'content-type': 'application/sdp' };
    const watch = await token('--action', 'watch');
    const publish = await token('--action', 'publish');
    await expectProblem(await postWhep(server, 'show', offer(), { ...sdp, ...bearer(publish) }), 403, /watch/);
    const response = await postWhep(server, 'show', offer(), { ...sdp, ...bearer(watch) });
    assert.equal(response.status, 201, await response.text());
    const session = new URL(response.headers.get('location'), server.origin);
    await expectProblem(await fetch(session, { method: 'DELETE' }), 401);
    assert.equal((await fetch(session, { method: 'DELETE', headers: bearer(watch) })).status, 200);
  });

  await t.test('and by LL-HLS, where the token stands behind the address', async () => {
    const link = new URL(await token('--url', server.origin));
    assert.equal((await fetch(link)).status, 200, 'the watch page');
    const playlist = (query) => fetch(`${hlsUrl(server, 'show', 'index.m3u8')}${query}`);
    await expectProblem(await playlist(''), 401, /token/);
    await expectProblem(await playlist('?token=a.b.c'), 401);
    const response = await until('the playlist', async () => {
      const answer = await playlist(link.search);
      return answer.ok ? answer : undefined;
    });
    assert.match(await response.text(), /^#EXTM3U/);
  });

  await t.test('a revoked key publishes no more, and no log has a secret', async () => {
    const id = (await shopcast('key', 'list', 'show')).split(' ')[0];
    await shopcast('key', 'revoke', 'show', id);
    await until('whoever publishes with it is disconnected', async () => {
      const response = await status();
      return !response.ok || (await response.json()).state !== 'live';
    }, { within: 30_000 });
    const refused = start('access-by-key-and-token.revoked', 'ffmpeg', ffmpegArgs(server.rtmp(key), { seconds: 5 }));
    assert.notEqual((await refused.exited).code, 0);
    assert.match(refused.log(), /not known/);
    for (const secret of [key, API_TOKEN, 'somebody-else', 'eyJ']) assert.ok(!server.log().includes(secret), server.log());
  });
});
