/**
 * Cues as a viewer sees them: the reader of the wire format, the fold, and the bookkeeping of a feed.
 * No network, no DOM, no clock: all of it runs under Node in the tests.
 */

export { decodeBase64Url, encodeBase64Url } from "./base64url.ts";
export { IngestClock, ServerClock } from "./clock.ts";
export { decodeCue, decodeCueText, encodeCue, ENCODED_BYTES_MAX, type Decoded } from "./codec.ts";
export type { Cue, CueHead, Op, Target } from "./cue.ts";
export type { Attributes } from "./daterange.ts";
export { Feed, type FeedChange } from "./feed.ts";
export { readUserTexts, type UserText } from "./id3.ts";
export {
  parseMessage,
  sessionOf,
  type Cues,
  type Heartbeat,
  type Message,
  type Snapshot,
  type StreamState,
} from "./message.ts";
export type {
  App,
  Content,
  Coupon,
  Ending,
  FlashSale,
  Kind,
  Level,
  Notice,
  Poll,
  Price,
  Product,
} from "./payload.ts";
export {
  readSei,
  SEI_UUID,
  type Framing,
  type SeiMessage,
  type SeiReference,
  type SeiSyntax,
} from "./sei.ts";
export { Timeline, type ActiveCard } from "./timeline.ts";
