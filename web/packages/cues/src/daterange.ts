/**
 * Cues in playlists: `EXT-X-DATERANGE` with CLASS `dev.shopcast.cue` (docs/spec/cue.md, "In band: EXT-X-DATERANGE").
 */

import { decodeCue, decodeCueText, encodeCue, type Decoded } from "./codec.ts";
import type { Cue } from "./cue.ts";

/** A tag's attributes, without quotes. */
export type Attributes = Readonly<Record<string, string | undefined>>;

/** What a range says of a cue: the cue, or that there is one. */
export type Listed =
  | { readonly type: "cue"; readonly decoded: Decoded }
  | { readonly type: "reference"; readonly seq: number };

/** Reads a range of the stream's; null for one that is not ours, or that breaks a rule. */
export function readDateRange(attributes: Attributes, stream: string): Listed | null {
  const [, epoch, seq] = /^cue-(\d{1,10})-(\d{1,16})$/.exec(attributes["ID"] ?? "") ?? [];
  if (attributes["CLASS"] !== CLASS || epoch === undefined || seq === undefined) return null;
  if (attributes[`${OURS}SEQ`] !== seq) return null;
  const text = attributes[`${OURS}CUE`];
  const op = attributes[`${OURS}OP`];
  const isWhole = op === "hide" || op === "clear";
  if (text === undefined && !isWhole) return { type: "reference", seq: Number(seq) };
  const decoded =
    text === undefined ? withoutPayload(attributes, stream, Number(epoch)) : decodeCueText(text);
  const isThis = decoded.status === "cue" && decoded.cue.seq === Number(seq);
  return isThis ? { type: "cue", decoded } : null;
}

/** Of what takes cards off, a range says everything. */
function withoutPayload(attributes: Attributes, stream: string, epoch: number): Decoded {
  const number = (name: string): number => Number(attributes[`${OURS}${name}`] ?? NaN);
  const cue: Cue = {
    stream,
    epoch,
    seq: number("SEQ"),
    card_id: attributes[`${OURS}CARD-ID`] ?? "",
    rev: number("REV"),
    op: attributes[`${OURS}OP`] === "clear" ? "clear" : "hide",
    pts: number("PTS"),
    duration: null,
    kind: null,
    payload: null,
  };
  // Read again, it is held to every rule.
  return decodeCue(new TextEncoder().encode(encodeCue(cue)));
}

const CLASS = "dev.shopcast.cue";
const OURS = "X-DEV-SHOPCAST-";
