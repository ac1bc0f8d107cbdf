/** One row: the server, its publisher, and all players at once. */
import { streamInfo, waitLive } from '../api.mjs';
import { startServer } from '../harness.mjs';
import { scope } from '../scope.mjs';
import { until } from '../wait.mjs';
import { COLUMNS, watchByAll } from './players.mjs';
import { STREAM } from './rows.mjs';
import { figureOf, verdictOf } from './verdict.mjs';

const TICKS = 90_000;
/** A key frame every ten seconds, and a busy machine. */
const LIVE_MS = 40_000;
/** What can be known is told within 5 s of going live (docs/api.md). */
const TOLD_S = 6;
/** Of the line and the machine, not of the encoder's settings. */
const PASSING = ['av_skew', 'clock_drift', 'slow_uplink'];

/** @returns `ready`, what `measureRow` takes for on air, or why it is not; and `end` */
export function goLive(row, browsers) {
  const t = scope(row.name);
  const ready = (async () => {
    const server = await startServer(t);
    await row.publish(t, server, browsers);
    const kinds = [...(row.picture ? ['video'] : []), ...(row.sound ? ['audio'] : [])];
    return { server, live: await waitLive(server, STREAM, { kinds, within: LIVE_MS }) };
  })();
  // A row that is prepared ahead may fail before anybody asks.
  ready.catch(() => {});
  return { ready, end: () => t.end() };
}

/**
 * @param {import('./rows.mjs').Row} row
 * @param {{server: object, live: object}} air as `ready` of `goLive` has it
 * @returns {Promise<{name: string, cells: (string | null)[], figures: string[], told: string, seen: object[]}>}
 */
export async function measureRow(row, browsers, { server, live }) {
  const before = await streamInfo(server, STREAM);
  const seen = await watchByAll(browsers, server, row);
  const after = await until('what can be known is told', async () => {
    const now = await streamInfo(server, STREAM);
    return now.newest_pts - live.newest_pts >= TOLD_S * TICKS && now;
  });
  const stream = describe(row, before, after);
  return {
    name: row.name,
    cells: COLUMNS.map(({ protocol }, n) => verdictOf(row, protocol, seen[n], stream)),
    figures: COLUMNS.map((_, n) => figureOf(row, seen[n], stream)),
    told: toldOf(stream),
    seen,
  };
}

function describe(row, before, after) {
  const { video, verdicts } = after;
  const isOneEpoch = before.epoch === after.epoch && video !== null;
  const passed = (after.newest_pts - before.newest_pts) / TICKS;
  // Off: it should be, and is not to be had.
  const { why: repair = null, ll_hls: isForAll = false } = video?.repair?.state === 'off' ? {} : video?.repair ?? {};
  return {
    // A busy machine draws and encodes fewer than it is to; a little more is what it makes up for.
    rate: isOneEpoch ? Math.min(row.fps, (video.frames - before.video.frames) / passed) : row.fps,
    codes: verdicts.map(({ code }) => code).sort(),
    repair,
    again: { whep: repair !== null, hls: isForAll },
  };
}

/** The codes of the verdicts, and what is encoded again. */
function toldOf({ codes, repair }) {
  const told = codes.filter((code) => !PASSING.includes(code));
  const all = [...told.map((code) => `\`${code}\``), ...(repair === null ? [] : [`repair: \`${repair}\``])];
  return all.join(', ') || 'none';
}
