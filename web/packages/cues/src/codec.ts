/**
 * The one form of a cue on every wire: compact JSON with its keys in a fixed order, at most 1024 bytes.
 *
 * The reader is strict because the bytes come from a network: they are exactly what the encoder writes,
 * byte for byte, or they are no cue. A version or kind that this player does not know is no error; it is
 * left alone, so that a newer server can serve an older player.
 */

import { decodeBase64Url } from "./base64url.ts";
import { checkName } from "./check.ts";
import type { Cue, CueHead, Op, Target } from "./cue.ts";
import { isObject, Malformed, nullable, object, text, whole, type Json } from "./json.ts";
import { isKind, readContent } from "./read-payload.ts";

/** What came of reading bytes as a cue. */
export type Decoded =
  | { readonly status: "cue"; readonly cue: Cue }
  /** Newer than this player: not shown, and no error. `seq` where it could be read. */
  | { readonly status: "ignored"; readonly seq: number | null; readonly reason: string }
  | { readonly status: "malformed"; readonly reason: string };

/** Longest encoded cue, bytes. */
export const ENCODED_BYTES_MAX = 1024;

/** Reads a cue from its base64url text, as the side channel carries it. */
export function decodeCueText(text: string): Decoded {
  if (text.length > Math.ceil(ENCODED_BYTES_MAX / 3) * 4)
    return malformed("longer than 1024 bytes");
  const bytes = decodeBase64Url(text);
  return bytes === null ? malformed("not base64url without padding") : decodeCue(bytes);
}

/** Reads a cue from its encoded bytes, as emsg carries them. */
export function decodeCue(bytes: Uint8Array): Decoded {
  if (bytes.length > ENCODED_BYTES_MAX) return malformed("longer than 1024 bytes");
  try {
    const source = UTF8.decode(bytes);
    const json: unknown = JSON.parse(source);
    const news = isObject(json) ? newerThanThis(json) : null;
    if (news !== null) return news;
    const cue = readCue(json);
    return encodeCue(cue) === source ? { status: "cue", cue } : malformed("not in canonical form");
  } catch (error) {
    if (error instanceof Malformed) return malformed(error.message);
    // The decoder's TypeError or the parser's SyntaxError.
    return malformed("not UTF-8 JSON");
  }
}

/** The canonical text of a cue, whose payload has its keys in the order of the wire. */
export function encodeCue(cue: Cue): string {
  return JSON.stringify({
    v: VERSION,
    stream: cue.stream,
    epoch: cue.epoch,
    seq: cue.seq,
    card_id: cue.card_id,
    rev: cue.rev,
    op: cue.op,
    pts: cue.pts,
    duration: cue.duration,
    kind: cue.kind,
    // A reader makes its object in the order of the wire.
    payload: cue.payload,
  });
}

function newerThanThis(json: Json): Decoded | null {
  const { v, seq, kind } = json;
  const known = isKind(kind) || kind === "cue" || typeof kind !== "string";
  const isNewer = Number.isSafeInteger(v) && (v as number) > VERSION;
  if (!isNewer && (v !== VERSION || known)) return null;
  return {
    status: "ignored",
    seq: Number.isSafeInteger(seq) && (seq as number) > 0 ? (seq as number) : null,
    reason: isNewer ? "a newer version" : "an unknown kind",
  };
}

function readCue(value: unknown): Cue {
  const json = object(value, "cue", CUE_KEYS);
  if (json["v"] !== VERSION) throw new Malformed("v is not 1");
  const op = readOp(json);
  const hasPayload = op === "show" || op === "update";
  const cue: CueHead = {
    stream: text(json, "stream"),
    epoch: whole(json, "epoch", 1, U32_MAX),
    seq: whole(json, "seq", 1, Number.MAX_SAFE_INTEGER),
    card_id: text(json, "card_id"),
    rev: whole(json, "rev", 1, U32_MAX),
    op,
    pts: whole(json, "pts", 0, Number.MAX_SAFE_INTEGER),
    duration: nullable(json, "duration", () => whole(json, "duration", DURATION_MIN, DURATION_MAX)),
  };
  checkName("stream", cue.stream);
  const namesCard = op !== "clear" && (op !== "cancel" || cue.card_id !== "");
  if (namesCard) checkName("card_id", cue.card_id);
  else if (cue.card_id !== "") throw new Malformed("card_id is set: a clear names no card");
  if (!hasPayload && cue.duration !== null) throw new Malformed(`duration is set: ${op} has none`);
  // What else `kind` or `payload` may hold for hide and clear does not survive the canonical check.
  if (op === "cancel") return { ...cue, kind: "cue", payload: readTarget(json, cue.seq) };
  if (!hasPayload) return { ...cue, kind: null, payload: null };
  return { ...cue, ...readContent(json["kind"], json["payload"]) };
}

function readOp(json: Json): Op {
  const op = json["op"];
  if (typeof op === "string" && OPS.has(op)) return op as Op;
  throw new Malformed("op is not an operation");
}

function readTarget(json: Json, seq: number): Target["payload"] {
  if (json["kind"] !== "cue") throw new Malformed("kind is not cue");
  const target = object(json["payload"], "payload", TARGET_KEYS);
  return { seq: whole(target, "seq", 1, seq - 1) };
}

function malformed(reason: string): Decoded {
  return { status: "malformed", reason };
}

const VERSION = 1;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const CUE_KEYS = new Set("v stream epoch seq card_id rev op pts duration kind payload".split(" "));
const OPS = new Set(["show", "update", "hide", "clear", "cancel"]);
const TARGET_KEYS = new Set(["seq"]);
const U32_MAX = 2 ** 32 - 1;
/** 1 ms and 24 h at 90 kHz. */
const DURATION_MIN = 90;
const DURATION_MAX = 24 * 3600 * 90_000;
