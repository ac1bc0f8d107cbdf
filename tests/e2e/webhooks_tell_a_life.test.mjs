/** A stream's life as its receivers see it: signed by both schemes, over TLS, in order, tried again, replayed. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectProblem, getJson, streamInfo, waitLive } from './lib/api.mjs';
import { makeCertificate } from './lib/certificate.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';
import { receive, verified, verifiedBy, webhooksToml } from './lib/webhooks.mjs';

/** What a receiver shows of a certificate. */
const served = ({ certificate, key }) => ({ cert: readFileSync(certificate), key: readFileSync(key) });

const random = (prefix) => `${prefix}${randomBytes(32).toString('base64')}`;

test('a stream lives and its receivers know', { timeout: 150_000 }, async (t) => {
  const folder = scratch(t, 'webhooks');
  const tls = await makeCertificate(t);
  // The first attempt fails; the second must come five to six seconds later.
  const shop = await receive(t, { answer: (n) => (n === 0 ? 500 : 204) });
  const desk = await receive(t, { tls: served(tls) });
  const [oldSecret, newSecret, key] = [random('whsec_'), random('whsec_'), random('whsk_')];
  const config = join(folder, 'shopcast.toml');
  writeFileSync(config, webhooksToml([
    { name: 'shop', url: shop.url, secret: `${newSecret} ${oldSecret}` },
    { name: 'desk', url: desk.url, secret: key, events: ['stream.live', 'stream.ended'] },
  ]));
  const server = await startServer(t, { args: ['--config', config], env: { SSL_CERT_FILE: tls.caFile, SHOPCAST_STREAMS__RESUME_WINDOW: '4s' } });

  const publisher = publishFfmpeg(t, server.rtmp('show'), { mark: 'none', audio: false });
  await waitLive(server, 'show', { kinds: ['video'] });
  await publisher.stop();
  await until('the stream is interrupted', async () => (await streamInfo(server, 'show')).state === 'interrupted');
  const again = publishFfmpeg(t, server.rtmp('show'), { mark: 'none', audio: false });
  await until('the stream is live again', async () => (await streamInfo(server, 'show')).epoch === 2);
  await again.stop();
  const life = ['stream.live', 'stream.live', 'stream.interrupted', 'stream.resumed', 'stream.interrupted', 'stream.ended'];
  await until('the shop knows it all', () => shop.got.length >= life.length, { within: 30_000 });
  await until('the desk knows what it asked for', () => desk.got.length >= 2);
  assert.deepEqual(shop.types(), life);
  assert.deepEqual(desk.types(), ['stream.live', 'stream.ended']);

  // Both secrets verify while one is replaced, a third does not, and neither does another body.
  for (const message of shop.got) {
    for (const secret of [oldSecret, newSecret]) assert.deepEqual(verified(secret, message), JSON.parse(message.body));
    assert.throws(() => verified(random('whsec_'), message), /No matching signature/);
    assert.throws(() => verified(newSecret, { ...message, body: message.body.replace('show', 'shop') }), /No matching signature/);
    assert.equal(message.method, 'POST');
    assert.equal(message.headers['content-type'], 'application/json');
  }
  const publicKey = /whpk_[A-Za-z0-9+/]{43}=/.exec(server.log())[0];
  for (const message of desk.got) {
    assert.ok(verifiedBy(publicKey, message));
    assert.ok(!verifiedBy(publicKey, { ...message, body: `${message.body} ` }));
  }
  assert.ok(!server.log().includes(key.slice(5)) && !server.log().includes(newSecret.slice(6)), 'secrets stay out of the log');

  // The same message, later, signed for its own attempt.
  const [refused, taken] = shop.got;
  assert.equal(taken.headers['webhook-id'], refused.headers['webhook-id']);
  assert.equal(taken.body, refused.body);
  const waited = taken.at - refused.at;
  assert.ok(waited >= 5_000 && waited < 8_000, `${waited} ms`);
  assert.ok(Number(taken.headers['webhook-timestamp']) >= Number(refused.headers['webhook-timestamp']) + 5);
  const ids = new Set(shop.got.map(({ headers }) => headers['webhook-id']));
  assert.equal(ids.size, life.length - 1);

  // What is told is what the timeline has.
  const events = shop.got.slice(1).map(({ body }) => JSON.parse(body));
  assert.deepEqual(events.map(({ data }) => [data.stream, data.epoch]), [['show', 1], ['show', 1], ['show', 2], ['show', 2], ['show', 2]]);
  assert.equal(events.at(-1).data.reason, 'over');
  for (let i = 1; i < events.length; i += 1) {
    assert.ok(events[i].data.pts >= events[i - 1].data.pts, JSON.stringify(events));
    assert.ok(Date.parse(events[i].timestamp) >= Date.parse(events[i - 1].timestamp));
    // The timeline runs with the clock: within a second, for the moment an event is told at.
    const [ticks, ms] = [events[i].data.pts - events[0].data.pts, Date.parse(events[i].timestamp) - Date.parse(events[0].timestamp)];
    if (events[i].type !== 'stream.ended') assert.ok(Math.abs(ticks / 90 - ms) < 1_500, `${events[i].type}: ${ticks / 90} ms on the timeline, ${ms} ms on the clock`);
  }

  await theLog(server, shop);
});

