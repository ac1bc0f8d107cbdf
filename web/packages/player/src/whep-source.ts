/**
 * Plays a stream by WebRTC, session after session.
 */

import { Backoff } from "@shopcast/api";
import { browser, type Platform } from "@shopcast/webrtc";

import { ptsFromRtp } from "./clock-map.ts";
import { NOTICES, noticeOf, type Failure, type Notice } from "./notice.ts";
import { PictureReader } from "./picture-reader.ts";
import type { PresentedFrame, Source, SourceHost } from "./source.ts";
import { WhepSession } from "./whep-session.ts";

export class WhepSource implements Source {
  readonly #host: SourceHost;
  readonly #endpoint: string;
  readonly #backoff = new Backoff(500, 8000);
  readonly #platform: Platform | null;
  #session: WhepSession | null = null;
  /** The last one whose channel has spoken. */
  #heard: WhepSession | null = null;
  #media: MediaStream | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #first: ReturnType<typeof setTimeout> | undefined;
  #listening: ReturnType<typeof setInterval> | undefined;
  /** Made when neither a channel nor events came through to here. */
  #reader: PictureReader | null = null;
  #canRead = false;
  #isReading = false;
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
    this.#reader?.close();
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

  report(text: string): boolean {
    return this.#session?.say(text) ?? false;
  }

  #connect(): void {
    if (this.#platform === null) return;
    let asked: string | null = null;
    const token = (): string | null => (asked = this.#host.token());
    const handlers = {
      onReceiver: (receiver: RTCRtpReceiver) => {
        if (this.#isReading) this.#reader?.attach(receiver);
      },
      onTrack: (track: MediaStreamTrack) => {
        this.#play(session, track);
      },
      onMessage: (text: string) => {
        this.#heard = session;
        this.#host.onMessage(text);
      },
      onConnected: () => {
        this.#backoff.reset();
        this.#wasOn = true;
        this.#listen(session);
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

  /**
   * Sees to it that the state of the screen comes by one way or another: the channel, else events, else the pictures
   * themselves.
   */
  #listen(session: WhepSession): void {
    const channelMs = session.refusesChannel ? 0 : CHANNEL_MS_MAX;
    // Counted here from the connection on: a machine that slept heard nothing either.
    let silentMs = 0;
    // The same while pictures come: where none do, the network is away, and ICE sees to that.
    let unheardMs = 0;
    let seen: number | null = null;
    const look = (): void => {
      const isSilent = this.#host.silentMs() > SILENT_MS;
      const before = seen;
      seen = session.rtpTimestamp();
      silentMs = isSilent ? silentMs + LOOK_MS : 0;
      unheardMs = isSilent && seen !== before ? unheardMs + LOOK_MS : 0;
      if (silentMs >= channelMs) this.#host.needsEvents();
      if (unheardMs >= channelMs + EVENTS_MS_MAX) this.#readPictures();
    };
    clearInterval(this.#listening);
    this.#listening = setInterval(look, LOOK_MS);
    // Pictures are there at once; their cards are not to wait for what a lossy network makes of SCTP's handshake.
    clearTimeout(this.#first);
    this.#first = setTimeout(() => {
      if (this.#heard !== session) this.#host.needsEvents();
    }, FIRST_MS);
    if (session.refusesChannel) this.#host.needsEvents();
  }

  /** Of this session's successor, which begins once pictures can be read, and of those after it. */
  #readPictures(): void {
    this.#reader ??= new PictureReader(
      () => {
        this.#canRead = true;
      },
      (messages, rtpTimestamp) => {
        this.#host.onPicture(messages, rtpTimestamp);
      },
    );
    if (!this.#canRead || this.#isReading) return;
    this.#isReading = true;
    this.#hangUp();
    this.#connect();
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#first);
    clearInterval(this.#listening);
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

/** The side channel speaks once a second. */
const SILENT_MS = 1500;
/** Two round trips of a far network, and the first message. */
const FIRST_MS = 500;
/** SCTP is up within two round trips of DTLS, or what was lost of it comes again after a second or three. */
const CHANNEL_MS_MAX = 1000;
/** A request and its answer, on a slow phone network. */
const EVENTS_MS_MAX = 2000;
const LOOK_MS = 500;
