import assert from "node:assert/strict";
import { test } from "node:test";

import { stockText } from "../src/product-view.ts";
import { formatPrice, minorDigits } from "../src/price.ts";

const CASES: readonly [number, string, string, string][] = [
  [1299, "EUR", "en-GB", "€12.99"],
  [5, "USD", "en-US", "$0.05"],
  [0, "USD", "en-US", "$0.00"],
  [1299, "JPY", "en-US", "¥1,299"],
  [12_345, "KWD", "en-US", "KWD 12.345"],
  [1299, "EUR", "de-DE", "12,99 €"],
  [999_999_999_999, "EUR", "en-US", "€9,999,999,999.99"],
];

for (const [minor, currency, locale, text] of CASES) {
  test(`${String(minor)} ${currency} in ${locale}`, () => {
    assert.equal(formatPrice({ minor, currency }, locale).replaceAll("\u00a0", " "), text);
  });
}

test("minor units are ISO 4217's, also where CLDR shows none", () => {
  assert.match(formatPrice({ minor: 129_900, currency: "RSD" }, "en-US"), /1,299\.00/);
  assert.match(formatPrice({ minor: 129_900, currency: "LAK" }, "en-US"), /1,299\.00/);
  assert.equal(minorDigits("EUR"), 2);
});

test("stock is the seller's own number", () => {
  assert.equal(stockText(null), "");
  assert.equal(stockText(0), "Sold out");
  assert.equal(stockText(3), "3 left");
  assert.equal(stockText(48), "48 in stock");
});
