/**
 * What the broadcast is doing, in words a seller can use.
 */

import { ApiError, notice, sentence, type Notice as Words } from "@shopcast/api";

/** Where the broadcast is. */
export type Status =
  /** Not asked for. */
  | "idle"
  /** Asked for, not connected yet. */
  | "connecting"
  /** The server takes what is sent. */
  | "live"
  /** The connection or the server is gone; tried again by itself. */
  | "reconnecting"
  /** The server will not take it, and said why; tried again only when asked. */
  | "refused"
  /** This browser lacks what it needs. */
  | "unsupported";

/** A status and its words. */
export interface Notice extends Words<Status> {
  /** The stream key is missing, or is not the right one. */
  readonly needsKey?: boolean;
}

export const NOTICES = {
  idle: notice("idle", ""),
  connecting: notice("connecting", "Connecting…"),
  again: notice("reconnecting", "Connecting again…"),
  live: notice("live", ""),
  lost: notice("reconnecting", "Connection lost"),
  unreachable: notice("reconnecting", "The server cannot be reached"),
  noWebRtc: notice(
    "unsupported",
    "This browser cannot go live",
    "It has no WebRTC. Open this page in a current Chrome, Edge, Firefox or Safari.",
  ),
  noH264: notice(
    "unsupported",
    "This browser cannot go live",
    "It has no H.264 video. Open this page in a current Chrome, Edge or Safari.",
  ),
} as const;

/** What a failed request means to a seller. */
export interface Failure {
  readonly notice: Notice;
  /** Null: not tried again by itself. Otherwise how long the server wants to be left alone, 0 if it did not say. */
  readonly retryAfterMs: number | null;
}

/** `wasLive`: this broadcast had been taken before. */
export function failureOf(error: unknown, wasLive: boolean): Failure {
  if (!(error instanceof ApiError)) return { notice: NOTICES.unreachable, retryAfterMs: 0 };
  const { problem, retryAfterMs } = error;
  const detail = sentence(problem.detail ?? problem.title);
  if (problem.status === 409) {
    // A connection that broke is in the way of the next one until the server has noticed, too.
    const waits = wasLive || retryAfterMs !== null;
    const status = waits ? "reconnecting" : "refused";
    return {
      notice: notice(status, "This stream is in use", detail),
      retryAfterMs: waits ? (retryAfterMs ?? 0) : null,
    };
  }
  if (problem.status === 429 || problem.status >= 500) {
    const isBusy = problem.status === 429 || problem.status === 503;
    const title = isBusy ? "The server is busy" : "The server has a problem";
    return { notice: notice("reconnecting", title, detail), retryAfterMs: retryAfterMs ?? 0 };
  }
  return { notice: refusal(problem.status, detail), retryAfterMs: null };
}

function refusal(status: number, detail: string): Notice {
  switch (status) {
    case 401:
      return {
        ...notice("refused", "A stream key is needed", `${detail} ${ENTER_KEY}`),
        needsKey: true,
      };
    case 403:
      return {
        ...notice("refused", "You may not go live on this stream", `${detail} ${CHECK_KEY}`),
        needsKey: true,
      };
    case 404:
    case 405:
      return notice("refused", "Nobody can go live here", detail);
    default:
      return notice("refused", "The server cannot take this broadcast", detail);
  }
}

const ENTER_KEY = "Enter the stream key that you were given, then press Go live.";
const CHECK_KEY = "Check the stream key and the page's address, or ask for another key.";
