/**
 * The ID3v2.4 `TXXX` frames of a tag, as `emsg` carries cues in band (AOM "ID3 timed metadata in CMAF").
 */

/** One user-defined text frame. */
export interface UserText {
  readonly description: string;
  readonly value: string;
}

/** Every UTF-8 `TXXX` frame of an ID3v2.4 tag; nothing of a tag that is not one. */
export function readUserTexts(tag: Uint8Array): UserText[] {
  // ID3v2.4 §3.1: "ID3", version 04 00, flags, synchsafe size. No flag is ever set by our server.
  const isTag =
    tag.length >= HEADER_BYTES && ascii(tag, 0, 3) === "ID3" && tag[3] === 4 && tag[5] === 0;
  if (!isTag) return [];
  const end = Math.min(HEADER_BYTES + synchsafe(tag, 6), tag.length);
  const texts: UserText[] = [];
  let at = HEADER_BYTES;
  while (at + HEADER_BYTES <= end) {
    const size = synchsafe(tag, at + 4);
    const body = tag.subarray(at + HEADER_BYTES, Math.min(at + HEADER_BYTES + size, end));
    if (size === 0 || body.length < size) break;
    const text = ascii(tag, at, 4) === "TXXX" ? readUserText(body) : null;
    if (text !== null) texts.push(text);
    at += HEADER_BYTES + size;
  }
  return texts;
}

function readUserText(body: Uint8Array): UserText | null {
  // ID3v2.4 §4.2.6: encoding, description, 00, value. 03 is UTF-8.
  if (body[0] !== 3) return null;
  const separator = body.indexOf(0, 1);
  if (separator < 0) return null;
  const last = body.length - 1;
  const valueEnd = body[last] === 0 && last > separator ? last : body.length;
  try {
    return {
      description: UTF8.decode(body.subarray(1, separator)),
      value: UTF8.decode(body.subarray(separator + 1, valueEnd)),
    };
  } catch {
    return null;
  }
}

/** ID3v2.4 §6.2: four bytes of seven bits. */
function synchsafe(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i += 1) value = (value << 7) | ((bytes[at + i] ?? 0) & 0x7f);
  return value;
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
/** Of the tag and of each frame in it alike. */
const HEADER_BYTES = 10;
