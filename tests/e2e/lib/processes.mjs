/**
 * Child processes: output to a log file, ended by pid, and never left behind, whatever way the test ends.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const logs = fileURLToPath(new URL('../logs/', import.meta.url));
const TAIL_BYTES = 64 * 1024;
const STOP_MS = 5_000;

const running = new Set();
/** How often each name was given, so that what starts again under it keeps the first one's log. */
const named = new Map();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
// Without a handler a signal ends Node with no 'exit' event, and the children would stay.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/**
 * @param {string} name of the log file, `logs/<name>.log`; for the second of the name `logs/<name>-2.log`
 * @param {{env?: object, cwd?: string, stdin?: 'pipe' | 'ignore'}} options
 */
export function start(name, command, args, { env = {}, cwd, stdin = 'ignore' } = {}) {
  mkdirSync(logs, { recursive: true });
  const count = (named.get(name) ?? 0) + 1;
  named.set(name, count);
  const file = join(logs, `${name}${count > 1 ? `-${count}` : ''}.log`);
  const sink = createWriteStream(file);
  sink.write(`${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, { env: { ...process.env, ...env }, cwd, stdio: [stdin, 'pipe', 'pipe'] });
  running.add(child);
  let tail = '';
  let stdout = '';
  const keep = (chunk) => {
    sink.write(chunk);
    tail = (tail + chunk).slice(-TAIL_BYTES);
  };
  child.stdout.on('data', (chunk) => {
    stdout = (stdout + chunk).slice(-TAIL_BYTES);
    keep(chunk);
  });
  child.stderr.on('data', keep);
  const exited = new Promise((resolve) => {
    child.on('error', (error) => {
      keep(`${error}\n`);
      resolve({ code: null, signal: null, error });
    });
    child.on('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    running.delete(child);
    sink.end();
  });
  const handle = {
    name, file, child, pid: child.pid, exited, ended: false,
    log: () => tail,
    stdout: () => stdout,
    /** Asks it to end, and after five seconds insists. @returns how it ended */
    async stop(signal = 'SIGTERM') {
      if (handle.ended) return exited;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const how = await exited;
      clearTimeout(timer);
      return how;
    },
  };
  exited.then(() => {
    handle.ended = true;
  });
  return handle;
}

/** Runs to the end and returns stdout; an exit code other than 0 throws with the log's tail. */
export async function output(command, args, { ms = 60_000, binary = false } = {}) {
  const { code, bytes, errors } = await run(command, args, { ms });
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.slice(-2000)}`);
  return binary ? bytes : bytes.toString('utf8');
}

/** Runs to the end, however it ends. @returns its exit code or signal, stdout, and the tail of stderr */
export async function run(command, args, { ms = 60_000 } = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const chunks = [];
  let errors = '';
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => { errors = (errors + chunk).slice(-TAIL_BYTES); });
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? signal));
  }).finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  return { code, bytes: Buffer.concat(chunks), errors };
}

/** Pids of the children of `parent` whose name starts so (the kernel keeps 15 characters of it). */
export function childrenOf(parent, name) {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
    try {
      const [, comm, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      const [state, ppid] = rest.split(' ');
      return Number(ppid) === parent && state !== 'Z' && comm.startsWith(name.slice(0, 15));
    } catch {
      return false; // it ended while we looked
    }
  });
}
