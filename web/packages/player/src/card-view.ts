/**
 * One card on the picture.
 */

import type { ActiveCard } from "@shopcast/cues";

import { ProductView } from "./product-view.ts";
import { WordView } from "./word-view.ts";

export interface CardView {
  readonly cardId: string;
  readonly element: HTMLLIElement;
  /** Shows what the card says now. */
  update(card: ActiveCard, server: string): void;
  /** A frame is shown; what counts down follows it. */
  tick(pts: number | null): void;
}

/** Product cards have places of their own, words another corner; what is a platform's own is not shown. */
export type Place = "products" | "words" | null;

export function placeOf({ kind }: ActiveCard): Place {
  switch (kind) {
    case "product":
    case "flash_sale":
      return "products";
    case "coupon":
    case "poll":
    case "notice":
      return "words";
    case "app":
      return null;
  }
}

export function viewOf(card: ActiveCard): CardView {
  return placeOf(card) === "products" ? new ProductView(card.card_id) : new WordView(card.card_id);
}
