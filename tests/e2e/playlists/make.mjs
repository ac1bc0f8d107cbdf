/**
 * Writes playlists/good and playlists/bad. The files are committed and the tests read the files; this script only
 * keeps it visible what each mutant changes. Run `npm run playlists` after adding a rule, and read the diff.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GOOD, EDGE } from './good.mjs';
import { historyMutants } from './mutants-history.mjs';
import { playlistMutants } from './mutants-playlist.mjs';
import { RULES } from '../lib/hls-checker.mjs';

const here = dirname(fileURLToPath(import.meta.url));

function write(path, text) {
  const file = join(here, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

rmSync(join(here, 'good'), { recursive: true, force: true });
rmSync(join(here, 'bad'), { recursive: true, force: true });

for (const [name, text] of Object.entries(GOOD)) write(`good/${name}.m3u8`, text);

const titles = new Map(RULES.map((rule) => [rule.id, rule.title]));
const counts = new Map();
for (const { rule, also = [], files } of [...playlistMutants, ...historyMutants]) {
  const title = titles.get(rule);
  if (!title) throw new Error(`${rule} is no rule`);
  const number = (counts.get(rule) ?? 0) + 1;
  counts.set(rule, number);
  const name = `${rule}-${title.split(' ').at(-1)}${number > 1 ? `-${number}` : ''}`;
  // The last line says what the test expects: this rule, and those that cannot but fail with it.
  const expect = `# must be rejected by ${[title, ...also.map((id) => titles.get(id))].join(' and ')}\n`;
  const entries = Object.entries(files);
  for (const [file, text] of entries) {
    write(entries.length === 1 && file === '' ? `bad/${name}.m3u8` : `bad/${name}/${file}.m3u8`, text + expect);
  }
}
console.log(`${Object.keys(GOOD).length} good, ${counts.size} rules with mutants, edge ${EDGE.msn}.${EDGE.parts}`);
