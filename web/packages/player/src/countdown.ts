/**
 * The time until something ends, on the frame that is shown: the same for every viewer of that frame.
 */

import { block } from "./elements.ts";

export class Countdown {
  readonly element = block("countdown");
  #ends: number | null = null;

  constructor() {
    this.element.setAttribute("role", "timer");
    this.element.hidden = true;
  }

  set(ends: number | null): void {
    this.#ends = ends;
    this.element.hidden = ends === null;
  }

  /** `pts` is the shown frame's; null while it is unknown. */
  tick(pts: number | null): void {
    if (this.#ends === null || pts === null) return;
    const text = timeLeft(this.#ends - pts);
    if (text !== this.element.textContent) this.element.textContent = text;
    this.element.classList.toggle("over", pts >= this.#ends);
  }
}

/** "Ends in 1:05" for what lasts so many ticks more. It reads 0:01 to the last frame before the end. */
export function timeLeft(ticks: number): string {
  if (ticks <= 0) return "Ended";
  const seconds = Math.ceil(ticks / TICKS_PER_S);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part: number): string => String(part).padStart(2, "0");
  return `Ends in ${h > 0 ? `${String(h)}:${two(m)}` : String(m)}:${two(s)}`;
}

const TICKS_PER_S = 90_000;
