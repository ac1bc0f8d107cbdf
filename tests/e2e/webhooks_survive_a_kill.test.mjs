/** The server is killed between writing an event and delivering it: the next one delivers it, to the byte. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { getJson } from './lib/api.mjs';
import { freeTcpPort, startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';
import { receive, verified, webhooksToml } from './lib/webhooks.mjs';

const secret = () => `whsec_${randomBytes(32).toString('base64')}`;

test('a kill costs no webhook and changes none', { timeout: 120_000 }, async (t) => {
  const folder = scratch(t, 'webhooks');
  // One takes everything, one is down, one hangs on the first attempt for as long as the server lives.
  const [up, hangs] = [await receive(t), await receive(t, { answer: (n) => (n === 0 ? null : 204) })];
  const port = await freeTcpPort();
  const secrets = { up: secret(), down: secret(), hangs: secret() };
  const config = join(folder, 'shopcast.toml');
  writeFileSync(config, webhooksToml([
    { name: 'up', url: up.url, secret: secrets.up },
    { name: 'down', url: `http://127.0.0.1:${port}/hooks`, secret: secrets.down },
    { name: 'hangs', url: hangs.url, secret: secrets.hangs },
  ]));
  // No show outlives its server here.
  const options = { args: ['--config', config], env: { SHOPCAST_STORE__PATH: join(folder, 'shopcast.db'), SHOPCAST_STREAMS__KEEP: '0ms' } };

  const first = await startServer(t, options);
  publishFfmpeg(t, first.rtmp('show'), { mark: 'none', audio: false });
  const before = await until('each receiver has had its first attempt', async () => {
    const { deliveries } = await getJson(first, '/v1/webhooks/deliveries');
    const of = (name) => deliveries.find((delivery) => delivery.endpoint === name);
    return of('up')?.state === 'delivered' && of('down')?.attempts === 1 && hangs.got.length === 1 && deliveries;
  }, { within: 40_000 });
  assert.deepEqual(before.map(({ type }) => type), ['stream.live', 'stream.live', 'stream.live']);
  assert.match(before.find(({ endpoint }) => endpoint === 'down').last_error, /refused/);
  await first.stop('SIGKILL');

  const down = await receive(t, { port });
  const second = await startServer(t, options);
  const receivers = { up, down, hangs };
  // The stream ended with the first server, which its receivers are told after what they were to be told before.
  await until('everyone has it all', () => Object.values(receivers).every(({ got, types }) => got.length > 0 && types().at(-1) === 'stream.ended'), { within: 30_000 });
  assert.deepEqual(up.types(), ['stream.live', 'stream.ended'], 'what was delivered is not sent again');
  assert.deepEqual(down.types(), ['stream.live', 'stream.ended']);
  assert.deepEqual(hangs.types(), ['stream.live', 'stream.live', 'stream.ended']);
  const [told] = up.got;
  for (const again of [down.got[0], hangs.got[0], hangs.got[1]]) {
    assert.equal(again.body, told.body);
    assert.equal(again.headers['webhook-id'], told.headers['webhook-id']);
  }
  for (const [name, { got }] of Object.entries(receivers)) {
    for (const message of got) verified(secrets[name], message);
    const { data } = JSON.parse(got.at(-1).body);
    assert.deepEqual(data, { stream: 'show', epoch: 1, pts: null, reason: 'restart' });
  }
  // The retry came no earlier than five seconds after the attempt that failed.
  const failed = Date.parse(before.find(({ endpoint }) => endpoint === 'down').last_attempt_at);
  assert.ok(down.got[0].at - failed >= 5_000, `${down.got[0].at - failed} ms`);
  const left = await getJson(second, '/v1/webhooks/deliveries?state=pending');
  assert.deepEqual(left, { deliveries: [], next_before: null });
});
