/** An operator sends a viewer away, then the publisher, by RTMP and by WHIP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectProblem, getJson, streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, watch } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until, within } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const remove = (server, path) => fetch(`${server.origin}/v1/streams/${path}`, { method: 'DELETE' });
const viewersOf = async (server, stream) => (await getJson(server, `/v1/streams/${stream}/viewers`)).viewers;
const peers = (page) => page.evaluate(() => window.__peers.length);

test('people are removed', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const publisher = publishFfmpeg(t, server.rtmp('show'));
  await waitLive(server, 'show');

  await t.test('a viewer: disconnected, and nobody else; a player connects anew', async () => {
    assert.deepEqual(await viewersOf(server, 'show'), []);
    const earliest = Date.now();
    const [one, other] = [await watch(browser, server, 'show', 'whep'), await watch(browser, server, 'show', 'whep')];
    const [first, second] = await viewersOf(server, 'show');
    assert.deepEqual(Object.keys(first), ['id', 'joined']);
    assert.ok(earliest - 1000 <= Date.parse(first.joined) && Date.parse(first.joined) <= Date.parse(second.joined));
    assert.equal((await remove(server, `show/viewers/${first.id}`)).status, 204);
    await expectProblem(await remove(server, `show/viewers/${first.id}`), 404, /no viewer/);
    await until('the player has connected anew', async () => await peers(one) === 2 && (await viewersOf(server, 'show')).length === 2);
    const ids = (await viewersOf(server, 'show')).map(({ id }) => id);
    assert.ok(ids.includes(second.id) && !ids.includes(first.id), `${ids}`);
    assert.equal(await peers(other), 1);
    const { frames } = await playback(one);
    await until('it plays again', async () => (await playback(one)).frames > frames + 30);
    await Promise.all([one.close(), other.close()]);
  });

  await t.test('the publisher by RTMP: told and disconnected', async () => {
    assert.equal((await remove(server, 'show/publisher')).status, 204);
    const { code } = await within(10_000, 'FFmpeg ends', publisher.exited);
    assert.notEqual(code, 0);
    await until('the stream is interrupted', async () => (await streamInfo(server, 'show')).state === 'interrupted');
    await expectProblem(await remove(server, 'show/publisher'), 404, /nobody publishes/);
  });

  await t.test('the publisher by WHIP: its session is closed', async () => {
    const page = await publishWhip(browser, server, 'phone');
    await waitLive(server, 'phone');
    assert.equal((await remove(server, 'phone/publisher')).status, 204);
    assert.equal((await streamInfo(server, 'phone')).state, 'interrupted');
    await until('DTLS is closed', () => page.evaluate(() => window.__peers[0].getSenders().some(({ transport }) => transport?.state === 'closed')));
  });
});
