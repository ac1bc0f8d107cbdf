/**
 * The microphone's level, and whether it has been silent for long.
 */

import { element } from "../page/dom.ts";
import type { AudioGraph, Listener } from "./audio-graph.ts";
import { Lasting } from "./lasting.ts";
import { SILENT_DB, meterPosition } from "./level.ts";

export class MeterView {
  readonly #graph: AudioGraph;
  readonly #onSilence: (isSilent: boolean) => void;
  readonly #meter = element("meter");
  readonly #cover = element("cover");
  readonly #silence = new Lasting(SILENCE_MS);
  #track: MediaStreamTrack | null = null;
  #listener: Listener | null = null;
  #position = 0;
  #isSilent = false;

  /** `onSilence` is told when the microphone has been silent for long, and when it no longer is. */
  constructor(graph: AudioGraph, onSilence: (isSilent: boolean) => void) {
    this.#graph = graph;
    this.#onSilence = onSilence;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    setInterval(
      () => {
        this.#update(performance.now());
      },
      calm ? CALM_MS : LIVELY_MS,
    );
  }

  /** Listens to this microphone from now on. */
  show(track: MediaStreamTrack | null): void {
    if (track === this.#track) return;
    this.#listener?.close();
    this.#track = track;
    this.#listener = track === null ? null : this.#graph.listen(track);
  }

  #update(nowMs: number): void {
    const db = this.#listener?.read() ?? null;
    // Rises at once and falls slowly, so that a word can be seen.
    this.#position = Math.max(db === null ? 0 : meterPosition(db), this.#position - FALL);
    this.#cover.style.transform = `scaleX(${(1 - this.#position).toFixed(3)})`;
    const percent = String(Math.round(this.#position * 20) * 5);
    if (this.#meter.getAttribute("aria-valuenow") !== percent) {
      this.#meter.setAttribute("aria-valuenow", percent);
    }
    // A muted track is silent because the seller wants it so.
    const isQuiet = db !== null && db < SILENT_DB && this.#track?.enabled === true;
    const isSilent = this.#silence.read(isQuiet, nowMs);
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    this.#onSilence(isSilent);
  }
}

const SILENCE_MS = 5000;
const LIVELY_MS = 66;
const CALM_MS = 500;
/** Of the meter's width, each time. */
const FALL = 0.06;
