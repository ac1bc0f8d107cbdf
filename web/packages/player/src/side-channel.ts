/**
 * Everything about cues that is not media: takes them from whatever carries them, asks for what is missing.
 */

import { Client, type Subscription, type TokenSource } from "@shopcast/api";
import {
  Feed,
  sessionOf,
  type Attributes,
  type Cue,
  type FeedChange,
  type SeiMessage,
} from "@shopcast/cues";

export class SideChannel {
  readonly feed: Feed;
  readonly #client: Client;
  readonly #stream: string;
  readonly #onCues: (added: readonly Cue[]) => void;
  #events: Subscription | null = null;
  #snapshot: Subscription | null = null;
  /** What the server knows the open events by. */
  #session: string | null = null;
  #pulling = false;
  #closed = false;
  #lastSnapshot = -Infinity;
  #pullFailed = -Infinity;
  #heard = performance.now();

  /** `onCues` is called with every cue that was not known before, and after every snapshot. */
  constructor(
    stream: string,
    server: string,
    token: TokenSource,
    onCues: (added: readonly Cue[]) => void,
  ) {
    this.feed = new Feed(stream);
    this.#client = new Client(server, { token });
    this.#stream = stream;
    this.#onCues = onCues;
  }

  /** Follows the stream over SSE from now on. */
  openEvents(): void {
    if (this.#events !== null || this.#closed) return;
    this.#events = this.#client.events(this.#stream, {
      onMessage: (text) => {
        this.#session = sessionOf(text) ?? this.#session;
        this.message(text);
      },
    });
  }

  /** Says something to the server; false when it would not know who says it. */
  report(text: string): boolean {
    if (this.#session === null || this.#closed) return false;
    // One that is lost is not said again: what it would have proved is not known to have happened.
    this.#client.painted(this.#stream, this.#session, text).catch(() => undefined);
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#events?.close();
    this.#snapshot?.close();
  }

  /** A message, by data channel or SSE. */
  message(text: string): void {
    this.#heard = performance.now();
    this.#take(this.feed.message(text, localMs()));
  }

  /** An ID3 tag from the media. */
  tag(tag: Uint8Array): void {
    this.#take(this.feed.inBand(tag));
  }

  /** A range of a playlist. */
  range(range: Attributes): void {
    this.#take(this.feed.listed(range));
  }

  /** Our messages in a picture. */
  picture(messages: readonly SeiMessage[], rtpTimestamp: number): void {
    this.#take(this.feed.picture(messages, rtpTimestamp));
  }

  /** Since the last message, or since the start before it. A heartbeat comes every second. */
  silentMs(): number {
    return performance.now() - this.#heard;
  }

  /** The server's UTC now, in milliseconds; null before its first message. */
  serverUtcMs(): number | null {
    return this.feed.clock.utcMs(localMs());
  }

  #take({ added, pullAfter, needsSnapshot }: FeedChange): void {
    this.#onCues(added);
    if (pullAfter !== null) void this.#pull(pullAfter);
    if (needsSnapshot) this.#fetchSnapshot();
  }

  async #pull(after: number): Promise<void> {
    if (this.#pulling || performance.now() - this.#pullFailed < PULL_AGAIN_MS) return;
    this.#pulling = true;
    let change: FeedChange | null = null;
    try {
      change = this.feed.pulled(await this.#client.cuesAfter(this.#stream, after), after);
    } catch {
      // The next heartbeat, a second from now, notices the gap again; so does whatever media say next.
      this.#pullFailed = performance.now();
    }
    this.#pulling = false;
    if (change !== null && !this.#closed) this.#take(change);
  }

  /** A subscription begins with a snapshot; this one ends there too. */
  #fetchSnapshot(): void {
    const now = performance.now();
    if (this.#closed || now - this.#lastSnapshot < SNAPSHOT_MS_MIN) return;
    this.#lastSnapshot = now;
    this.#snapshot?.close();
    const subscription = this.#client.events(this.#stream, {
      onMessage: (text) => {
        subscription.close();
        this.message(text);
      },
      onLost: () => {
        subscription.close();
      },
    });
    this.#snapshot = subscription;
  }
}

/** UTC by this machine, on a clock that is never set back. */
function localMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Media may speak of a missing cue many times a second. */
const PULL_AGAIN_MS = 900;
/** Heartbeats of a new epoch come each second until its snapshot is here. */
const SNAPSHOT_MS_MIN = 3000;
