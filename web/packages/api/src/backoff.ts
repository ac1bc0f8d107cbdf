/**
 * How long to wait before trying again.
 */

/** Doubles from `firstMs` to `maxMs`, each with up to a quarter of jitter so that viewers spread out. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(firstMs: number, maxMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = firstMs;
  }

  /** The next wait; at least what the server asked for, if it did. */
  next(retryAfterMs: number | null = null): number {
    const waitMs = Math.max(this.#nextMs, retryAfterMs ?? 0);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs);
    return waitMs * (1 + this.#random() / 4);
  }

  /** It worked: the next failure begins small again. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
