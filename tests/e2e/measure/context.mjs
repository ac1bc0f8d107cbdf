/** What a measurement needs and a test has from its runner: a name, cleaning up, and where its figures go. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { scope } from '../lib/scope.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs `body` with something that stands in for a test's context, and cleans up after it whatever happens. */
export async function measure(name, body) {
  const context = scope(name);
  try {
    return await body(context);
  } finally {
    await context.end();
  }
}

/** Date, commit, machine and command, as every published figure carries them. */
export function conditions(command) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') ? ' with uncommitted changes' : '';
  return [
    `- Date: ${new Date().toISOString().slice(0, 16)}Z`,
    `- Commit: ${git('rev-parse', '--short', 'HEAD')}${changed}`,
    `- Machine: ${cpus().length} x ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `- Command: \`${command}\``,
  ].join('\n');
}

/** Replaces one section of a page under `docs/`, or adds it at the end; other sections stay. */
export function publish(page, heading, text) {
  const file = `${root}docs/${page}`;
  const section = `## ${heading}\n\n${text.trim()}\n`;
  const [head, ...sections] = readFileSync(file, 'utf8').split(/^(?=## )/m);
  const others = sections.filter((other) => !other.startsWith(`## ${heading}\n`));
  writeFileSync(file, [head.trimEnd(), ...others.map((other) => other.trimEnd()), section].join('\n\n').trimEnd().concat('\n'));
  console.log(`\n${section}\n(written to docs/${page})`);
}

/** `p50 / p95 / max` of milliseconds, whole numbers. */
export function spread(values, percentile) {
  const whole = (p) => Math.round(percentile(values, p));
  return `${whole(50)} / ${whole(95)} / ${Math.round(Math.max(...values))}`;
}
