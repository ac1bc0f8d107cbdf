/**
 * What the element tells the page.
 */

import type { Cue } from "@shopcast/cues";

import type { Notice } from "./notice.ts";

/** A card as the events name it. */
export interface ShownCard {
  readonly card_id: string;
  readonly seq: number;
  readonly rev: number;
}

/** A cue that reached this viewer when a frame past its threshold had been presented already. */
export interface LateCue {
  readonly seq: number;
  readonly card_id: string;
  /** The cue's threshold, 90 kHz. */
  readonly pts: number;
  /** For how long frames were presented without it. */
  readonly late_ms: number;
}

/**
 * `shopcast:state`, from the callback of every presented frame, after the cards have been set. While playback goes on and
 * the browser presents nothing, as in a hidden tab, from a timer: four times a second, or as often as the browser lets it.
 */
export interface StateDetail {
  /** The presented frame's place on the stream's timeline, 90 kHz; null until the stream's clock is known. */
  readonly pts: number | null;
  readonly cards: readonly ShownCard[];
  /** Cues applied late since the frame before. */
  readonly late: readonly LateCue[];
  /**
   * The browser's own count of frames presented; a jump by more than one is a frame with no callback. From a timer it stays
   * what it was.
   */
  readonly presented_frames: number;
}

/** `shopcast:cues`: cues that were not known before. */
export interface CuesDetail {
  readonly cues: readonly Cue[];
}

/** Every event, all bubbling and composed. */
export interface ShopcastEventMap {
  "shopcast:state": CustomEvent<StateDetail>;
  "shopcast:late": CustomEvent<LateCue>;
  "shopcast:cues": CustomEvent<CuesDetail>;
  "shopcast:status": CustomEvent<Notice>;
}
