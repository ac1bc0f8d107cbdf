/**
 * Sample products for trying cards out.
 */

import type { ProductBody } from "@shopcast/api";

/** A product and the name its card goes by. */
export interface Sample {
  readonly cardId: string;
  readonly product: ProductBody;
}

export const SAMPLES: readonly Sample[] = [
  sample("mug", "Stoneware mug, 350 ml", 1299, { stock: 48 }),
  sample("tote", "Canvas tote bag", 2450, { was: 3200, stock: 7 }),
  sample("headphones", "Wireless headphones, noise cancelling", 14900, { was: 19900, stock: 23 }),
  sample("lamp", "Desk lamp with dimmer", 5990, {}),
  sample("sneakers", "Running shoes", 8995, { was: 11995, stock: 3 }),
  sample("plant", "Monstera in a clay pot", 3450, { stock: 0 }),
];

function sample(
  name: string,
  title: string,
  minor: number,
  { was, stock }: { was?: number; stock?: number },
): Sample {
  return {
    cardId: name,
    product: {
      sku: `SAMPLE-${name.toUpperCase()}`,
      title,
      price: { minor, currency: "EUR" },
      prior_price: was === undefined ? null : { minor: was, currency: "EUR" },
      image: `/player/products/${name}.svg`,
      stock: stock ?? null,
    },
  };
}
