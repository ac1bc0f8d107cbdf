/**
 * The server's clock, seen from here.
 */

/**
 * Estimates the server's UTC from the stamps in its messages. A message arrives late by its path's delay,
 * never early, so the smallest difference of the last minute is the nearest to the truth; the minute lets
 * a drifting local clock be followed. What is left is the path's smallest delay.
 */
export class ServerClock {
  #differences: number[] = [];
  #smallest: number | null = null;

  /** A message stamped `serverUtcMs` arrived at `localMs`. */
  sample(serverUtcMs: number, localMs: number): void {
    this.#differences.push(localMs - serverUtcMs);
    if (this.#differences.length > SAMPLES_MAX) this.#differences.shift();
    this.#smallest = Math.min(...this.#differences);
  }

  /** Server UTC in milliseconds at `localMs`; null before the first message. */
  utcMs(localMs: number): number | null {
    return this.#smallest === null ? null : localMs - this.#smallest;
  }
}

/**
 * When the origin took in a frame. A stamp says how far the timeline had come by some moment; the frame had
 * arrived before it, so the earliest line through the last minute's stamps is the nearest to the truth. The
 * epoch's anchor is no measure of it: an encoder whose first frame came late runs ahead of it for ever.
 */
export class IngestClock {
  #offsets: number[] = [];
  #smallest: number | null = null;

  /** By `utcMs` the frame at `pts` had been taken in. */
  sample(utcMs: number, pts: number): void {
    this.#offsets.push(utcMs - pts / TICKS_PER_MS);
    if (this.#offsets.length > SAMPLES_MAX) this.#offsets.shift();
    this.#smallest = Math.min(...this.#offsets);
  }

  /** Another epoch: what was seen says nothing of it. */
  reset(): void {
    this.#offsets = [];
    this.#smallest = null;
  }

  /** The UTC at which the frame at `pts` was taken in; null before the first stamp. */
  utcMs(pts: number): number | null {
    return this.#smallest === null ? null : this.#smallest + pts / TICKS_PER_MS;
  }
}

const TICKS_PER_MS = 90;

/** One heartbeat a second for a minute. */
const SAMPLES_MAX = 60;
