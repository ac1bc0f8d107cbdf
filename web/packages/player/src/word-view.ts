/**
 * A coupon, a poll or a notice. Everything that came with a cue is set as text, never as markup.
 */

import type { ActiveCard, Coupon, Level, Notice, Poll } from "@shopcast/cues";

import type { CardView } from "./card-view.ts";
import { Countdown } from "./countdown.ts";
import { block, hidden } from "./elements.ts";

export class WordView implements CardView {
  readonly cardId: string;
  readonly element = document.createElement("li");
  readonly #countdown = new Countdown();
  #seq = -1;

  constructor(cardId: string) {
    this.cardId = cardId;
    this.element.className = "word";
    this.element.dataset["cardId"] = cardId;
  }

  update(card: ActiveCard): void {
    if (card.seq === this.#seq) return;
    this.#seq = card.seq;
    this.element.dataset["kind"] = card.kind;
    delete this.element.dataset["level"];
    this.element.replaceChildren(...this.#content(card));
  }

  tick(pts: number | null): void {
    this.#countdown.tick(pts);
  }

  #content(card: ActiveCard): HTMLElement[] {
    switch (card.kind) {
      case "coupon":
        return this.#coupon(card.payload);
      case "poll":
        return this.#poll(card.payload);
      case "notice":
        return this.#notice(card.payload);
      default:
        return [];
    }
  }

  #coupon({ code, title, terms, ends }: Coupon): HTMLElement[] {
    this.#countdown.set(ends);
    const parts = [block("title", title), hidden("Code "), block("code", code)];
    if (terms !== null) parts.push(block("terms", terms));
    return [...parts, this.#countdown.element];
  }

  #poll({ question, options, ends }: Poll): HTMLElement[] {
    this.#countdown.set(ends);
    const list = document.createElement("ol");
    list.append(
      ...options.map((option) => {
        const item = document.createElement("li");
        item.textContent = option;
        return item;
      }),
    );
    return [block("title", question), list, this.#countdown.element];
  }

  #notice({ level, text }: Notice): HTMLElement[] {
    this.element.dataset["level"] = level;
    return [block("title", text), hidden(SAID[level])];
  }
}

const SAID: Readonly<Record<Level, string>> = {
  info: "(information)",
  disclosure: "(disclosure)",
  warning: "(warning)",
};
