/**
 * What a cue is. Names are those of the wire, in Rust and here alike; docs/spec/cue.md is the norm.
 */

/** What a cue does to the screen. */
export type Op = "show" | "update" | "hide" | "clear";

/** An amount of money: a whole number of the currency's smallest unit. */
export interface Price {
  /** Minor units of ISO 4217: cents of EUR, whole yen of JPY. */
  readonly minor: number;
  /** Three capital letters of ISO 4217. */
  readonly currency: string;
}

/** What a product card shows. */
export interface Product {
  readonly sku: string;
  readonly title: string;
  readonly price: Price;
  /** What it cost before, in the same currency, to be struck out. */
  readonly prior_price: Price | null;
  /** An https address or an absolute path on the server's own origin. */
  readonly image: string | null;
  /** Pieces left; null when the seller does not say. */
  readonly stock: number | null;
}

/** One change to the cards on screen, bound to a threshold on the stream's timeline. */
export interface Cue {
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
  /** Null, as the payload, for hide and clear. */
  readonly kind: "product" | null;
  readonly payload: Product | null;
}
