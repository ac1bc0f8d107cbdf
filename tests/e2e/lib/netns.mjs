/**
 * Networks of a test's own: namespaces joined by veth pairs, with nftables in them. Pairs are born inside the namespaces
 * and bytes come in over a Unix socket, so the host's own interfaces, routes and rules are never touched.
 *
 * The kernels the tests run on have no netem: loss is a random drop on the receiver's input hook (on the sender's output
 * hook sendto() would fail with EPERM, which no real network does).
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from './processes.mjs';
import { scratch } from './scratch.mjs';
import { Hopeless, until } from './wait.mjs';

const bridge = fileURLToPath(new URL('./netns-bridge.mjs', import.meta.url));
const NEEDED = { ip: ['ip', '-V'], nft: ['nft', '--version'], conntrack: ['conntrack', '--version'] };
const PREFIX = 'shopcast-test';

/** Names that exist now; whatever way this process ends, they go with it. */
const existing = new Set();
process.on('exit', () => existing.forEach(remove));

function remove(name) {
  spawnSync('ip', ['netns', 'del', name]);
  existing.delete(name);
}

let attempted;

/** What is missing for namespaces, in words; null when nothing is. */
function missing() {
  if (process.getuid() !== 0) return 'network namespaces need root';
  for (const [name, command] of Object.entries(NEEDED)) {
    if (spawnSync(command[0], command.slice(1)).error) return `${name} is not installed (Debian: iproute2 nftables conntrack)`;
  }
  attempted ??= { reason: attempt() };
  return attempted.reason;
}

/** Root in a container may be root without CAP_SYS_ADMIN or CAP_NET_ADMIN: only trying tells. */
function attempt() {
  const name = `${PREFIX}-${process.pid}-attempt`;
  try {
    command('ip', 'netns', 'add', name);
    existing.add(name);
    command('ip', 'netns', 'exec', name, 'nft', 'add table inet attempt');
    return null;
  } catch (error) {
    return `network namespaces need CAP_SYS_ADMIN and CAP_NET_ADMIN: ${error.message}`;
  } finally {
    remove(name);
  }
}

/**
 * An empty network that is gone when the test ends; null, with the test skipped, where there can be none.
 * @param {import('node:test').TestContext} t
 */
export function network(t) {
  const reason = missing();
  if (reason) {
    // Where every check must run, a check that does not is a failure.
    if (process.env.CI === 'true') throw new Error(reason);
    t.skip(reason);
    return null;
  }
  removeAbandoned();
  return new Network(t);
}

/** Namespaces of runs that were killed too hard to clean up. */
function removeAbandoned() {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [name, pid] of stdout.matchAll(new RegExp(`^${PREFIX}-(\\d+)-\\S+`, 'gm'))) {
    try {
      process.kill(Number(pid), 0);
    } catch {
      remove(name);
    }
  }
}

let networks = 0;

class Network {
  #t;
  #prefix;

  constructor(t) {
    this.#t = t;
    networks += 1;
    this.#prefix = `${PREFIX}-${process.pid}-${networks}`;
  }

  /** A namespace with nothing but its loopback interface. */
  namespace(role) {
    const name = `${this.#prefix}-${role}`;
    command('ip', 'netns', 'add', name);
    existing.add(name);
    // The name only: the kernel keeps the namespace until the last process in it has ended.
    this.#t.after(() => remove(name));
    const namespace = new Namespace(this.#t, role, name);
    // Nothing here speaks IPv6, and its address detection would delay every interface.
    namespace.setting('net/ipv6/conf/all/disable_ipv6', 1);
    namespace.run('ip', 'link', 'set', 'lo', 'up');
    return namespace;
  }

