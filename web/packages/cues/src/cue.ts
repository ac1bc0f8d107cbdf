/**
 * What a cue is. Names are those of the wire, in Rust and here alike; docs/spec/cue.md is the norm.
 */

import type { Content } from "./payload.ts";

/** What a cue does to the screen. */
export type Op = "show" | "update" | "hide" | "clear" | "cancel";

/** One change to the cards on screen, bound to a threshold on the stream's timeline. */
export type Cue = CueHead & (Content | NoContent | Target);

/** What every cue has. */
export interface CueHead {
  readonly stream: string;
  /** Publish session, from 1. */
  readonly epoch: number;
  /** +1 per cue of the stream; what duplicates are told by. */
  readonly seq: number;
  /** The caller's name for the card; empty for a clear. */
  readonly card_id: string;
  /** How many cues named this card, this one included. */
  readonly rev: number;
  readonly op: Op;
  /** Holds from the first frame whose pts is at or past it. 90 kHz. */
  readonly pts: number;
  /** 90 kHz, exclusive end; null holds until hidden (show) or leaves the end alone (update). */
  readonly duration: number | null;
}

/** A cancel says which cue, of the same threshold, it takes back. */
export interface Target {
  readonly kind: "cue";
  readonly payload: { readonly seq: number };
}

/** Hide and clear say nothing. */
export interface NoContent {
  readonly kind: null;
  readonly payload: null;
}
