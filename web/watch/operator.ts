/**
 * What an operator is shown of a stream: the server's answers as words. No elements, no requests.
 */

import {
  ApiError,
  type AudioView,
  type RepairView,
  type StreamView,
  type Verdict,
  type VideoView,
} from "@shopcast/api";

import { NOTHING, bitrate, frameRate, size } from "../page/format.ts";

/** A name and what holds of it. */
export type Fact = readonly [name: string, value: string];

export interface Desk {
  /** Said above everything; empty when there is nothing to say. */
  readonly note: string;
  /** A token has to be typed in before the server is asked again. */
  readonly wantsToken: boolean;
  /** Null when nothing is known of the stream. */
  readonly facts: readonly Fact[] | null;
  readonly verdicts: readonly Verdict[];
  /** Nothing is asked for so long. */
  readonly pauseMs: number;
}

export const ASKING: Desk = {
  note: "Asking the server…",
  wantsToken: false,
  facts: null,
  verdicts: [],
  pauseMs: 0,
};

/** What an answer shows. */
export function answered(view: StreamView): Desk {
  const note = NOTES[view.state];
  return {
    note,
    wantsToken: false,
    facts: facts(view),
    verdicts: view.verdicts,
    pauseMs: EVERY_MS,
  };
}

/** What a failure shows: a refusal says what to do, anything else leaves what was known. */
export function failed(before: Desk, error: unknown, typed: boolean): Desk {
  const pauseMs = EVERY_MS;
  if (!(error instanceof ApiError)) {
    return {
      ...before,
      note: "The server could not be reached. This is what it said last.",
      pauseMs,
    };
  }
  const { status } = error.problem;
  const nothing = { facts: null, verdicts: [] };
  if (status === 401 || status === 403) {
    const note = typed
      ? `That token does not do: ${error.message}`
      : "A token is needed to see this.";
    return { ...nothing, note, wantsToken: true, pauseMs };
  }
  if (status === 404) {
    return { ...nothing, note: "Nobody publishes this stream now.", wantsToken: false, pauseMs };
  }
  return { ...before, note: error.message, pauseMs: Math.max(error.retryAfterMs ?? 0, pauseMs) };
}

/** Numbers of a stream, in the order in which they are read. */
export function facts({ state, video, audio, viewers, encoder }: StreamView): Fact[] {
  return [
    ["State", state],
    ["Video", video === null ? NOTHING : codec(video)],
    ["Picture", size(video?.width ?? null, video?.height ?? null)],
    ["Frames", frameRate(video?.frame_rate ?? null)],
    ["Key frames", keyFrames(video?.gop_ms ?? null)],
    ["Encoded again", repair(video?.repair ?? null)],
    ["Video rate", bitrate(video?.bitrate_bps ?? null)],
    ["Sound", audio === null ? NOTHING : sound(audio)],
    ["Sound rate", bitrate(audio?.bitrate_bps ?? null)],
    ["WebRTC viewers", String(viewers.webrtc)],
    ["LL-HLS viewers", String(viewers.hls)],
    ["Encoder", encoder ?? NOTHING],
  ];
}

/** A text as pieces, those between backquotes marked: what is to be typed as it is. */
export function pieces(text: string): { readonly text: string; readonly isCode: boolean }[] {
  return text
    .split("`")
    .map((piece, n) => ({ text: piece, isCode: n % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}

const codec = ({ codec, codecs, profile }: VideoView): string =>
  `${CODECS[codec] ?? codec} ${profile} (${codecs})`;

const sound = ({ codec, sample_rate_hz: hz, channels }: AudioView): string =>
  `${CODECS[codec] ?? codec}, ${String(hz / 1000)} kHz, ${CHANNELS[channels] ?? `${String(channels)} channels`}`;

const keyFrames = (ms: number | null): string =>
  ms === null ? NOTHING : `every ${(ms / 1000).toFixed(1)} s`;

const repair = (repair: RepairView | null): string => {
  if (repair === null) return "no";
  const viewers = repair.ll_hls ? "every viewer" : "WebRTC viewers";
  return `for ${viewers}, ${WHY[repair.why] ?? repair.why}: ${STATES[repair.state]}`;
};

const CODECS: Readonly<Record<string, string>> = {
  h264: "H.264",
  h265: "H.265",
  vp8: "VP8",
  vp9: "VP9",
  av1: "AV1",
  aac: "AAC",
  opus: "Opus",
};
const CHANNELS: Readonly<Record<number, string>> = { 1: "mono", 2: "stereo" };
const WHY: Readonly<Record<string, string>> = {
  b_frames: "B-frames",
  long_gop: "key frames far apart",
  interlaced: "fields",
  chroma: "colours",
  bit_depth: "bit depth",
  codec: "codec",
};
const STATES: Readonly<Record<RepairView["state"], string>> = {
  off: "this server does not",
  idle: "nobody watches",
  starting: "starting",
  running: "running",
  resting: "not for now",
};
const NOTES: Readonly<Record<StreamView["state"], string>> = {
  starting: "A publisher is connected; its first key frame has not come yet.",
  live: "",
  interrupted: "The publisher has left. The stream waits for its return.",
};

const EVERY_MS = 1000;
