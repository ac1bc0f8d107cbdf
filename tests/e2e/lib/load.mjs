/** `shopcast-load`: a bad network for UDP. */
import { createSocket } from 'node:dgram';
import { dirname, join } from 'node:path';
import { SHOPCAST_BIN, slug } from './harness.mjs';
import { start } from './processes.mjs';
import { until, within } from './wait.mjs';

export const LOAD_BIN = process.env.SHOPCAST_LOAD_BIN ?? join(dirname(SHOPCAST_BIN), 'shopcast-load');

/** Above those that Linux gives to who asks for any, as the TCP ports of harness.mjs. */
const [OWN_PORT_FIRST, OWN_PORTS] = [61_000, 4_000];

/**
 * A UDP proxy that impairs what goes through it.
 *
 * A server behind it is to say so itself: with `SHOPCAST_WEBRTC__ADVERTISED_ADDRESSES` naming the proxy, its answers have
 * no other candidate, and since it is ICE-lite it sends to nobody who did not come through the proxy first. So browsers
 * need no change: see `behindProxy`.
 * @param {number} target UDP port of the server
 * @param {object} settings of both directions, `{loss: 5, delay_ms: 100, up: {…}, down: {…}}`
 */
export async function impair(t, target, settings = {}, { seed = 1 } = {}) {
  const { up, down, ...both } = settings;
  const options = Object.entries(both).flatMap(([name, value]) => [`--${name.replaceAll('_', '-')}`, `${value}`]);
  const one = (name, change) => (change ? [`--${name}`, JSON.stringify(change)] : []);
  const args = ['impair', '--target', `127.0.0.1:${target}`, '--seed', `${seed}`, ...options, ...one('up', up), ...one('down', down)];
  const proxy = start(`${slug(t.name)}.impair`, LOAD_BIN, args, { stdin: 'pipe' });
  t.after(() => proxy.stop());
  const lines = () => proxy.stdout().split('\n').filter(Boolean);
  const { listen } = await until('the proxy says where it listens', () => JSON.parse(lines()[0]));
  return {
    address: listen,
    port: Number(listen.split(':').at(-1)),
    /** Changes settings; done when they are in force. */
    async change(more) {
      const before = lines().length;
      proxy.child.stdin.write(`${JSON.stringify(more)}\n`);
      const answer = await until('the proxy answers', () => lines().length > before && JSON.parse(lines()[before]));
      if (answer.error) throw new Error(answer.error);
      return answer;
    },
    /** Ends it. @returns what went through it and what did not, `{clients, up, down}` */
    async end() {
      proxy.child.stdin.end();
      const { code } = await within(10_000, 'the proxy ends', proxy.exited);
      if (code !== 0) throw new Error(`shopcast-load impair ended with ${code}: ${proxy.log()}`);
      return JSON.parse(lines().at(-1));
    },
  };
}

/**
 * A proxy and what a server's environment is to say so that all its WebRTC goes through it, by UDP alone.
 * @returns {Promise<{proxy: object, env: object}>}
 */
export async function behindProxy(t, settings, options) {
  const port = await freeUdpPort();
  const proxy = await impair(t, port, settings, options);
  const env = {
    SHOPCAST_WEBRTC__LISTEN: `127.0.0.1:${port}`,
    SHOPCAST_WEBRTC__TCP_LISTEN: '',
    SHOPCAST_WEBRTC__ADVERTISED_ADDRESSES: `["${proxy.address}"]`,
  };
  return { proxy, env };
}

async function freeUdpPort() {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = OWN_PORT_FIRST + Math.floor(Math.random() * OWN_PORTS);
    const probe = createSocket('udp4');
    const isFree = await new Promise((resolve) => { probe.once('listening', () => resolve(true)).once('error', () => resolve(false)).bind(port, '127.0.0.1'); });
    await new Promise((resolve) => { probe.close(resolve); });
    if (isFree) return port;
  }
  throw new Error('no UDP port is free');
}
