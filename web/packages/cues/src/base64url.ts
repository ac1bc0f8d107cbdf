/**
 * base64url without padding (RFC 4648 §5), strict: the one text form of an encoded cue.
 *
 * `atob` forgives white space and stray trailing bits; two texts for one cue would defeat signatures,
 * so this decoder accepts exactly the text that an encoder writes.
 */

/** The bytes, or null when `text` is not what an encoder writes. */
export function decodeBase64Url(text: string): Uint8Array | null {
  const tail = text.length % 4;
  if (tail === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let written = 0;
  let bits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i += 1) {
    const digit = DIGITS.get(text.charCodeAt(i));
    if (digit === undefined) return null;
    value = ((value << 6) | digit) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[written] = (value >> bits) & 0xff;
      written += 1;
    }
  }
  // RFC 4648 §3.5: "decoders MAY choose to reject an encoding if the pad bits have not been set to zero".
  const leftover = value & ((1 << bits) - 1);
  return leftover === 0 ? bytes : null;
}

/** The text form of `bytes`. */
export function encodeBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = bytes.subarray(i, i + 3);
    const value = ((group[0] ?? 0) << 16) | ((group[1] ?? 0) << 8) | (group[2] ?? 0);
    const digits = group.length + 1;
    for (let d = 0; d < digits; d += 1) {
      text += ALPHABET.charAt((value >> (18 - 6 * d)) & 0x3f);
    }
  }
  return text;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGITS = new Map([...ALPHABET].map((char, digit) => [char.charCodeAt(0), digit]));
