/**
 * Which cues were rendered, and on which frame: told to the server at most once a second.
 *
 * docs/spec/side-channel.md, "What a player reports".
 */

import type { ActiveCard, Cue } from "@shopcast/cues";

/** One cue as it was rendered first. */
export interface PaintedCue {
  readonly seq: number;
  /** The frame in whose callback it was rendered, 90 kHz. */
  readonly pts: number;
  /** The first presented frame at or past the threshold, if it is another. */
  readonly first_pts?: number;
  /** For how long frames were presented without it; 0 when it was known in time. */
  readonly late_ms: number;
}

export class PaintedReports {
  /** Known and not rendered yet, by number. */
  readonly #waiting = new Map<number, Cue>();
  readonly #late = new Map<number, number>();
  /** The first threshold among those that wait. */
  #next = Infinity;
  /** Where the frames that were presented last are. */
  #presented: number[] = [];
  #ready: PaintedCue[] = [];
  #sentAt = -Infinity;

  /** Cues that were not known before. */
  added(cues: readonly Cue[]): void {
    for (const cue of cues) {
      // What takes another cue back shows nothing itself.
      if (cue.kind === "cue") this.#waiting.delete(cue.payload.seq);
      else if (this.#waiting.size < WAITING_MAX) {
        this.#waiting.set(cue.seq, cue);
        this.#next = Math.min(this.#next, cue.pts);
      }
    }
  }

  /** A cue came so long after its frame. */
  late(seq: number, lateMs: number): void {
    if (this.#waiting.has(seq)) this.#late.set(seq, Math.ceil(lateMs));
  }

  /** In the callback of the frame at `pts`, `cards` have been rendered. */
  presented(pts: number | null, cards: readonly ActiveCard[]): void {
    if (pts === null) return;
    this.#presented.push(pts);
    if (this.#presented.length > PRESENTED_MAX * 2) {
      this.#presented = this.#presented.slice(-PRESENTED_MAX);
    }
    if (pts < this.#next) return;
    this.#next = Infinity;
    for (const cue of this.#waiting.values()) {
      if (cue.pts <= pts) this.#render(cue, pts, cards);
      else this.#next = Math.min(this.#next, cue.pts);
    }
  }

  /** Another timeline: nothing that was presented has a place on it. */
  reset(): void {
    this.#waiting.clear();
    this.#late.clear();
    this.#next = Infinity;
    this.#presented = [];
    this.#ready = [];
  }

  /** Reports what is ready, if it is time; `send` says whether it could. */
  flush(nowMs: number, send: (text: string) => boolean): void {
    if (this.#ready.length === 0 || nowMs - this.#sentAt < REPORT_MS_MIN) return;
    const cues = this.#ready.slice(0, REPORT_CUES_MAX);
    if (!send(JSON.stringify({ type: "painted", cues }))) return;
    this.#sentAt = nowMs;
    this.#ready = this.#ready.slice(cues.length);
  }

  #render(cue: Cue, pts: number, cards: readonly ActiveCard[]): void {
    const late_ms = this.#late.get(cue.seq) ?? 0;
    this.#waiting.delete(cue.seq);
    this.#late.delete(cue.seq);
    // A card that is gone by now, or was replaced on the same frame, was never seen.
    const adds = cue.op === "show" || cue.op === "update";
    if (adds && !cards.some(({ seq }) => seq === cue.seq)) return;
    const first = this.#presented.find((frame) => frame >= cue.pts && frame <= pts) ?? pts;
    const { seq } = cue;
    this.#ready.push(
      first === pts ? { seq, pts, late_ms } : { seq, pts, first_pts: first, late_ms },
    );
    if (this.#ready.length > READY_MAX) this.#ready.shift();
  }
}

/** What a stream may have scheduled, and a snapshot's worth. */
const WAITING_MAX = 2048;
/** Frames of some ten seconds. */
const PRESENTED_MAX = 512;
/** The server remembers no more. */
const READY_MAX = 256;
const REPORT_CUES_MAX = 50;
const REPORT_MS_MIN = 1000;
