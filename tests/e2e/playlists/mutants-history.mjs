/** One wrong history per rule on what a rendition may do between two answers, and on delta updates. */
import { EDGE, fetched, history, SKIP, SKIP_V2 } from './good.mjs';
import { live, RANGES } from './live.mjs';

const at = (more) => ({ ...EDGE, ...more });
const video = (window, more) => live('video', at(window), { ranges: RANGES, ...more });

/** Two plain answers; `edit` spoils the second. */
function then(rule, window, edit, also, more) {
  const good = video(window, more);
  const bad = edit(good);
  if (bad === good) throw new Error(`${rule}: nothing changed`);
  return { rule, also, files: { 1: fetched(video({}, more)), 2: fetched(bad) } };
}

const swap = (from, to) => (text) => text.replace(from, to);
const swapAll = (from, to) => (text) => text.replaceAll(from, to);

/** The good history with one file spoiled. */
function inHistory(rule, file, edit, also, keep = [1, 2, 3, 4, 5, 6]) {
  const bad = edit(history[file]);
  if (bad === history[file]) throw new Error(`${rule}: nothing changed`);
  return { rule, also, files: Object.fromEntries(keep.map((n) => [n, n === file ? bad : history[n]])) };
}

/** Blocking reloads at given times with given parts. */
const timed = (rule, answers, also) => ({
  rule, also,
  files: Object.fromEntries(answers.map(([ms, parts, asked], i) => [i + 1, fetched(video({ parts }), { at: ms, asked })])),
});

const next = { first: 101, msn: 109, parts: 1 };
const endless = [RANGES[0].replace(',DURATION=4.000', ''), RANGES[1]];

export const historyMutants = [
  then('R50', { parts: 4 }, swap('#EXT-X-TARGETDURATION:2', '#EXT-X-TARGETDURATION:3'), ['R16', 'R17']),
  then('R51', { parts: 4 }, swap('PART-TARGET=0.33334', 'PART-TARGET=0.33333')),
  then('R52', { parts: 4 }, swap('PART-HOLD-BACK=1.00002', 'PART-HOLD-BACK=1.2')),
  { rule: 'R53', files: { 1: fetched(video(next)), 2: fetched(video({ ...next, first: 100, parts: 2 })) } },
  { rule: 'R54', files: { 1: fetched(video({ parts: 4 })), 2: fetched(video({ parts: 3 })) }, also: ['R57'] },
  then('R55', { parts: 4 }, swap('v1-103.m4s', 'v1-103b.m4s')),
  // The duration of a finished segment corrected afterwards, and its successors re-dated to fit.
  then('R55', { parts: 4 }, swapAll(':2026-11-21T12:03', ':2026-11-21T12:04')),
  then('R56', { parts: 4 }, swap('DURATION=0.33333,URI="v1-108.1', 'DURATION=0.33332,URI="v1-108.1')),
  then('R57', { parts: 5 }, swap(/#EXT-X-PART:.*v1-106\.5.*\n/, ''), ['R26']),
  then('R58', { parts: 4 }, swap('v1-108.3.m4s', 'v1-108.3b.m4s')),
  then('R59', next, swap('DISCONTINUITY-SEQUENCE:0', 'DISCONTINUITY-SEQUENCE:1')),
  { rule: 'R60', files: { 1: fetched(video({})), 2: fetched(video({ first: 106, parts: 5 })) } },
  then('R61', { parts: 4 }, swap('X-CARD-ID="mug"', 'X-CARD-ID="cup"')),
  then('R61', { parts: 4 }, swap('DURATION=4.000,X-SEQ=7', 'X-SEQ=7')),
  then('R62', { parts: 4 }, swap(`${RANGES[0]}\n`, '')),
  then('R62', { parts: 4 }, swap(`${endless[0]}\n`, ''), undefined, { ranges: endless }),
  timed('R63', [[0, 3], [340, 4], [2400, 5]]),
  timed('R63', [[0, 3], [700, 3], [1500, 3]]),
  timed('R64', [[0, 3], [340, 4, '108.4']]),
  {
    rule: 'R65',
    files: {
      1: fetched(live('video', EDGE, { ended: true })),
      2: fetched(live('video', { ...EDGE, msn: 109 }, { ended: true })),
    },
  },

  inHistory('R70', 4, swap('SKIPPED-SEGMENTS=2', 'SKIPPED-SEGMENTS=0'), [], [3, 4]),
  inHistory('R70', 4, (text) => text.replace(`${SKIP}\n`, '').replace('#EXT-X-PRELOAD', `${SKIP}\n#EXT-X-PRELOAD`), [], [3, 4]),
  inHistory('R71', 4, swap(' skip=YES', ''), [], [3, 4]),
  inHistory('R72', 4, (text) => text.replace('SKIPPED-SEGMENTS=2', 'SKIPPED-SEGMENTS=4')
    .replace(/#EXT-X-PROGRAM[^\n]*\n#EXTINF[^\n]*\nv1-10[34]\.m4s\n/g, ''), [], [3, 4]),
  inHistory('R73', 6, swap(SKIP_V2, SKIP), ['R62'], [5, 6]),
  inHistory('R73', 4, swap(SKIP, SKIP_V2), [], [3, 4]),
  { rule: 'R74', files: { 1: fetched(live('video', { first: 102, msn: 108, parts: 3 })), 2: history[4] } },
  // The kept part must keep its tags: here a date was left out of the delta.
  inHistory('R75', 4, swap('#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:03:28.000Z\n', ''), [], [3, 4, 5]),
  inHistory('R75', 4, swap(`${RANGES[0]}\n`, ''), ['R62'], [3, 4, 5]),
];
