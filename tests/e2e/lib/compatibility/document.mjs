/** docs/compatibility.md: the table as it is written, and as it is read again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { conditions } from '../../measure/context.mjs';
import { COLUMNS } from './players.mjs';

const FILE = fileURLToPath(new URL('../../../../docs/compatibility.md', import.meta.url));
/** What there is of it where a cell has no verdict. */
const DRAFT = fileURLToPath(new URL('../../logs/compatibility.md', import.meta.url));
const COMMAND = 'npm run compatibility';
const ENCODER = 'encoder and settings';
const TOLD = 'told to the broadcaster';

/**
 * Writes the page, and a draft of it beside the logs where a cell is null.
 * @param {Awaited<ReturnType<import('./measure.mjs').measureRow>>[]} rows in the order of rows.mjs, whatever finished first
 * @param {Record<string, string>} clients versions by name
 */
export function writeDocument(rows, clients) {
  const isWhole = rows.every(({ cells }) => cells.every((cell) => cell !== null));
  const verdicts = rows.map(({ name, cells, told }) => [name, ...cells.map((cell) => cell ?? 'no verdict'), told]);
  const figures = rows.map((row) => [row.name, ...row.figures]);
  const players = COLUMNS.map(({ name }) => name);
  writeFileSync(isWhole ? FILE : DRAFT, `${INTRODUCTION}
## Verdicts

${table([ENCODER, ...players, TOLD], verdicts)}

- **plays**: pictures came at the source's rate, with their sound, also past a change of the source in mid-stream.
- **encoded again**: the player has the picture that the server made of the source's, for the reason that is named ([decision 0013](adr/0013-pictures-are-encoded-again-where-they-must-be.md)).
- **refused**: by the server, with the status and the words of its [problem](api.md#problems), or by the player, with the words of its notice.
- **plays up to the change**: what the player did not take of a source that changes in mid-stream; opened anew it plays again.
- **sound only**: no picture, for the reason that the [verdict](api.md#verdicts) of this code gives the broadcaster.
- *${TOLD}*: the codes of the stream's [verdicts](api.md#verdicts) while it is watched, and \`video.repair\`. Those of the line and the machine are left out.

Firefox as Debian ships it has no H.264 for WebRTC; Mozilla's own fetches OpenH264. FFmpeg stands for players that take LL-HLS as plain HLS.

## Figures

Pictures decoded of those that were due by the stream's own clock, once a player had settled. A busy machine may take as long as it likes; three of four are enough.

${table([ENCODER, ...players], figures)}

## Conditions

${conditions(COMMAND)}
${Object.entries(clients).map(([name, version]) => `- ${name}: ${version}`).join('\n')}
`);
}

/** @returns {Map<string, string[]>} the cells of each row by its name; throws where it is no such table */
export function readDocument() {
  const [, section] = /^## Verdicts\n\n((?:\|.*\|\n)+)/m.exec(readFileSync(FILE, 'utf8')) ?? [];
  if (section === undefined) throw new Error('docs/compatibility.md has no table of verdicts');
  const [header, , ...rows] = section.trim().split('\n').map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim()));
  const wanted = [ENCODER, ...COLUMNS.map(({ name }) => name), TOLD];
  if (header.join() !== wanted.join()) throw new Error(`docs/compatibility.md has the columns ${header}, and should have ${wanted}`);
  return new Map(rows.map(([name, ...cells]) => [name, cells]));
}

function table(header, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}

const INTRODUCTION = `# Compatibility

Encoders and their settings against players, each pair tried and judged by what the player decoded. This page is written by
\`${COMMAND}\` in \`tests/e2e\` and by \`scripts/test --full\`, and only when every cell has a verdict. \`scripts/test\` tries
a few of the rows, and holds them against this page.
`;
