/**
 * Plays a stream by WebRTC, session after session.
 */

import { Backoff } from "@shopcast/api";
import { browser, type Platform } from "@shopcast/webrtc";

import { ptsFromRtp } from "./clock-map.ts";
import { NOTICES, noticeOf, type Failure, type Notice } from "./notice.ts";
import type { PresentedFrame, Source, SourceHost } from "./source.ts";
import { WhepSession } from "./whep-session.ts";

export class WhepSource implements Source {
  readonly #host: SourceHost;
  readonly #endpoint: string;
  readonly #backoff = new Backoff(500, 8000);
  readonly #platform: Platform | null;
  #session: WhepSession | null = null;
  #media: MediaStream | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #channelCheck: ReturnType<typeof setTimeout> | undefined;
  /** A broadcast was on. When it no longer is, it is over, and not about to begin. */
  #wasOn = false;

  /** `endpoint` is the stream's WHEP address; `platform` is null where the browser has no WebRTC. */
  constructor(host: SourceHost, endpoint: string, platform: Platform | null = browser()) {
    this.#host = host;
    this.#endpoint = endpoint;
    this.#platform = platform;
  }

  start(): void {
    if (this.#platform === null) {
      this.#host.notify(NOTICES.noWebRtc);
      this.#host.needsEvents();
      return;
    }
    addEventListener("pagehide", this.#onPageHide);
    addEventListener("pageshow", this.#onPageShow);
    this.#connect();
  }

  stop(): void {
    removeEventListener("pagehide", this.#onPageHide);
    removeEventListener("pageshow", this.#onPageShow);
    this.#hangUp();
    this.#host.video.srcObject = null;
  }

  ptsOf({ rtpTimestamp }: PresentedFrame): number | null {
    const { rtpOffset } = this.#host.feed;
    if (rtpTimestamp === undefined || rtpOffset === null) return null;
    return ptsFromRtp(rtpTimestamp, rtpOffset, this.#host.newestPts());
  }

  ptsNow(): number | null {
    const rtpTimestamp = this.#session?.rtpTimestamp() ?? null;
    return rtpTimestamp === null ? null : this.ptsOf({ mediaTime: 0, rtpTimestamp });
  }

  catchUp(): void {
    // WebRTC plays what has just arrived; there is nothing behind to skip.
  }

  #connect(): void {
    if (this.#platform === null) return;
    let asked: string | null = null;
    const token = (): string | null => (asked = this.#host.token());
    const handlers = {
      onTrack: (track: MediaStreamTrack) => {
        this.#play(session, track);
      },
      onMessage: (text: string) => {
        this.#host.onMessage(text);
      },
      onConnected: () => {
        this.#backoff.reset();
        this.#wasOn = true;
        this.#expectChannel(session);
      },
      onLost: () => {
        const isOver = this.#host.feed.state === "ended";
        this.#again(isOver ? NOTICES.ended : NOTICES.lost, null);
      },
    };
    const target = { endpoint: this.#endpoint, token };
    const session: WhepSession = new WhepSession(this.#platform, target, handlers);
    this.#session = session;
    session.open().catch((error: unknown) => {
      if (this.#session === session) this.#onRefused(noticeOf(error), asked);
    });
  }

  #onRefused({ notice, retryAfterMs, isFinal, isOffAir }: Failure, token: string | null): void {
    if (isFinal) {
      this.#hangUp();
      this.#host.giveUp(notice, token);
      return;
    }
    this.#again(isOffAir && this.#wasOn ? NOTICES.ended : notice, retryAfterMs);
  }

  /** Tells, and tries again after a while. */
  #again(notice: Notice, retryAfterMs: number | null): void {
    this.#hangUp();
    this.#host.notify(notice);
    this.#retry = setTimeout(() => {
      this.#connect();
    }, this.#backoff.next(retryAfterMs));
  }

  #play(session: WhepSession, track: MediaStreamTrack): void {
    if (this.#session !== session) return;
    // A stream per session: until its first track comes, the last picture of the one before stays up.
    if (this.#media === null) {
      this.#media = new MediaStream([track]);
      this.#host.video.srcObject = this.#media;
    } else {
      this.#media.addTrack(track);
    }
  }

  #expectChannel(session: WhepSession): void {
    this.#channelCheck = setTimeout(() => {
      if (this.#session === session && !session.hasChannel) this.#host.needsEvents();
    }, CHANNEL_MS_MAX);
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#channelCheck);
    const session = this.#session;
    this.#session = null;
    this.#media = null;
    session?.close();
  }

  readonly #onPageHide = (): void => {
    this.#hangUp();
  };

  readonly #onPageShow = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) this.#connect();
  };
}

/** SCTP is up within a few round trips of DTLS, or it is not coming. */
const CHANNEL_MS_MAX = 3000;