  /**
   * A cable between two namespaces.
   * @param {[Namespace, string, string]} a namespace, name of the interface, address with prefix length
   * @param {[Namespace, string, string]} b
   */
  link([a, aName, aAddress], [b, bName, bAddress]) {
    command('ip', 'link', 'add', aName, 'netns', a.name, 'type', 'veth', 'peer', 'name', bName, 'netns', b.name);
    for (const [namespace, name, address] of [[a, aName, aAddress], [b, bName, bAddress]]) {
      namespace.run('ip', 'addr', 'add', address, 'dev', name);
      namespace.run('ip', 'link', 'set', name, 'up');
    }
  }
}

export class Namespace {
  #t;
  #tables = 0;

  constructor(t, role, name) {
    this.#t = t;
    this.role = role;
    this.name = name;
  }

  /** The command that runs `argv` in here. `ip` becomes it, so its pid and its signals are the program's. */
  argv(...argv) {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }

  /** Runs to the end. @returns stdout */
  run(...argv) {
    return command(...this.argv(...argv));
  }

  /** As `start` of processes.mjs. */
  start(name, program, args, options) {
    const [first, ...rest] = this.argv(program, ...args);
    return start(name, first, rest, options);
  }

  /** A file that, executed, is `program` in here; for what wants a path and no command. */
  executable(program) {
    const folder = scratch(this.#t, 'netns');
    const file = join(folder, 'run');
    writeFileSync(file, `#!/bin/sh\nexec ${this.argv(program).join(' ')} "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** A kernel setting by its path under /proc/sys. */
  setting(path, value) {
    this.run('sh', '-c', `echo ${value} >/proc/sys/${path}`);
  }

  /** One nft command, for example `nft('add table ip nat')`. */
  nft(line) {
    return this.run('nft', line);
  }

  /** Packets a named counter has counted. */
  counted(table, counter) {
    const { nftables } = JSON.parse(this.run('nft', '-j', `list counter ${table} ${counter}`));
    return nftables.find((entry) => entry.counter).counter.packets;
  }

  /**
   * Drops packets on their way in, from now on.
   * @param {string} match which, in nft's words, e.g. `udp dport 8189`
   * @param {{percent?: number, hook?: 'input' | 'forward'}} options `percent` of them, by chance
   */
  drop(match, { percent = 100, hook = 'input' } = {}) {
    this.#tables += 1;
    const table = `inet drop${this.#tables}`;
    this.nft(`add table ${table}`);
    this.nft(`add chain ${table} way { type filter hook ${hook} priority 0; }`);
    for (const counter of ['seen', 'dropped']) this.nft(`add counter ${table} ${counter}`);
    this.nft(`add rule ${table} way ${match} counter name seen`);
    const chance = percent < 100 ? `numgen random mod 1000 < ${Math.round(percent * 10)}` : '';
    this.nft(`add rule ${table} way ${match} ${chance} counter name dropped drop`);
    return {
      /** Packets that matched, and those of them that were dropped. */
      counts: () => ({ seen: this.counted(table, 'seen'), dropped: this.counted(table, 'dropped') }),
      stop: () => this.nft(`delete table ${table}`),
    };
  }

  /**
   * Opens a loopback port of the host that leads to `address` in here.
   * @returns the port
   */
  async forward(address) {
    const folder = mkdtempSync(join(tmpdir(), 'shopcast-netns-'));
    const socket = join(folder, 'in.sock');
    const inside = this.start(`netns-${this.role}.bridge`, process.execPath, [bridge, socket, address]);
    await until('the bridge is up', () => {
      if (inside.ended) throw new Hopeless(`the bridge ended: ${inside.log()}`);
      return inside.stdout().includes('up');
    });
    const outside = createServer((client) => pair(client, connect(socket)));
    await new Promise((resolve) => { outside.listen(0, '127.0.0.1', resolve); });
    this.#t.after(async () => {
      outside.close();
      await inside.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    return outside.address().port;
  }
}

/** Bytes both ways until either end is gone. */
export function pair(a, b) {
  for (const [from, to] of [[a, b], [b, a]]) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

function command(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
