/**
 * A product card, of a flash sale too. Everything that came with a cue is set as text, never as markup.
 */

import type { ActiveCard, FlashSale, Price, Product } from "@shopcast/cues";

import type { CardView } from "./card-view.ts";
import { Countdown } from "./countdown.ts";
import { block, hidden } from "./elements.ts";
import { imageUrl } from "./image-url.ts";
import { formatPrice } from "./price.ts";

export class ProductView implements CardView {
  readonly cardId: string;
  readonly element = document.createElement("li");
  readonly #image = document.createElement("img");
  readonly #title = block("title");
  readonly #price = block("price");
  readonly #stock = block("stock");
  readonly #countdown = new Countdown();
  #seq = -1;

  constructor(cardId: string) {
    this.cardId = cardId;
    this.element.className = "card";
    this.element.dataset["cardId"] = cardId;
    const picture = document.createElement("div");
    picture.className = "picture";
    this.#image.alt = ""; // The title beside it says what it is.
    this.#image.decoding = "async";
    this.#image.referrerPolicy = "no-referrer";
    this.#image.onerror = () => {
      this.#image.hidden = true;
    };
    picture.append(this.#image);
    const text = document.createElement("div");
    text.className = "text";
    text.append(this.#title, this.#price, this.#countdown.element, this.#stock);
    this.element.append(picture, text);
  }

  update({ seq, payload: any, kind }: ActiveCard, server: string): void {
    if (seq === this.#seq) return;
    this.#seq = seq;
    // Whoever makes views makes this one for these kinds.
    const payload = any as Product | FlashSale;
    this.element.dataset["kind"] = kind;
    this.#countdown.set("ends" in payload ? payload.ends : null);
    this.#setImage(imageUrl(payload.image, server));
    this.#title.textContent = payload.title;
    this.#price.replaceChildren(...prices(payload));
    const stock = stockText(payload.stock);
    this.#stock.textContent = stock;
    this.#stock.hidden = stock === "";
    this.element.classList.toggle("sold-out", payload.stock === 0);
  }

  tick(pts: number | null): void {
    this.#countdown.tick(pts);
  }

  #setImage(url: string | null): void {
    this.#image.hidden = url === null;
    if (url === null) this.#image.removeAttribute("src");
    else if (this.#image.src !== url) this.#image.src = url;
  }
}

/** What is said of the units left; nothing when the seller says nothing. */
export function stockText(stock: number | null): string {
  if (stock === null) return "";
  if (stock === 0) return "Sold out";
  return stock <= FEW ? `${String(stock)} left` : `${String(stock)} in stock`;
}

function prices({ price, prior_price: prior }: Product): Node[] {
  const now = document.createElement("span");
  now.className = "now";
  now.textContent = priceText(price);
  // A prior price in other money, or below the price, is no reduction and is not dressed up as one.
  const isReduced =
    prior !== null && prior.currency === price.currency && prior.minor > price.minor;
  if (!isReduced) return [now];
  const was = document.createElement("s");
  was.append(hidden("Previous price "), document.createTextNode(priceText(prior)));
  return [hidden("Price "), now, document.createTextNode(" "), was];
}

function priceText(price: Price): string {
  return formatPrice(price, navigator.language);
}

/** From here on the number is said as what is left. It is always the seller's own number. */
const FEW = 10;