/** Reads the log of deliveries, and has the first one made again. */
async function theLog(server, shop) {
  const { deliveries } = await getJson(server, '/v1/webhooks/deliveries?endpoint=shop&state=delivered');
  assert.deepEqual(deliveries.map(({ type }) => type), ['stream.ended', 'stream.interrupted', 'stream.resumed', 'stream.interrupted', 'stream.live']);
  const live = deliveries.at(-1);
  assert.deepEqual([live.attempts, live.last_status, live.last_error], [2, 204, null]);
  const replay = (id, body = '{}', type = 'application/json') =>
    fetch(`${server.origin}/v1/webhooks/deliveries/${id}/replay`, { method: 'POST', headers: { 'content-type': type }, body });
  const had = shop.got.length;
  assert.equal((await replay(live.id)).status, 202);
  await until('it comes again', () => shop.got.length > had);
  assert.equal(shop.got.at(-1).headers['webhook-id'], live.message_id);
  assert.equal(shop.got.at(-1).body, shop.got[0].body);
  await expectProblem(await replay(10_000), 404, /10000/);
  await expectProblem(await replay('x'), 404);
  await expectProblem(await replay(live.id, '{}', 'text/plain'), 415);
  await expectProblem(await replay(live.id, '{"now":true}'), 400);
  await expectProblem(await fetch(`${server.origin}/v1/webhooks/deliveries?limit=0`), 400, /limit/);
  await expectProblem(await fetch(`${server.origin}/v1/webhooks/deliveries?state=lost`), 400);
  const foreign = await fetch(`${server.origin}/v1/webhooks/deliveries`, { headers: { origin: 'https://elsewhere.example' } });
  assert.equal(foreign.headers.get('access-control-allow-origin'), null, 'no page of another origin reads the log');
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  assert.match(metrics, /shopcast_webhooks_attempts_total\{endpoint="shop",outcome="failed"\} 1\n/);
  assert.match(metrics, /shopcast_webhooks_attempts_total\{endpoint="desk",outcome="delivered"\} 2\n/);
  assert.match(metrics, /shopcast_webhooks_pending\{endpoint="shop"\} 0\n/);
  assert.match(metrics, /shopcast_webhooks_disabled\{endpoint="shop"\} 0\n/);
  const { webhooks } = await getJson(server, '/openapi.json');
  assert.deepEqual(Object.keys(webhooks).sort(), ['stream.ended', 'stream.interrupted', 'stream.live', 'stream.resumed', 'stream.verdict']);
}

test('a receiver whose certificate nobody vouches for gets nothing, and an address of this machine needs leave', { timeout: 60_000 }, async (t) => {
  const folder = scratch(t, 'webhooks');
  const desk = await receive(t, { tls: served(await makeCertificate(t)) });
  const config = join(folder, 'shopcast.toml');
  const endpoint = { name: 'desk', url: desk.url, secret: random('whsec_') };
  writeFileSync(config, webhooksToml([endpoint]));
  const failure = async (env) => {
    const server = await startServer(t, { args: ['--config', config], env });
    const publisher = publishFfmpeg(t, server.rtmp('show'), { mark: 'none', audio: false });
    const error = await until('the attempt fails', async () => (await getJson(server, '/v1/webhooks/deliveries')).deliveries.at(-1)?.last_error, { within: 30_000 });
    await publisher.stop();
    await server.stop();
    return error;
  };
  assert.match(await failure({}), /certificate/i);
  // The name is allowed by the configuration; where it leads is found out at the attempt.
  assert.match(await failure({ SHOPCAST_WEBHOOKS__ALLOW_PRIVATE: 'false' }), /allow_private/);
  assert.deepEqual(desk.got, []);
});
