/** The proxy that impairs a network is an instrument: what it says it did is what was done. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { impair } from './lib/load.mjs';
import { until } from './lib/wait.mjs';

const COUNT = 2_000;

test('the impairment proxy', { timeout: 60_000 }, async (t) => {
  const echo = await socket(t);
  const [received, peers] = [[], new Set()];
  echo.on('message', (packet, from) => {
    received.push(packet.readUInt32BE(0));
    peers.add(from.port);
    echo.send(packet, from.port, from.address);
  });
  const forget = () => { received.length = 0; peers.clear(); };

  await t.test('loses, counts and keeps the order, as told and as often as told', async (t) => {
    forget();
    const proxy = await impair(t, echo.address().port, { loss: 10, delay_ms: 20, jitter_ms: 15, down: { loss: 30 } });
    const client = await talker(t, proxy.port);
    await client.send(COUNT);
    const { clients, up, down } = await settled(proxy, client, received);
    t.diagnostic(`up ${JSON.stringify(up)}; down ${JSON.stringify(down)}`);
    assert.equal(clients, 1);
    assert.equal(peers.size, 1, 'the server sees one address for one client');
    assert.equal(up.packets, COUNT);
    assert.equal(up.dropped, COUNT - received.length);
    assert.equal(down.packets, received.length);
    assert.equal(down.dropped, received.length - client.got.length);
    assert.equal(up.dropped, up.dropped_by.loss);
    // Five standard deviations of a binomial distribution; the seed is always the same.
    assert.ok(Math.abs(up.dropped - 200) < 5 * Math.sqrt(COUNT * 0.1 * 0.9), `${up.dropped}`);
    assert.ok(Math.abs(down.dropped / down.packets - 0.3) < 0.06, `${down.dropped} of ${down.packets}`);
    assert.deepEqual(client.got, [...client.got].sort((a, b) => a - b), 'no packet overtook another');
    assert.ok(up.delay_ms.p50 >= 18 && up.delay_ms.p99 >= 30, JSON.stringify(up.delay_ms));
    assert.equal(up.reordered, 0);
  });

  await t.test('the same seed loses the same packets, another others', async (t) => {
    const runs = [];
    for (const seed of [7, 7, 8]) {
      forget();
      const proxy = await impair(t, echo.address().port, { loss: 10 }, { seed });
      const client = await talker(t, proxy.port);
      await client.send(300);
      await settled(proxy, client, received);
      runs.push([...received]);
    }
    assert.deepEqual(runs[0], runs[1]);
    assert.notDeepEqual(runs[0], runs[2]);
  });

  await t.test('doubles and reorders', async (t) => {
    forget();
    const proxy = await impair(t, echo.address().port, { up: { reorder: 5, reorder_ms: 20, duplicate: 10 } });
    const client = await talker(t, proxy.port);
    await client.send(COUNT);
    const { up } = await settled(proxy, client, received);
    const behind = received.filter((n, i) => received.slice(0, i).some((earlier) => earlier > n)).length;
    assert.equal(received.length, COUNT + up.duplicated);
    assert.equal(new Set(received).size, COUNT);
    assert.equal(up.reordered, behind);
    assert.ok(up.duplicated > 100 && up.reordered > 20, JSON.stringify(up));
  });

  await t.test('limits the rate, and changes while it runs', async (t) => {
    forget();
    const proxy = await impair(t, echo.address().port, { block: true });
    const client = await talker(t, proxy.port, { bytes: 1000 });
    await client.send(50);
    // 1000 bytes take 10 ms at 800 kbit/s, and the queue holds ten of them.
    const begun = performance.now();
    await proxy.change({ block: false, up: { rate_kbit: 800, queue_ms: 100 } });
    await client.send(40, { burst: 40 });
    await until('the queue came through', () => client.got.length >= 10);
    const ms = performance.now() - begun;
    const { up, down } = await settled(proxy, client, received);
    assert.equal(up.dropped_by.block + up.dropped_by.queue, 90 - received.length);
    // The last of those sent before may have been looked at after the change.
    assert.ok(up.dropped_by.block >= 40 && up.dropped_by.block <= 50, JSON.stringify(up.dropped_by));
    // While they are sent one or two more leave the queue.
    assert.ok(received.length >= 10 && received.length <= 20, `${received.length} came through`);
    assert.ok(ms >= 90, `ten came within ${ms} ms`);
    assert.equal(down.packets, received.length);
    await assert.rejects((await impair(t, 1, {})).change({ los: 5 }), /los/);
  });
});

async function socket(t) {
  const udp = createSocket('udp4');
  await new Promise((resolve) => { udp.bind(0, '127.0.0.1', resolve); });
  // As large as systems grant without being asked for more: what is under way must fit, however long this process is not scheduled.
  udp.setRecvBufferSize(208 << 10);
  t.after(() => udp.close());
  return udp;
}

/** A client that numbers what it sends and keeps the numbers of what comes back. */
async function talker(t, port, { bytes = 100 } = {}) {
  const udp = await socket(t);
  const client = { got: [], send };
  udp.on('message', (packet) => client.got.push(packet.readUInt32BE(0)));
  let next = 0;
  /** A few at a time and small, so that no socket's buffer is the one that loses: the proxy holds 35 ms of them. */
  async function send(count, { burst = 5 } = {}) {
    for (let sent = 0; sent < count; sent += burst) {
      for (let n = 0; n < burst; n += 1) {
        const packet = Buffer.alloc(bytes);
        packet.writeUInt32BE(next, 0);
        next += 1;
        udp.send(packet, port, '127.0.0.1');
      }
      await new Promise((resolve) => { setTimeout(resolve, 1); });
    }
  }
  return client;
}

/** Waits until nothing more comes at either end. @returns the proxy's report */
async function settled(proxy, client, received) {
  let before = -1;
  await until('nothing is under way', () => {
    const now = client.got.length + received.length;
    const still = now === before;
    before = now;
    return still;
  }, { every: 400 });
  return proxy.end();
}
