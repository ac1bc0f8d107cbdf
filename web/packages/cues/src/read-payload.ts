/**
 * Reading what cards say. Each reader makes its object with the keys in the order of the wire.
 */

import { checkImage, checkName, checkText } from "./check.ts";
import { Malformed, nullable, object, text, whole, type Json } from "./json.ts";
import type {
  App,
  Content,
  Coupon,
  FlashSale,
  Kind,
  Level,
  Notice,
  Poll,
  Price,
  Product,
} from "./payload.ts";

/** The kinds this player knows. */
export function isKind(kind: unknown): kind is Kind {
  return typeof kind === "string" && Object.hasOwn(READERS, kind);
}

export function readContent(kind: unknown, value: unknown): Content {
  if (!isKind(kind)) throw new Malformed("kind is not a kind of payload");
  return READERS[kind](value);
}

const READERS: Readonly<Record<Kind, (value: unknown) => Content>> = {
  product: (value) => ({ kind: "product", payload: readProduct(value) }),
  flash_sale: (value) => ({ kind: "flash_sale", payload: readFlashSale(value) }),
  coupon: (value) => ({ kind: "coupon", payload: readCoupon(value) }),
  poll: (value) => ({ kind: "poll", payload: readPoll(value) }),
  notice: (value) => ({ kind: "notice", payload: readNotice(value) }),
  app: (value) => ({ kind: "app", payload: readApp(value) }),
};

function readProduct(value: unknown): Product {
  return readOffer(object(value, "payload", PRODUCT_KEYS));
}

function readFlashSale(value: unknown): FlashSale {
  const json = object(value, "payload", SALE_KEYS);
  const sale = text(json, "sale");
  checkName("payload.sale", sale);
  return { sale, ...readOffer(json), ends: readEnds(json) };
}

function readOffer(json: Json): Product {
  const product: Product = {
    sku: shown(json, "sku", SKU_CHARS_MAX),
    title: shown(json, "title", TITLE_CHARS_MAX),
    price: readPrice(json["price"], "price"),
    prior_price: nullable(json, "prior_price", () => readPrice(json["prior_price"], "prior_price")),
    image: nullable(json, "image", () => text(json, "image")),
    stock: nullable(json, "stock", () => whole(json, "stock", 0, U32_MAX)),
  };
  if (product.prior_price !== null && product.prior_price.currency !== product.price.currency) {
    throw new Malformed("prior_price is in another currency");
  }
  if (product.image !== null) checkImage(product.image);
  return product;
}

function readCoupon(value: unknown): Coupon {
  const json = object(value, "payload", COUPON_KEYS);
  return {
    code: shown(json, "code", CODE_CHARS_MAX),
    title: shown(json, "title", TITLE_CHARS_MAX),
    terms: nullable(json, "terms", () => shown(json, "terms", TERMS_CHARS_MAX)),
    ends: readEnds(json),
  };
}

function readPoll(value: unknown): Poll {
  const json = object(value, "payload", POLL_KEYS);
  const poll = text(json, "poll");
  checkName("payload.poll", poll);
  const question = shown(json, "question", TITLE_CHARS_MAX);
  const options: unknown = json["options"];
  const fits = Array.isArray(options) && options.length >= 2 && options.length <= OPTIONS_MAX;
  if (!fits) throw new Malformed("payload.options is not a list of 2 to 6");
  const texts = (options as unknown[]).map((option) => {
    if (typeof option !== "string") throw new Malformed("payload.options is not a list of texts");
    checkText("payload.options", option, OPTION_CHARS_MAX);
    return option;
  });
  return { poll, question, options: texts, ends: readEnds(json) };
}

function readNotice(value: unknown): Notice {
  const json = object(value, "payload", NOTICE_KEYS);
  const level = text(json, "level");
  if (!LEVELS.has(level)) throw new Malformed("payload.level is not a level");
  return { level: level as Level, text: shown(json, "text", NOTICE_CHARS_MAX) };
}

function readApp(value: unknown): App {
  const json = object(value, "payload", APP_KEYS);
  const app: App = { schema: text(json, "schema"), data: shown(json, "data", DATA_BYTES_MAX) };
  checkName("payload.schema", app.schema);
  if (new TextEncoder().encode(app.data).length > DATA_BYTES_MAX) {
    throw new Malformed("payload.data is too long");
  }
  try {
    JSON.parse(app.data);
  } catch {
    throw new Malformed("payload.data is not JSON");
  }
  return app;
}

function readPrice(value: unknown, name: string): Price {
  const json = object(value, name, PRICE_KEYS);
  const minor = whole(json, "minor", 0, MINOR_MAX);
  const currency = text(json, "currency");
  if (!/^[A-Z]{3}$/.test(currency)) throw new Malformed(`${name}.currency is not ISO 4217`);
  return { minor, currency };
}

function readEnds(json: Json): number | null {
  return nullable(json, "ends", () => whole(json, "ends", 0, Number.MAX_SAFE_INTEGER));
}

/** Text that is shown as it is. */
function shown(json: Json, key: string, charsMax: number): string {
  const value = text(json, key);
  checkText(`payload.${key}`, value, charsMax);
  return value;
}

const PRODUCT_KEYS = new Set("sku title price prior_price image stock".split(" "));
const SALE_KEYS = new Set([...PRODUCT_KEYS, "sale", "ends"]);
const COUPON_KEYS = new Set("code title terms ends".split(" "));
const POLL_KEYS = new Set("poll question options ends".split(" "));
const NOTICE_KEYS = new Set(["level", "text"]);
const APP_KEYS = new Set(["schema", "data"]);
const PRICE_KEYS = new Set(["minor", "currency"]);
const LEVELS = new Set(["info", "disclosure", "warning"]);
const U32_MAX = 2 ** 32 - 1;
const SKU_CHARS_MAX = 64;
const TITLE_CHARS_MAX = 120;
const CODE_CHARS_MAX = 32;
const TERMS_CHARS_MAX = 200;
const OPTIONS_MAX = 6;
const OPTION_CHARS_MAX = 60;
const NOTICE_CHARS_MAX = 240;
const DATA_BYTES_MAX = 600;
const MINOR_MAX = 999_999_999_999;
