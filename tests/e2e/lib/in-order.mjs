/** That a player presents every picture once, in order: told by the numbers burnt into them. */
import assert from 'node:assert/strict';

/** @param {object[]} frames of a frame log, the illegible ones too */
export function everyPictureInOrder(t, name, frames) {
  const read = frames.filter(({ counter }) => counter !== null);
  const steps = read.slice(1).map((frame, i) => [frame.counter - read[i].counter, frame.presented - read[i].presented]);
  t.diagnostic(`${name}: ${read.length} numbers read, ${read[0].counter} to ${read.at(-1).counter}`);
  assert.ok(steps.every(([numbers]) => numbers > 0), `out of order: ${read.map(({ counter }) => counter)}`);
  // Those that a busy machine did not read were presented all the same; unrepaired, none between two others would be.
  const whole = steps.filter(([numbers, presented]) => numbers === presented).length;
  assert.ok(whole >= 0.9 * steps.length, `between ${steps.length - whole} of ${steps.length} pictures and the next some were not presented`);
}
