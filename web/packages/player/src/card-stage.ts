/**
 * The cards over the picture: renders a state, whatever was rendered before.
 */

import type { ActiveCard } from "@shopcast/cues";

import { placeOf, viewOf, type CardView, type Place } from "./card-view.ts";

export class CardStage {
  /** Put this over the picture. */
  readonly element = document.createElement("div");
  readonly #products = list("cards", "Products on screen");
  readonly #words = list("words", "Said on screen");
  /** A card keeps its place while it is up: one that leaves must not move another under a finger. */
  readonly #slots: (CardView | null)[] = new Array<CardView | null>(PRODUCTS_MAX).fill(null);
  #spoken: CardView[] = [];
  #rendered = "";

  constructor() {
    this.element.className = "stage";
    this.element.append(this.#words, this.#products);
  }

  /** Shows exactly these cards, as of the frame at `pts`; pictures come from `server` or by https. */
  render(state: readonly ActiveCard[], server: string, pts: number | null): void {
    const wanted = state.map((card) => `${String(card.seq)} ${card.card_id}`).join("\n");
    if (wanted !== this.#rendered) {
      this.#rendered = wanted;
      this.#renderProducts(at("products", state).slice(-PRODUCTS_MAX), server);
      this.#renderWords(at("words", state), server);
    }
    for (const view of [...this.#slots, ...this.#spoken]) view?.tick(pts);
  }

  #renderProducts(cards: readonly ActiveCard[], server: string): void {
    const kept = new Set(cards.map((card) => card.card_id));
    for (const [slot, view] of this.#slots.entries()) {
      if (view === null || kept.has(view.cardId)) continue;
      view.element.remove();
      this.#slots[slot] = null;
    }
    for (const card of cards) this.#showProduct(card, server);
    this.#products.dataset["count"] = String(cards.length);
  }

  #showProduct(card: ActiveCard, server: string): void {
    const shown = this.#slots.find((view) => view?.cardId === card.card_id);
    if (shown) {
      shown.update(card, server);
      return;
    }
    const slot = this.#slots.indexOf(null);
    if (slot < 0) return;
    const view = viewOf(card);
    view.update(card, server);
    view.element.dataset["slot"] = String(slot);
    this.#slots[slot] = view;
    // In reading order, which is the order of places.
    const next = this.#slots.slice(slot + 1).find((other) => other !== null);
    this.#products.insertBefore(view.element, next?.element ?? null);
  }

  #renderWords(cards: readonly ActiveCard[], server: string): void {
    const before = new Map(this.#spoken.map((view) => [view.cardId, view]));
    this.#spoken = cards.map((card) => before.get(card.card_id) ?? viewOf(card));
    for (const [n, card] of cards.entries()) this.#spoken[n]?.update(card, server);
    const elements = this.#spoken.map((view) => view.element);
    const same =
      elements.length === this.#words.children.length &&
      elements.every((element, n) => element === this.#words.children[n]);
    if (!same) this.#words.replaceChildren(...elements);
  }
}

function at(place: Place, state: readonly ActiveCard[]): ActiveCard[] {
  return state.filter((card) => placeOf(card) === place);
}

function list(className: string, label: string): HTMLUListElement {
  const list = document.createElement("ul");
  list.className = className;
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", label);
  list.setAttribute("aria-live", "polite");
  list.setAttribute("aria-relevant", "additions");
  return list;
}

/** The market's norm for products shown at once; the server refuses a fourth. */
const PRODUCTS_MAX = 3;
