/**
 * Goes live and stays live: session after session, until stopped.
 *
 * ```text
 *          start             connected
 *   idle ────────▶ connecting ────────▶ live ◀──────┐
 *     ▲                │  failed          │ lost    │ connected
 *     │ stop           ▼                  ▼         │
 *     ├────────── refused ◀──────── reconnecting ───┘
 *     └───────────────────────────────────┘
 * ```
 *
 * A failure that may pass leads to `reconnecting`, also before the first success.
 */

import { Backoff } from "@shopcast/api";

import { hasH264 } from "./codecs.ts";
import { NOTICES, failureOf, type Notice } from "./notice.ts";
import type { Platform } from "./platform.ts";
import { WhipSession, type Kind, type Media, type Target } from "./session.ts";

export class WhipPublisher {
  readonly #platform: Platform | null;
  readonly #onNotice: (notice: Notice) => void;
  readonly #backoff: Backoff;
  #broadcast: { readonly target: Target; media: Media } | null = null;
  #session: WhipSession | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #liveSinceMs: number | null = null;
  #connectedAtMs = 0;

  /** `platform` is null where the browser has no WebRTC; `onNotice` is told of every change. */
  constructor(
    platform: Platform | null,
    onNotice: (notice: Notice) => void,
    random: () => number = Math.random,
  ) {
    this.#platform = platform;
    this.#onNotice = onNotice;
    this.#backoff = new Backoff(FIRST_WAIT_MS, WAIT_MS_MAX, random);
  }

  /** When this broadcast was first taken by the server, of `Date.now()`; reconnecting does not change it. */
  get liveSinceMs(): number | null {
    return this.#liveSinceMs;
  }

  /** Asked for and not given up: live, or on the way to it. */
  get isOn(): boolean {
    return this.#broadcast !== null;
  }

  /** Goes live with `media`. */
  start(target: Target, media: Media): void {
    this.#end();
    if (this.#platform === null) return this.#onNotice(NOTICES.noWebRtc);
    const codecs = this.#platform.videoCodecs();
    if (codecs.length > 0 && !hasH264(codecs)) return this.#onNotice(NOTICES.noH264);
    this.#broadcast = { target, media };
    this.#onNotice(NOTICES.connecting);
    this.#connect();
  }

  /** Ends the broadcast. */
  stop(): void {
    this.#end();
    this.#onNotice(NOTICES.idle);
  }

  /** Sends another track from now on, in this session and in those that follow. */
  async replaceTrack(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    if (this.#broadcast === null || this.#broadcast.media[kind] === track) return;
    this.#broadcast.media = { ...this.#broadcast.media, [kind]: track };
    // A session that ends meanwhile refuses; the next one begins with this track.
    await this.#session?.replaceTrack(kind, track).catch(() => undefined);
  }

  /** Does not wait any longer, if it was waiting: the network is said to be back. */
  hurry(): void {
    if (this.#broadcast !== null && this.#session === null) this.#connectAgain();
  }

  /** Of the session that there is; null without one. */
  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#session?.stats()) ?? null;
  }

  #connect(): void {
    if (this.#broadcast === null || this.#platform === null) return;
    const { target, media } = this.#broadcast;
    const session = new WhipSession(this.#platform, target, {
      onConnected: () => {
        this.#onConnected();
      },
      onLost: () => {
        this.#onLost();
      },
    });
    this.#session = session;
    session.open(media).catch((error: unknown) => {
      if (this.#session === session) this.#onFailed(error);
    });
  }

  #connectAgain(): void {
    clearTimeout(this.#retry);
    this.#onNotice(NOTICES.again);
    this.#connect();
  }

  #onConnected(): void {
    this.#connectedAtMs = Date.now();
    this.#liveSinceMs ??= this.#connectedAtMs;
    this.#onNotice(NOTICES.live);
  }

  #onLost(): void {
    if (this.#connectedAtMs > 0 && Date.now() - this.#connectedAtMs >= STEADY_MS) {
      this.#backoff.reset();
    }
    this.#again(this.#liveSinceMs === null ? NOTICES.unreachable : NOTICES.lost, 0);
  }

  #onFailed(error: unknown): void {
    const { notice, retryAfterMs } = failureOf(error, this.#liveSinceMs !== null);
    if (retryAfterMs !== null) return this.#again(notice, retryAfterMs);
    this.#end();
    this.#onNotice(notice);
  }

  /** Tells, and tries again after a while. */
  #again({ status, title, detail }: Notice, retryAfterMs: number): void {
    this.#hangUp();
    const waitMs = this.#backoff.next(retryAfterMs);
    const when = `Trying again in ${String(Math.round(waitMs / 1000))} s.`;
    this.#onNotice({ status, title, detail: detail === null ? when : `${detail} ${when}` });
    this.#retry = setTimeout(() => {
      this.#connectAgain();
    }, waitMs);
  }

  #end(): void {
    this.#hangUp();
    this.#broadcast = null;
    this.#liveSinceMs = null;
    this.#backoff.reset();
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    this.#connectedAtMs = 0;
    const session = this.#session;
    this.#session = null;
    session?.close();
  }
}

const FIRST_WAIT_MS = 1000;
/** A server restarts within seconds, and viewers wait. */
const WAIT_MS_MAX = 8000;
/** A connection that breaks sooner proves nothing: the next wait goes on doubling. */
const STEADY_MS = 10_000;
