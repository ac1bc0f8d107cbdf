/**
 * Which frame a callback of Firefox is about.
 *
 * Where it plays segments, its callback tells of the frame that is composed next, together with what the callback left on the page; a canvas is given
 * the picture on screen, which may be the one before. So frames are known by their media time, and where media time lies is
 * read from pictures that stand still. The number read in the callback must be the frame's own or the one before.
 *
 * The media time of the frame on which a seek ends is the time that was asked for, not the frame's own.
 */
import { COUNTER, decodeCells } from './barcode.mjs';

/** Media times are in whole microseconds, an eleventh of a tick. */
const SLACK = 1;
/** A canvas can be behind by as many frames as had no callback in between, but not by long. */
const BEHIND_MAX = 9_000;

/**
 * @param {object[]} frames of a frame log
 * @param {{mediaTime: number, cells: number[]}[]} steady as `__steadyFrame` has them
 * @param {Map<number, number>} table counter to pts
 * @returns {object[]} the frames, each with its own number; null, and why, where the number that was read denies it
 */
export function nameFrames(frames, steady, table) {
  const line = [...table].sort(([, a], [, b]) => a - b);
  const offset = offsetOf(frames, steady, table, line);
  const numbers = new Map(line.map(([counter, pts]) => [pts, counter]));
  return frames.map((frame) => {
    const pts = Math.round(ticks(frame) + offset);
    const own = [pts, pts - SLACK, pts + SLACK].map((near) => numbers.get(near)).find((number) => number !== undefined);
    const read = table.get(frame.counter);
    if (own === undefined) return { ...frame, counter: null, skipped: 'at no frame of the table' };
    const behind = table.get(own) - read;
    const isIt = behind >= 0 && behind <= BEHIND_MAX;
    return isIt ? { ...frame, counter: own, behind } : { ...frame, counter: null, skipped: 'another picture' };
  });
}

/**
 * The same by WebRTC, where a callback names its frame by RTP timestamp. Pictures are shown as they come, so a canvas nearly
 * always has the frame's own; on a busy machine it may have the next one already, as `rtp` then tells.
 */
export function nameReceived(frames, table) {
  const offsetOf = ({ counter, rtp }) => (table.has(counter) ? (table.get(counter) - rtp + 2 ** 33) % 2 ** 32 : null);
  const offsets = frames.map(offsetOf).filter((offset) => offset !== null);
  const [usual] = [...offsets].sort((a, b) => a - b).slice(offsets.length / 2);
  const agree = offsets.filter((offset) => offset === usual).length;
  if (agree < 0.9 * offsets.length) throw new Error(`${agree} of ${offsets.length} pictures are at one distance from their RTP timestamps`);
  return frames.map((frame) => (offsetOf(frame) === usual ? frame : { ...frame, counter: null, skipped: 'another picture' }));
}

/** Pts minus media time, ticks: of all that the readings in callbacks allow, the one that the standing pictures confirm. */
function offsetOf(frames, steady, table, line) {
  const read = frames.filter(({ counter }) => table.has(counter));
  const votes = new Map();
  for (const frame of read) {
    const offset = Math.round(table.get(frame.counter) - ticks(frame));
    votes.set(offset, (votes.get(offset) ?? 0) + 1);
  }
  const often = [...votes].filter(([, count]) => count >= read.length / 20).map(([offset]) => offset);
  const confirmed = often.filter((offset) => steady.every((one) => {
    const at = line.findLastIndex(([, pts]) => pts <= ticks(one) + offset + SLACK);
    return at >= 0 && line[at][0] === decodeCells(one.cells, COUNTER);
  }));
  if (confirmed.length === 0 || Math.max(...confirmed) - Math.min(...confirmed) > SLACK) {
    const stood = steady.map(({ mediaTime, cells }) => [mediaTime, decodeCells(cells, COUNTER)]);
    throw new Error(`media time is at none or several of ${JSON.stringify([...votes])} by ${JSON.stringify(stood)}`);
  }
  return confirmed[0];
}

const ticks = ({ mediaTime }) => mediaTime * 90_000;
