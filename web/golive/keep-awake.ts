/**
 * Keeps the screen on while live: a phone that goes to sleep takes its camera along.
 */
export class KeepAwake {
  #wanted = false;
  #lock: WakeLockSentinel | null = null;

  constructor() {
    // The browser takes the lock away from a page that is hidden, and does not give it back by itself.
    document.addEventListener("visibilitychange", () => {
      void this.#update();
    });
  }

  /** Browsers without wake locks do as they always did. */
  set(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    void this.#update();
  }

  async #update(): Promise<void> {
    if (!this.#wanted) {
      await this.#lock?.release().catch(() => undefined);
      this.#lock = null;
      return;
    }
    if (document.visibilityState !== "visible" || this.#lock?.released === false) return;
    // TypeScript believes that every browser has it.
    const locks = navigator.wakeLock as WakeLock | undefined;
    this.#lock = (await locks?.request("screen").catch(() => null)) ?? null;
    if (!this.#wanted) await this.#update();
  }
}
