/**
 * Money for people: whole minor units in, text in the viewer's language out, no float between.
 */

import type { Price } from "@shopcast/cues";

/** For example "€12.99" or "¥1,299". */
export function formatPrice(price: Price, locale?: string): string {
  const digits = minorDigits(price.currency);
  const format = new Intl.NumberFormat(locale, {
    style: "currency",
    currency: price.currency,
    // Said outright because browsers follow CLDR, which has 0 digits for some currencies of 2 (RSD, LAK):
    // 129900 minor units of RSD would read as a hundred times its price.
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // A decimal string keeps every digit (ECMA-402 Intl.NumberFormat v3); older browsers make a double
  // of it, which is exact far beyond any price.
  return format.format(decimal(price.minor, digits) as `${number}`);
}

/** Digits after the point of ISO 4217's minor unit. */
export function minorDigits(currency: string): number {
  if (ZERO_DIGITS.has(currency)) return 0;
  if (THREE_DIGITS.has(currency)) return 3;
  return FOUR_DIGITS.has(currency) ? 4 : 2;
}

function decimal(minor: number, digits: number): string {
  if (digits === 0) return String(minor);
  const sign = minor < 0 ? "-" : "";
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

// ISO 4217:2015 list one; every currency not named here has two digits.
const ZERO_DIGITS = new Set(
  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "),
);
const THREE_DIGITS = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const FOUR_DIGITS = new Set("CLF UYW".split(" "));
