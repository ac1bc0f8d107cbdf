/**
 * What the player is doing, in words a viewer can use.
 */

import { ApiError, notice, sentence, type Notice as Words } from "@shopcast/api";

/** Where the player is. */
export type Status =
  /** Not on a page, or without a stream. */
  | "idle"
  /** Asked for, no picture yet. */
  | "connecting"
  /** No show yet; tried again by itself. */
  | "waiting"
  /** Pictures come. */
  | "playing"
  /** The server will not serve this stream this way, and said why. */
  | "refused"
  /** It played, or should have, and the connection or the pictures are gone; tried again by itself. */
  | "interrupted"
  /** The show is over. */
  | "ended"
  /** This browser lacks what the protocol needs. */
  | "unsupported";

/** A status and its words. */
export type Notice = Words<Status>;

export const NOTICES = {
  connecting: notice("connecting", "Connecting…"),
  playing: notice("playing", ""),
  lost: notice("interrupted", "Connection lost", "Reconnecting…"),
  stalled: notice("interrupted", "The picture has paused", "Waiting for the broadcaster…"),
  interrupted: notice("interrupted", "The broadcast is interrupted", "It will go on here."),
  ended: notice("ended", "The broadcast is over", "Thank you for watching."),
  noWebRtc: notice("unsupported", "This browser cannot play WebRTC", "Try the LL-HLS player."),
  noCodec: notice(
    "unsupported",
    "This browser cannot play this video",
    "Try another browser or device.",
  ),
  noHls: notice("unsupported", "This browser cannot play HLS", "Try the WebRTC player."),
} as const;

/** What a failed request means to a viewer. */
export interface Failure {
  readonly notice: Notice;
  /** How long to leave the server alone at least; null when it does not matter. */
  readonly retryAfterMs: number | null;
  /** Trying again with the same token would fail the same way. */
  readonly isFinal?: boolean;
  /** Nobody publishes the stream. */
  readonly isOffAir?: boolean;
}

/** What a failed request means to a viewer, and whether and when to try again. */
export function noticeOf(error: unknown): Failure {
  if (!(error instanceof ApiError)) return { notice: NOTICES.lost, retryAfterMs: null };
  const { problem, retryAfterMs } = error;
  const { detail } = problem;
  // The server was started again, and the publisher is not back yet.
  if (problem.type === "/problems/interrupted") {
    return { notice: NOTICES.interrupted, retryAfterMs };
  }
  // WHEP draft -04 §4.3.8: no publisher yet is 409 with Retry-After; a server may also say 404.
  if (problem.status === 404 || problem.status === 409) {
    return {
      notice: notice("waiting", "Waiting for the show to begin", detail),
      retryAfterMs,
      isOffAir: true,
    };
  }
  if (problem.status === 503 || problem.status === 429) {
    return {
      notice: notice("waiting", "One moment, please", detail ?? problem.title),
      retryAfterMs,
    };
  }
  if (problem.status === 401 || problem.status === 403) {
    const title =
      problem.status === 401 ? "This show needs a valid link" : "Your link is not for this show";
    const remedy = "Open the show again from where you found it.";
    return {
      notice: notice("refused", title, detail === null ? remedy : `${sentence(detail)} ${remedy}`),
      retryAfterMs: null,
      isFinal: true,
    };
  }
  if (problem.status >= 500) {
    return { notice: notice("interrupted", "The server has a problem", detail), retryAfterMs };
  }
  return {
    notice: notice("refused", "This show cannot play here", detail ?? problem.title),
    // It stays so until the broadcaster changes something, which is worth noticing but not at once.
    retryAfterMs: Math.max(retryAfterMs ?? 0, REFUSED_RETRY_MS),
  };
}

const REFUSED_RETRY_MS = 10_000;
