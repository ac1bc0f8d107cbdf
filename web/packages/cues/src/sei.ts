/**
 * Cues in access units of H.264 and H.265: `user_data_unregistered` messages under our own UUID (docs/spec/sei.md).
 *
 * ITU-T H.264 §7.3.2.3.1 and D.1.6, ITU-T H.265 §7.3.5 and D.2.6. Strict with what is ours and blind to everything else:
 * a NAL unit without the UUID is not read at all, and a message that breaks a rule hides no other.
 */

import { decodeCue, type Decoded } from "./codec.ts";

/** Whose NAL unit headers are meant. */
export type SeiSyntax = "h264" | "h265";

/** What stands around the NAL units: start codes (annex B of both), or a length of four bytes before each. */
export type Framing = "annexb" | "lengths";

/** A cue that the side channel has, by the first 8 bytes of its SHA-256 in hexadecimal. */
export interface SeiReference {
  readonly seq: number;
  readonly hash: string;
}

/** One message of an access unit. */
export type SeiMessage =
  | { readonly type: "cue"; readonly decoded: Decoded }
  | ({ readonly type: "reference"; readonly pts: number } & SeiReference)
  /** The state at this access unit: its cues, or references where they would be too much. */
  | {
      readonly type: "snapshot";
      readonly epoch: number;
      readonly seq: number;
      readonly pts: number;
      readonly cues: readonly Decoded[];
      readonly references: readonly SeiReference[];
    }
  | { readonly type: "malformed"; readonly reason: string };

/** The UUID of our messages. No byte of it is 3 or less, so it stands in a NAL unit as it is. */
export const SEI_UUID: Uint8Array = Uint8Array.of(
  ...[0x9c, 0x6f, 0xd4, 0xa1, 0x5b, 0x7e, 0x4e, 0x2d],
  ...[0x8a, 0x37, 0xc1, 0xd8, 0x5f, 0x1e, 0x6b, 0x94],
);

/** Our messages before the first coded picture of an access unit, in their order. */
export function readSei(unit: Uint8Array, syntax: SeiSyntax, framing: Framing): SeiMessage[] {
  const found: SeiMessage[] = [];
  const headerBytes = syntax === "h264" ? 1 : 2;
  for (const nal of framing === "annexb" ? byStartCodes(unit) : byLengths(unit)) {
    const type = nalType(nal, syntax);
    if (isPicture(type, syntax)) break;
    if (type !== (syntax === "h264" ? 6 : 39) || !holdsUuid(nal)) continue;
    const bodies = nal.length > NAL_BYTES_MAX ? null : bodiesOf(nal.subarray(headerBytes));
    if (bodies === null) found.push(malformed("SEI NAL unit breaks its syntax"));
    else for (const body of bodies) found.push(readBody(body));
    if (found.length >= MESSAGES_MAX) return found.slice(0, MESSAGES_MAX);
  }
  return found;
}

function nalType(nal: Uint8Array, syntax: SeiSyntax): number {
  const first = nal[0] ?? 0;
  return syntax === "h264" ? first & 0x1f : (first >> 1) & 0x3f;
}

function isPicture(type: number, syntax: SeiSyntax): boolean {
  return syntax === "h264" ? type >= 1 && type <= 5 : type <= 31;
}

function* byLengths(unit: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(unit.buffer, unit.byteOffset, unit.byteLength);
  for (let at = 0; at + 4 <= unit.length;) {
    const end = at + 4 + view.getUint32(at);
    if (end > unit.length) return;
    if (end > at + 4) yield unit.subarray(at + 4, end);
    at = end;
  }
}

/** Annex B: 00 00 01 before each, and zeros around it that belong to none. */
function* byStartCodes(unit: Uint8Array): Generator<Uint8Array> {
  let start = afterStartCode(unit, 0);
  while (start < unit.length) {
    const next = afterStartCode(unit, start);
    let end = next - (next < unit.length || endsInStartCode(unit, start) ? 3 : 0);
    while (end > start && unit[end - 1] === 0) end -= 1;
    if (end > start) yield unit.subarray(start, end);
    start = next;
  }
}

/** Where the first start code from `from` on has ended; the end of the unit without one. */
function afterStartCode(unit: Uint8Array, from: number): number {
  for (let at = from + 2; at < unit.length; at += 1) {
    if (unit[at] === 1 && unit[at - 1] === 0 && unit[at - 2] === 0) return at + 1;
  }
  return unit.length;
}

function endsInStartCode(unit: Uint8Array, from: number): boolean {
  const end = unit.length;
  return end - 3 >= from && unit[end - 1] === 1 && unit[end - 2] === 0 && unit[end - 3] === 0;
}

function holdsUuid(bytes: Uint8Array): boolean {
  const first = SEI_UUID[0] ?? 0;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (startsWithUuid(bytes, at)) return true;
  }
  return false;
}

