/**
 * The rules a cue's texts obey. The server holds them at insertion; a player holds them again, because
 * what reaches it may have come from elsewhere.
 */

import { Malformed } from "./json.ts";

/** 1 to 64 characters that need no quoting in a URL path, a playlist or an HTML attribute. */
export function checkName(field: string, name: string): void {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) throw new Malformed(`${field} is not a name`);
}

/** Visible text of at most `charsMax` characters that does not rearrange what stands beside it. */
export function checkText(field: string, text: string, charsMax: number): void {
  if (!/\S/u.test(text)) throw new Malformed(`${field} is blank`);
  if ([...text].length > charsMax) throw new Malformed(`${field} is too long`);
  if (REARRANGES.test(text)) throw new Malformed(`${field} has a character that is not text`);
}

/** An https address with a plain host, or a path on the own origin. */
export function checkImage(image: string): void {
  const fits = image.length <= IMAGE_CHARS_MAX && URI.test(image);
  if (!fits || !(HTTPS.test(image) || OWN_PATH.test(image))) {
    throw new Malformed("payload.image is neither an https URL nor an absolute path");
  }
}

/**
 * Controls, line and paragraph separators, and the explicit bidirectional formatting of UAX #9 §2.1 to
 * 2.4, which can make a price read backwards. The implicit marks stay: right-to-left titles need them.
 */
const REARRANGES = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** RFC 3986 §2: unreserved, reserved and the percent sign. */
const URI = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
const HTTPS = /^https:\/\/[A-Za-z0-9.-]+(:\d{1,5})?([/?#]|$)/;
const OWN_PATH = /^\/(?!\/)/;
const IMAGE_CHARS_MAX = 512;
