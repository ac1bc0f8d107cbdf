/** Cues and messages for the tests. */

import { encodeBase64Url, encodeCue, type Cue, type Product } from "../src/index.ts";

export const MUG: Product = {
  sku: "A1",
  title: "Mug",
  price: { minor: 1299, currency: "EUR" },
  prior_price: null,
  image: null,
  stock: 5,
};

/** A cue for card "a", shown at pts 900000 until hidden, save for what `parts` says. */
export function cue(parts: Partial<Cue> = {}): Cue {
  const op = parts.op ?? "show";
  const hasPayload = op === "show" || op === "update";
  return {
    stream: "demo",
    epoch: 1,
    seq: 1,
    card_id: op === "clear" ? "" : "a",
    rev: 1,
    op,
    pts: 900_000,
    duration: null,
    kind: hasPayload ? "product" : null,
    payload: hasPayload ? MUG : null,
    ...parts,
  } as Cue;
}

export function cueText(parts: Partial<Cue> = {}): string {
  return encodeBase64Url(new TextEncoder().encode(encodeCue(cue(parts))));
}

export function snapshot(parts: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    type: "snapshot",
    stream: "demo",
    state: "live",
    epoch: 1,
    k: 123,
    anchor_utc_ms: 1_700_000_000_000,
    live_pts: 900_000,
    server_utc_ms: 1_700_000_010_000,
    last_seq: 0,
    from_pts: 0,
    cues: [],
    ...parts,
  });
}

export function heartbeat(parts: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    type: "heartbeat",
    state: "live",
    epoch: 1,
    last_seq: 0,
    live_pts: 990_000,
    server_utc_ms: 1_700_000_011_000,
    ...parts,
  });
}

export function cues(...texts: readonly string[]): string {
  return JSON.stringify({ type: "cues", cues: texts });
}

/** An ID3v2.4 tag of one UTF-8 TXXX frame. */
export function userTextTag(description: string, value: string): Uint8Array {
  const body = new TextEncoder().encode(`\u0003${description}\0${value}`);
  const frame = [...ascii("TXXX"), ...synchsafe(body.length), 0, 0, ...body];
  return Uint8Array.from([...ascii("ID3"), 4, 0, 0, ...synchsafe(frame.length), ...frame]);
}

function ascii(text: string): number[] {
  return [...text].map((char) => char.charCodeAt(0));
}

function synchsafe(size: number): number[] {
  return [21, 14, 7, 0].map((shift) => (size >> shift) & 0x7f);
}
