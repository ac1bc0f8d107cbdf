/**
 * Sample cards for trying them out.
 */

import type { ContentBody, ProductBody } from "@shopcast/api";

/** A card, and how it is announced beside the button. */
export interface Sample {
  readonly cardId: string;
  readonly title: string;
  readonly image: string | null;
  readonly content: ContentBody;
}

/** How long a sample stays up. */
export const SHOWN_MS = 12_000;

export const SAMPLES: readonly Sample[] = [
  offer("mug", "Stoneware mug, 350 ml", 1299, { stock: 48 }),
  sale("tote", "Canvas tote bag", 2450, { was: 3200, stock: 7 }),
  word("coupon", "Coupon MUG-10", {
    kind: "coupon",
    payload: {
      code: "MUG-10",
      title: "10 % off every mug",
      terms: "Once per customer",
      ends: { after_ms: SHOWN_MS },
    },
  }),
  offer("headphones", "Wireless headphones, noise cancelling", 14900, { was: 19900, stock: 23 }),
  word("poll", "Poll: which colour next?", {
    kind: "poll",
    payload: { poll: "colour", question: "Which colour next?", options: ["Moss", "Rust", "Sand"] },
  }),
  offer("sneakers", "Running shoes", 8995, { was: 11995, stock: 3 }),
  word("notice", "A disclosure", {
    kind: "notice",
    payload: { level: "disclosure", text: "Advertisement: the seller pays for this show." },
  }),
  offer("lamp", "Desk lamp with dimmer", 5990, {}),
  offer("plant", "Monstera in a clay pot", 3450, { stock: 0 }),
];

interface More {
  readonly was?: number;
  readonly stock?: number;
}

function offer(name: string, title: string, minor: number, more: More): Sample {
  const payload = product(name, title, minor, more);
  return word(name, title, { kind: "product", payload }, payload.image);
}

function sale(name: string, title: string, minor: number, more: More): Sample {
  const payload = {
    ...product(name, title, minor, more),
    sale: `${name}-sale`,
    ends: { after_ms: SHOWN_MS },
  };
  return word(name, `Flash sale: ${title}`, { kind: "flash_sale", payload }, payload.image);
}

function word(
  cardId: string,
  title: string,
  content: ContentBody,
  image: string | null = null,
): Sample {
  return { cardId, title, image, content };
}

function product(
  name: string,
  title: string,
  minor: number,
  { was, stock }: More,
): ProductBody & { readonly image: string } {
  return {
    sku: `SAMPLE-${name.toUpperCase()}`,
    title,
    price: { minor, currency: "EUR" },
    prior_price: was === undefined ? null : { minor: was, currency: "EUR" },
    image: `/player/products/${name}.svg`,
    stock: stock ?? null,
  };
}
