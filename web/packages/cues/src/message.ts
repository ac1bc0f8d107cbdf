/**
 * The side channel's three messages, the same JSON text on the data channel and over SSE, and the
 * snapshot that media carries in band.
 */

/** Where a stream is in its life. */
export type StreamState =
  /** A publisher is connected, its first key frame has not come. */
  | "starting"
  /** Media flows. */
  | "live"
  /** The publisher left and may return. */
  | "interrupted"
  /** Nothing follows. */
  | "ended";

/** The first message: everything needed to show the right cards from now on. */
export interface Snapshot {
  readonly type: "snapshot";
  readonly stream: string;
  readonly state: StreamState;
  readonly epoch: number;
  /** rtp = (pts + k) mod 2^32 for the video of this stream. */
  readonly k: number;
  /** utc_ms = anchor_utc_ms + pts / 90 for this epoch. */
  readonly anchor_utc_ms: number;
  readonly live_pts: number;
  readonly server_utc_ms: number;
  /** Every cue up to it is either in `cues` or no longer matters. */
  readonly last_seq: number;
  /** The cues fold to the true state from here on: a minute before live. */
  readonly from_pts: number;
  readonly cues: readonly string[];
  /** Over SSE: what this follower reports under. */
  readonly session?: string;
}

/** More cues: new ones, or what did not fit into the snapshot before it. */
export interface Cues {
  readonly type: "cues";
  readonly cues: readonly string[];
}

/** Once a second and at each change of state: what the newest cue is, so that a loss is noticed. */
export interface Heartbeat {
  readonly type: "heartbeat";
  readonly state: StreamState;
  readonly epoch: number;
  readonly last_seq: number;
  readonly live_pts: number;
  readonly server_utc_ms: number;
}

export type Message = Snapshot | Cues | Heartbeat;

/** Reads one message; null when it is none of the three, which is left alone. */
export function parseMessage(text: string): Message | null {
  if (text.length > MESSAGE_CHARS_MAX) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  return readMessage(json as Readonly<Record<string, unknown>>);
}

function readMessage(json: Readonly<Record<string, unknown>>): Message | null {
  switch (json["type"]) {
    case "snapshot":
      return areWhole(json, SNAPSHOT_NUMBERS) &&
        isState(json["state"]) &&
        typeof json["stream"] === "string" &&
        areTexts(json["cues"])
        ? (json as unknown as Snapshot)
        : null;
    case "cues":
      return areTexts(json["cues"]) ? (json as unknown as Cues) : null;
    case "heartbeat":
      return areWhole(json, HEARTBEAT_NUMBERS) && isState(json["state"])
        ? (json as unknown as Heartbeat)
        : null;
    default:
      return null;
  }
}

/** What a snapshot over SSE says its follower reports under; null in every other message. */
export function sessionOf(text: string): string | null {
  if (!text.includes('"session"')) return null;
  const message = parseMessage(text);
  const session: unknown = message?.type === "snapshot" ? message.session : null;
  return typeof session === "string" && /^[\w-]{1,64}$/.test(session) ? session : null;
}

/** What media say of the state at the frame they stand before. */
export interface InBandSnapshot {
  readonly stream: string;
  readonly epoch: number;
  /** Of the frame, exactly. */
  readonly pts: number;
  /** They fold to the state there. */
  readonly cues: readonly string[];
}

/** Reads an in-band snapshot; null of a text that is not one. */
export function parseInBandSnapshot(text: string): InBandSnapshot | null {
  if (text.length > IN_BAND_CHARS_MAX) return null;
  try {
    const json = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const isOne =
      json["v"] === 1 &&
      typeof json["stream"] === "string" &&
      areWhole(json, ["epoch", "pts"]) &&
      areTexts(json["cues"]);
    return isOne ? (json as unknown as InBandSnapshot) : null;
  } catch {
    return null;
  }
}

function areWhole(json: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  return keys.every((key) => Number.isSafeInteger(json[key]));
}

function isState(value: unknown): boolean {
  return STATES.some((state) => state === value);
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

const STATES: readonly StreamState[] = ["starting", "live", "interrupted", "ended"];
const HEARTBEAT_NUMBERS = ["epoch", "last_seq", "live_pts", "server_utc_ms"];
const SNAPSHOT_NUMBERS = [...HEARTBEAT_NUMBERS, "k", "anchor_utc_ms", "from_pts"];
/** The server splits at 60 000 bytes, to fit what any data channel takes. */
const MESSAGE_CHARS_MAX = 65_536;
/** docs/spec/cue.md, "Limits": the longest tag. */
const IN_BAND_CHARS_MAX = 80 * 1024;
