/** Starts the server under test on free loopback ports and speaks to its public surface. */
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from './processes.mjs';
import { Hopeless, until } from './wait.mjs';

const built = fileURLToPath(new URL('../../../target/debug/shopcast', import.meta.url));

export const SHOPCAST_BIN = process.env.SHOPCAST_BIN ?? built;
export const TRANSCODER_BIN = process.env.SHOPCAST_TRANSCODER_BIN ?? join(dirname(SHOPCAST_BIN), 'shopcast-transcoder');
export const TRANSCODER_NAME = 'shopcast-transcoder';

/** WebRTC takes one UDP port per shard from the first one up. */
const SHARDS_MAX = 4;

/** HTTP, RTMP and WebRTC, as config/shopcast.toml has them. */
const USUAL_PORTS = [8080, 1935, 8189];

/**
 * Starts `shopcast serve`, waits until it is ready and stops it when the test ends.
 * @param {import('node:test').TestContext} t
 * @param {{env?: object, args?: string[], inside?: import('./netns.mjs').Namespace}} options `env` as the server reads it,
 *   e.g. `{SHOPCAST_CUES__LEAD: '500ms'}`; `inside` a namespace it has its usual ports, and `origin` leads in from the host
 */
export async function startServer(t, { env = {}, args = [], inside } = {}) {
  for (const file of [SHOPCAST_BIN, TRANSCODER_BIN]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: build the workspace, or set SHOPCAST_BIN and SHOPCAST_TRANSCODER_BIN`);
  }
  const [http, rtmp, webrtc] = inside ? USUAL_PORTS : [await freeTcpPort(), await freeTcpPort(), await freeUdpPorts(SHARDS_MAX)];
  const [program, ...before] = inside ? inside.argv(SHOPCAST_BIN) : [SHOPCAST_BIN];
  const home = mkdtempSync(join(tmpdir(), 'shopcast-e2e-'));
  const server = start(`${slug(t.name)}.server`, program, [...before, 'serve', ...args], {
    cwd: home,
    env: {
      SHOPCAST_HTTP__LISTEN: `127.0.0.1:${http}`,
      SHOPCAST_RTMP__LISTEN: `127.0.0.1:${rtmp}`,
      SHOPCAST_WEBRTC__LISTEN: `127.0.0.1:${webrtc}`,
      SHOPCAST_TRANSCODER__PATH: TRANSCODER_BIN,
      ...env,
    },
  });
  t.after(async () => {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  });
  const address = env.SHOPCAST_HTTP__LISTEN ?? `127.0.0.1:${http}`;
  const scheme = env.SHOPCAST_HTTP__TLS_CERTIFICATE ? 'https' : 'http';
  const origin = inside ? `http://127.0.0.1:${await inside.forward(address)}` : `${scheme}://${address}`;
  await until('the server is ready', async () => {
    if (server.ended) throw new Hopeless(`the server ended: ${server.log()}`);
    return (await fetch(`${origin}/readyz`)).ok;
  });
  return Object.assign(server, { origin, rtmp: (stream) => `rtmp://127.0.0.1:${rtmp}/live/${stream}`, ports: { http, rtmp, webrtc } });
}

export function slug(name) {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60);
}

/** A TCP port nobody listens on now. Another process could take it before we do; then the server says so and ends. */
export function freeTcpPort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** The first of `count` neighbouring free UDP ports. */
async function freeUdpPorts(count) {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = await bindUdp(0);
    if (first + count > 65_535) continue;
    const others = Array.from({ length: count - 1 }, (_, i) => bindUdp(first + i + 1));
    if ((await Promise.allSettled(others)).every((result) => result.status === 'fulfilled')) return first;
  }
  throw new Error(`no ${count} neighbouring UDP ports are free`);
}

function bindUdp(port) {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.on('error', reject);
    socket.bind(port, '127.0.0.1', () => {
      const { port: bound } = socket.address();
      socket.close(() => resolve(bound));
    });
  });
}
