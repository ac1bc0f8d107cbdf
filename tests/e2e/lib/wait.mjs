/** Waiting for a condition, always with a deadline: no test sleeps for a guessed time. */

const POLL_MS = 40;

/**
 * Polls until `probe` returns something truthy, and returns that.
 * @param {string} what is waited for, in words, for the message when it does not come
 * @param {() => any} probe may throw while the thing is not there yet
 * @param {{within?: number, every?: number}} limits in ms
 */
export async function until(what, probe, { within = 15_000, every = POLL_MS } = {}) {
  const deadline = performance.now() + within;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (performance.now() >= deadline) break;
    await new Promise((resolve) => setTimeout(resolve, every));
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`not within ${within} ms: ${what} (last: ${seen})`);
}

/** Thrown by a probe when waiting longer cannot help, e.g. because the process has ended. */
export class Hopeless extends Error {}

/** Rejects when `promise` takes longer than `ms`. */
export async function within(ms, what, promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** A small seeded generator (mulberry32): the random moments of a failing run can be had again. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The nearest-rank percentile. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}
