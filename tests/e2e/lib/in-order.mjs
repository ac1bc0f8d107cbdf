/** That a player shows every picture once, in order: told by the numbers burnt into them. */
import assert from 'node:assert/strict';

/**
 * @param {object[]} frames of a frame log, the illegible ones too
 * @param {number} [decoded] how many pictures the player decoded meanwhile, where it says so: of two that come at once to a busy
 *   machine one is not presented
 */
export function everyPictureInOrder(t, name, frames, decoded) {
  const read = frames.filter(({ counter }) => counter !== null);
  const steps = read.slice(1).map((frame, i) => [frame.counter - read[i].counter, frame.presented - read[i].presented]);
  t.diagnostic(`${name}: ${read.length} numbers read, ${read[0].counter} to ${read.at(-1).counter}`);
  assert.ok(steps.every(([numbers]) => numbers > 0), `out of order: ${read.map(({ counter }) => counter)}`);
  if (decoded !== undefined) {
    const numbers = read.at(-1).counter - read[0].counter;
    assert.ok(decoded >= 0.95 * numbers, `${decoded} pictures decoded of ${numbers}`);
    return;
  }
  // Those that a busy machine did not read were presented all the same; unrepaired, none between two others would be.
  const whole = steps.filter(([numbers, presented]) => numbers === presented).length;
  assert.ok(whole >= 0.9 * steps.length, `between ${steps.length - whole} of ${steps.length} pictures and the next some were not presented`);
}
