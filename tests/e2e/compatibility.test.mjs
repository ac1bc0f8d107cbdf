/**
 * Which players show what of which encoders: every row of lib/compatibility/rows.mjs against every player, each cell a verdict
 * by what was decoded. `SHOPCAST_FULL=1` tries all and writes docs/compatibility.md; otherwise three rows are held against it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser } from './lib/browser.mjs';
import { readDocument, writeDocument } from './lib/compatibility/document.mjs';
import { goLive, measureRow } from './lib/compatibility/measure.mjs';
import { COLUMNS } from './lib/compatibility/players.mjs';
import { ROWS } from './lib/compatibility/rows.mjs';
import { IS_VERDICT, verdictOf } from './lib/compatibility/verdict.mjs';
import { versions } from './lib/compatibility/versions.mjs';
import { launchFirefox } from './lib/firefox.mjs';

const FULL = Boolean(process.env.SHOPCAST_FULL);
/** Of each way of publishing one: encoded again, changed in mid-stream, another codec. */
const FEW = ['RTMP, x264, `-bf 2`', 'RTMP, another size in mid-stream', 'WHIP, Chromium, VP9'];
const TRIED = ROWS.filter(({ name }) => FULL || FEW.includes(name));

test('encoders against players', { timeout: 60_000 + TRIED.length * 60_000 }, async (t) => {
  const browsers = { chromium: await launchBrowser(t), firefox: await launchFirefox(t) };
  const results = [];
  let next = goLive(TRIED[0], browsers);
  const ends = [];
  for (const [n, row] of TRIED.entries()) {
    const air = next;
    // While one is watched, the next goes live.
    next = n + 1 < TRIED.length ? goLive(TRIED[n + 1], browsers) : null;
    await t.test(row.name, async (subtest) => {
      const result = await measured(subtest, row, browsers, air, ends);
      results.push(result);
      COLUMNS.forEach(({ name }, column) => subtest.diagnostic(`${name}: ${result.cells[column]} (${result.figures[column]})`));
      subtest.diagnostic(`told: ${result.told}`);
      everyCellIsAVerdict(result);
      if (!FULL) assert.deepEqual([...result.cells, result.told], readDocument().get(row.name), 'docs/compatibility.md says something else');
    });
    ends.push(air.end());
  }
  await Promise.all(ends);
  if (FULL && results.length === ROWS.length) writeDocument(results, await versions(browsers));
});

test('the document names every row and every column, and no cell is without a verdict', () => {
  const rows = readDocument();
  assert.deepEqual([...rows.keys()], ROWS.map(({ name }) => name));
  for (const [name, cells] of rows) {
    assert.equal(cells.length, COLUMNS.length + 1, name);
    const [told, ...verdicts] = [cells.at(-1), ...cells.slice(0, -1)];
    verdicts.forEach((verdict, n) => assert.match(verdict, IS_VERDICT, `${name}, ${COLUMNS[n].name}`));
    assert.match(told, /^(none|(repair: )?`[a-z0-9_]+`(, (repair: )?`[a-z0-9_]+`)*)$/, name);
  }
});

test('what says nothing is no verdict', () => {
  const [row] = ROWS;
  const stream = { rate: 30, codes: [], repair: null, again: { whep: false, hls: false } };
  const whole = { pictures: 60, seconds: 2, sound: true, sizes: [], refusal: null };
  const cell = (seen, more = {}, protocol = 'hls') => verdictOf({ ...row, ...more.row }, protocol, { ...whole, ...seen }, { ...stream, ...more.stream });
  assert.equal(cell({}), 'plays');
  assert.equal(cell({}, { stream: { repair: 'b_frames', again: { whep: true, hls: false } } }, 'whep'), 'plays, encoded again: b_frames');
  assert.equal(cell({ refusal: '406, no H.264', pictures: 0 }), 'refused: 406, no H.264');
  assert.equal(cell({ sound: false }), null, 'silence');
  assert.equal(cell({ pictures: 5 }), null, 'one picture in twelve, as B-frames are by WebRTC');
  assert.equal(cell({ seconds: 0.5, pictures: 15 }), null, 'it stopped');
  assert.equal(cell({ sizes: ['320x180'] }, { row: { sizes: ['320x180', '480x270'] } }), null, 'it kept its first size');
  assert.equal(cell({ pictures: 0, seconds: 0 }), null, 'no picture, and nobody said why');
  const vp8 = { stream: { codes: ['vp8_no_hls'] } };
  assert.equal(cell({ pictures: 0, seconds: 0 }, vp8), 'sound only: vp8_no_hls');
  assert.equal(cell({ pictures: 0, seconds: 0 }, vp8, 'whep'), null, 'that verdict is not about WebRTC');
  const broken = { pictures: 30, isBroken: true };
  assert.match(cell(broken, { row: { isChanging: true } }), /^plays up to the change: /);
  assert.equal(cell(broken), null, 'nothing changed, and it could not decode what came');
  for (const empty of ['', 'refused: ', 'sound only', 'null']) assert.doesNotMatch(empty, IS_VERDICT);
});

/** Once more where a player has shown nothing and nobody said why: a browser on a busy machine may stand still. Not twice. */
async function measured(t, row, browsers, air, ends) {
  const result = await measureRow(row, browsers, await air.ready);
  if (!result.cells.includes(null)) return result;
  t.diagnostic(`once more, since ${result.cells.map((cell, n) => (cell === null ? `${COLUMNS[n].name}: ${JSON.stringify(result.seen[n])}` : '')).join('')}`);
  const again = goLive(row, browsers);
  try {
    return await measureRow(row, browsers, await again.ready);
  } finally {
    ends.push(again.end());
  }
}

function everyCellIsAVerdict({ name, cells, seen }) {
  const without = cells.flatMap((cell, n) => (cell === null ? [`${name}, ${COLUMNS[n].name}: ${JSON.stringify(seen[n])}`] : []));
  assert.deepEqual(without, [], 'cells without a verdict');
  cells.forEach((cell, n) => assert.match(cell, IS_VERDICT, COLUMNS[n].name));
}
