/**
 * The cards over the picture: renders a state, whatever was rendered before.
 */

import type { ActiveCard } from "@shopcast/cues";

import { CardView } from "./card-view.ts";

export class CardStage {
  /** Put this over the picture. */
  readonly element: HTMLUListElement;
  /** A card keeps its place while it is up: one that leaves must not move another under a finger. */
  readonly #slots: (CardView | null)[] = new Array<CardView | null>(CARDS_MAX).fill(null);
  #rendered = "";

  constructor() {
    this.element = document.createElement("ul");
    this.element.className = "cards";
    this.element.setAttribute("role", "list");
    this.element.setAttribute("aria-label", "Products on screen");
    this.element.setAttribute("aria-live", "polite");
    this.element.setAttribute("aria-relevant", "additions");
  }

  /** Shows exactly these cards; pictures come from `server` or by https. */
  render(state: readonly ActiveCard[], server: string): void {
    const cards = state.slice(-CARDS_MAX);
    const wanted = cards.map((card) => `${String(card.seq)} ${card.card_id}`).join("\n");
    if (wanted === this.#rendered) return;
    this.#rendered = wanted;
    this.#remove(new Set(cards.map((card) => card.card_id)));
    for (const card of cards) this.#show(card, server);
    this.element.dataset["count"] = String(cards.length);
  }

  #remove(kept: ReadonlySet<string>): void {
    for (const [slot, view] of this.#slots.entries()) {
      if (view === null || kept.has(view.cardId)) continue;
      view.element.remove();
      this.#slots[slot] = null;
    }
  }

  #show(card: ActiveCard, server: string): void {
    const shown = this.#slots.find((view) => view?.cardId === card.card_id);
    if (shown) {
      shown.update(card, server);
      return;
    }
    const slot = this.#slots.indexOf(null);
    if (slot < 0) return;
    const view = new CardView(card.card_id);
    view.update(card, server);
    view.element.dataset["slot"] = String(slot);
    this.#slots[slot] = view;
    // In reading order, which is the order of places.
    const next = this.#slots.slice(slot + 1).find((other) => other !== null);
    this.element.insertBefore(view.element, next?.element ?? null);
  }
}

/** The market's norm for products shown at once; the server refuses a fourth. */
const CARDS_MAX = 3;
