/**
 * What cards say, by kind. Names and order are those of the wire; docs/spec/cue.md is the norm.
 */

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

/** What is counted down to on the frame that is shown, so that the clock is the same on the same frame. */
export interface Ending {
  /** First pts at which it no longer holds, 90 kHz; null when the seller does not say. */
  readonly ends: number | null;
}

/** A product at a price that ends. */
export interface FlashSale extends Product, Ending {
  /** The sale's own name, which claims refer to. */
  readonly sale: string;
}

/** A code that buys for less. */
export interface Coupon extends Ending {
  readonly code: string;
  readonly title: string;
  /** Under which conditions. */
  readonly terms: string | null;
}

/** A question with two to six answers to choose from. */
export interface Poll extends Ending {
  /** The poll's own name, which votes refer to. */
  readonly poll: string;
  readonly question: string;
  readonly options: readonly string[];
}

/** How a notice is to be taken. */
export type Level = "info" | "disclosure" | "warning";

/** A word from the seller. */
export interface Notice {
  readonly level: Level;
  readonly text: string;
}

/** What a platform's own code makes of it; the player shows nothing of it. */
export interface App {
  readonly schema: string;
  /** JSON text. */
  readonly data: string;
}

/** A payload and what it is. */
export type Content =
  | { readonly kind: "product"; readonly payload: Product }
  | { readonly kind: "flash_sale"; readonly payload: FlashSale }
  | { readonly kind: "coupon"; readonly payload: Coupon }
  | { readonly kind: "poll"; readonly payload: Poll }
  | { readonly kind: "notice"; readonly payload: Notice }
  | { readonly kind: "app"; readonly payload: App };

export type Kind = Content["kind"];
