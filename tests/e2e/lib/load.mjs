/** `shopcast-load`: many viewers whose cues are measured, and a bad network for UDP. */
import { createSocket } from 'node:dgram';
import { dirname, join } from 'node:path';
import { SHOPCAST_BIN, slug } from './harness.mjs';
import { start } from './processes.mjs';
import { until, within } from './wait.mjs';

export const LOAD_BIN = process.env.SHOPCAST_LOAD_BIN ?? join(dirname(SHOPCAST_BIN), 'shopcast-load');

/** Above those that Linux gives to who asks for any, as the TCP ports of harness.mjs. */
const [OWN_PORT_FIRST, OWN_PORTS] = [61_000, 4_000];

/**
 * Runs a swarm to its end.
 * @param {object} options by their names: `{whep: 20, noAudio: true}` is `--whep 20 --no-audio`
 * @param {{within?: number, until?: Promise}} limits it is asked to end and report when `until` is settled
 * @returns {Promise<{code: number, report: object}>} 1 when something was missed, and what it says of all
 */
export async function swarm(t, server, stream, options, { within: ms = 180_000, until: enough } = {}) {
  const args = Object.entries(options).flatMap(([name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [option] : [option, `${value}`];
  });
  const load = start(`${slug(t.name)}.swarm`, LOAD_BIN, ['swarm', '--server', server.origin, '--stream', stream, ...args]);
  t.after(() => load.stop());
  const stop = () => load.child.kill('SIGTERM');
  enough?.then(stop, stop);
  const { code } = await within(ms, 'the swarm ends', load.exited);
  if (![0, 1].includes(code)) throw new Error(`shopcast-load swarm ended with ${code}: ${load.log()}`);
  return { code, report: JSON.parse(load.stdout()) };
}

/** What a swarm had of the cues by one protocol, in a line. */
export function inWords(name, { viewers, cues }) {
  const { expected, arrived, missed, late, pulled, gaps, duplicates, margin_ms: margin, from_post_ms: delay, in_band: inBand } = cues;
  return `${name}: ${viewers} viewers, ${arrived} of ${expected} cues arrived, ${missed} missed, ${late} late, ${pulled} pulled, ${gaps} gaps, `
    + `${duplicates} duplicates; margin ms min ${margin.min} p1 ${margin.p1} p5 ${margin.p5} p50 ${margin.p50}; after the request ms p50 ${delay.p50} `
    + `p99 ${delay.p99}; in band ${inBand.arrived}, missing ${inBand.missing}`;
}

/**
 * A UDP proxy that impairs what goes through it.
 *
 * A server behind it is to say so itself: with `SHOPCAST_WEBRTC__ADVERTISED_ADDRESSES` naming the proxy, its answers have
 * no other candidate, and since it is ICE-lite it sends to nobody who did not come through the proxy first. So browsers
 * need no change: see `behindProxy`. Single viewers of a swarm go through it with `via`.
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