const startsWithUuid = (bytes: Uint8Array, at: number): boolean =>
  SEI_UUID.every((byte, n) => bytes[at + n] === byte);

/** What stands behind the UUID in each message that is ours; null where the syntax is broken. */
function bodiesOf(escaped: Uint8Array): Uint8Array[] | null {
  const rbsp = unescape(escaped);
  if (rbsp === null) return null;
  const bodies: Uint8Array[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (;;) {
      const byte = rbsp[at] ?? NaN;
      at += 1;
      value += byte;
      if (byte !== 0xff) return value;
    }
  };
  for (let count = 0; !isTrailing(rbsp, at); count += 1) {
    const payloadType = number();
    const size = number();
    // One byte more: the trailing bits. What was read past the end is no number.
    if (!(at + size < rbsp.length) || count === SEI_MESSAGES_MAX) return null;
    const payload = rbsp.subarray(at, at + size);
    if (payloadType === 5 && startsWithUuid(payload, 0)) bodies.push(payload.subarray(UUID_BYTES));
    at += size;
  }
  return bodies;
}

/** Nothing but the stop bit is left. */
function isTrailing(rbsp: Uint8Array, at: number): boolean {
  return rbsp[at] === 0x80 && rbsp.subarray(at + 1).every((byte) => byte === 0);
}

/** Without `emulation_prevention_three_byte`; null with bytes that may not stand in a NAL unit (H.264 §7.4.1). */
function unescape(escaped: Uint8Array): Uint8Array | null {
  const rbsp = new Uint8Array(escaped.length);
  let length = 0;
  let zeros = 0;
  for (const byte of escaped) {
    if (zeros === 2 && byte < 3) return null;
    if (zeros === 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    rbsp[length] = byte;
    length += 1;
  }
  return rbsp.subarray(0, length);
}

function readBody(body: Uint8Array): SeiMessage {
  const reader = new Reader(body);
  try {
    const message = reader.message();
    reader.end();
    return message;
  } catch (error) {
    if (error instanceof Broken) return malformed(error.message);
    throw error;
  }
}

const malformed = (reason: string): SeiMessage => ({ type: "malformed", reason });

/** The element at fault, and how. */
class Broken extends Error {}

class Reader {
  private at = 0;

  constructor(private readonly body: Uint8Array) {}

  message(): SeiMessage {
    const kind = this.take(1, "type")[0];
    if (kind === 0x11) return { type: "cue", decoded: this.cue(this.body.length - this.at) };
    if (kind === 0x12) {
      const seq = this.seq();
      return { type: "reference", seq, pts: this.number("pts"), hash: this.hash() };
    }
    if (kind !== 0x13 && kind !== 0x14) throw new Broken("type is not a message of version 1");
    const epoch = this.uint(4, "epoch");
    if (epoch === 0) throw new Broken("epoch is 0");
    const seq = this.number("seq");
    const pts = this.number("pts");
    const count = this.uint(1, "count");
    if (count > SNAPSHOT_CUES_MAX) throw new Broken("count is past 48");
    const cues: Decoded[] = [];
    const references: SeiReference[] = [];
    for (let n = 0; n < count; n += 1) {
      if (kind === 0x13) cues.push(this.cue(this.uint(2, "cue length")));
      else references.push({ seq: this.seq(), hash: this.hash() });
    }
    return { type: "snapshot", epoch, seq, pts, cues, references };
  }

  end(): void {
    if (this.at < this.body.length) throw new Broken("end has bytes after it");
  }

  /** A newer one is left aside by itself; one that is none spoils its message. */
  private cue(length: number): Decoded {
    const decoded = decodeCue(this.take(length, "cue"));
    if (decoded.status === "malformed") throw new Broken(`cue: ${decoded.reason}`);
    return decoded;
  }

  private hash(): string {
    const bytes = Array.from(this.take(HASH_BYTES, "hash"));
    return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** A cue's number. */
  private seq(): number {
    const seq = this.number("seq");
    if (seq === 0) throw new Broken("seq is 0");
    return seq;
  }

  private number(element: string): number {
    const number = this.uint(8, element);
    if (number > Number.MAX_SAFE_INTEGER) throw new Broken(`${element} is past 2^53 - 1`);
    return number;
  }

  private uint(bytes: number, element: string): number {
    return this.take(bytes, element).reduce((value, byte) => value * 256 + byte, 0);
  }

  private take(length: number, element: string): Uint8Array {
    const taken = this.body.subarray(this.at, this.at + length);
    if (taken.length < length) throw new Broken(`${element} is cut off`);
    this.at += length;
    return taken;
  }
}

const UUID_BYTES = 16;
const HASH_BYTES = 8;
const SNAPSHOT_CUES_MAX = 48;
/** An origin writes at most 37 into an access unit. */
const MESSAGES_MAX = 64;
const NAL_BYTES_MAX = 64 * 1024;
const SEI_MESSAGES_MAX = 128;
