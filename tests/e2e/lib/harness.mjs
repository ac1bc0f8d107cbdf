/** Starts the server under test on loopback ports of the system's choice and speaks to its public surface. */
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

/** HTTP, RTMP and WebRTC: as config/shopcast.toml has them, and as the system gives them. */
const USUAL_PORTS = [8080, 1935, 8189];
const ANY_PORTS = [0, 0, 0];

/** Above those that Linux gives to who asks for any (net.ipv4.ip_local_port_range), so that only we take them. */
const [OWN_PORT_FIRST, OWN_PORTS] = [61_000, 4_000];

/**
 * Starts `shopcast serve`, waits until it is ready and stops it when the test ends.
 * @param {import('node:test').TestContext} t
 * @param {{env?: object, args?: string[], inside?: import('./netns.mjs').Namespace}} options `env` as the server reads it,
 *   e.g. `{SHOPCAST_CUES__LEAD: '500ms'}`; `inside` a namespace it has its usual ports, and `origin` leads in from the host
 * @returns the process of processes.mjs with `origin`, `rtmp(stream)` and `ports`: `{http, rtmp, rtmps, admin, webrtc, webrtcTcp}`,
 *   those of them that it listens on
 */
export async function startServer(t, { env = {}, args = [], inside } = {}) {
  for (const file of [SHOPCAST_BIN, TRANSCODER_BIN]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: build the workspace, or set SHOPCAST_BIN and SHOPCAST_TRANSCODER_BIN`);
  }
  const [http, rtmp, webrtc] = inside ? USUAL_PORTS : ANY_PORTS;
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
  const lives = () => {
    if (server.ended) throw new Hopeless(`the server ended: ${server.log()}`);
    return true;
  };
  const { tls, ...at } = await until('the server says where it listens', () => lives() && readAddresses(server.log()));
  const scheme = tls ? 'https' : 'http';
  const origin = inside ? `http://127.0.0.1:${await inside.forward(at.http)}` : `${scheme}://${at.http}`;
  await until('the server is ready', async () => lives() && (await fetch(`${origin}/readyz`)).ok);
  const ports = Object.fromEntries(Object.entries(at).map(([name, address]) => [name, Number(/:(\d+)$/.exec(address)?.[1])]));
  return Object.assign(server, { origin, rtmp: (stream) => `rtmp://127.0.0.1:${ports.rtmp}/live/${stream}`, ports });
}

/** What the server's log says of its addresses; null until it has said it all. */
function readAddresses(log) {
  const [, serving] = /^.* serving (http=.*)$/m.exec(log) ?? [];
  if (serving === undefined) return null;
  const field = (name, line = serving) => new RegExp(`(?:^| )${name}=\\[?([^\\s,\\]]+)`).exec(line)?.[1];
  const candidates = /WebRTC candidates (.*)$/m.exec(log)?.[1] ?? '';
  return {
    http: field('http'), rtmp: field('rtmp'), rtmps: field('rtmps'), tls: field('tls') === 'true', admin: field('admin', log),
    webrtc: field('udp', candidates), webrtcTcp: field('tcp', candidates),
  };
}

export function slug(name) {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60);
}

/** A TCP port nobody listens on, for who cannot say which one the system gave. */
export async function freeTcpPort() {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = OWN_PORT_FIRST + Math.floor(Math.random() * OWN_PORTS);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await new Promise((resolve) => { probe.once('listening', () => resolve(true)).once('error', () => resolve(false)); });
    if (!isFree) continue;
    await new Promise((resolve) => { probe.close(resolve); });
    return port;
  }
  throw new Error('no TCP port is free');
}
