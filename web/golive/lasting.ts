/**
 * Tells what lasts from what passes: nobody is to read of a state that is over before it is read.
 */
export class Lasting {
  readonly #forMs: number;
  #sinceMs: number | null = null;
  #readMs = 0;

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** Whether it has held in every reading for that long. A page that slept begins anew. */
  read(holds: boolean, nowMs: number): boolean {
    if (!holds || nowMs - this.#readMs > GAP_MS_MAX) this.#sinceMs = null;
    this.#readMs = nowMs;
    if (!holds) return false;
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs >= this.#forMs;
  }
}

/** Browsers call pages in the background once a second. */
const GAP_MS_MAX = 2500;
