/**
 * The frame loop: which frame is on screen, what state that means, and what came too late for it.
 */

import type { ActiveCard, Cue } from "@shopcast/cues";

import type { LateCue, StateDetail } from "./events.ts";
import { PaintedReports } from "./painted.ts";
import type { SideChannel } from "./side-channel.ts";
import type { PresentedFrame, Source } from "./source.ts";

/** Who is told. */
export interface PresentationHandlers {
  /** Cards to set now. `detail` is null when this is not about a newly presented frame. */
  onState(detail: StateDetail | null, cards: readonly ActiveCard[]): void;
  /** Cards to set now: playback goes on, and the browser presents none of it. */
  onUnseen(detail: StateDetail, cards: readonly ActiveCard[]): void;
  onLate(late: LateCue): void;
  /** No frame has come for a while: the publisher is away, or frames should come and do not. */
  onStalled(): void;
}

export class Presentation {
  readonly #video: HTMLVideoElement;
  readonly #source: Source;
  readonly #channel: SideChannel;
  readonly #handlers: PresentationHandlers;
  readonly #reports = new PaintedReports();
  #timer: ReturnType<typeof setInterval> | undefined;
  #callback = 0;
  #paint: { readonly id: number; readonly askedAt: number } | null = null;
  #frames = 0;
  #presentedFrames = 0;
  #frameAt = -Infinity;
  #lastFrame: PresentedFrame | null = null;
  #rtpOffset: number | null = null;
  #firstPts: number | null = null;
  #pts: number | null = null;
  #latencyMs: number | null = null;
  #late: LateCue[] = [];
  #lateCount = 0;

  constructor(
    video: HTMLVideoElement,
    source: Source,
    channel: SideChannel,
    handlers: PresentationHandlers,
  ) {
    this.#video = video;
    this.#source = source;
    this.#channel = channel;
    this.#handlers = handlers;
  }

  get pts(): number | null {
    return this.#pts;
  }

  get frames(): number {
    return this.#frames;
  }

  get latencyMs(): number | null {
    return this.#latencyMs;
  }

  get lateCount(): number {
    return this.#lateCount;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#onTimer();
    }, TIMER_MS);
    this.#callback = this.#video.requestVideoFrameCallback(this.#onFrame);
    document.addEventListener("visibilitychange", this.#onVisibility);
  }

  stop(): void {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisibility);
    if (this.#paint !== null) cancelAnimationFrame(this.#paint.id);
    this.#video.cancelVideoFrameCallback(this.#callback);
  }

  /** The newest pts that any frame or message spoke of; 0 before the first. */
  newestPts(): number {
    return Math.max(this.#channel.feed.livePts ?? 0, this.#pts ?? 0);
  }

  /** Cues (or a snapshot without new ones) have come: late ones hold at once. */
  cuesAdded(added: readonly Cue[]): void {
    const { rtpOffset } = this.#channel.feed;
    if (rtpOffset !== this.#rtpOffset) this.#onClockChanged(rtpOffset);
    this.#reports.added(added);
    const pts = this.#pts;
    if (pts === null) return;
    const late = added.filter((cue) => cue.pts <= pts).map((cue) => this.#lateOf(cue, pts));
    if (late.length === 0) return;
    this.#late.push(...late);
    this.#lateCount += late.length;
    this.#handlers.onState(null, this.#channel.feed.timeline.state(pts));
    for (const one of late) {
      this.#reports.late(one.seq, one.late_ms);
      this.#handlers.onLate(one);
    }
  }

  readonly #onFrame: VideoFrameRequestCallback = (now, frame) => {
    this.#callback = this.#video.requestVideoFrameCallback(this.#onFrame);
    this.#frames += 1;
    this.#presentedFrames = frame.presentedFrames;
    this.#frameAt = now;
    this.#lastFrame = frame;
    this.#moveTo(this.#source.ptsOf(frame));
    this.#measureLatency();
    const cards = this.#cards();
    this.#handlers.onState(this.#detail(cards), cards);
    this.#reports.presented(this.#pts, cards);
  };

  #detail(cards: readonly ActiveCard[]): StateDetail {
    const late = this.#late;
    this.#late = [];
    return {
      pts: this.#pts,
      cards: cards.map(({ card_id, seq, rev }) => ({ card_id, seq, rev })),
      late,
      presented_frames: this.#presentedFrames,
    };
  }

  #onTimer(): void {
    this.#reports.flush(performance.now(), (text) => {
      return this.#source.report(text) || this.#channel.report(text);
    });
    const sinceFrameMs = performance.now() - this.#frameAt;
    if (sinceFrameMs < TIMER_MS) return;
    if (!this.#isPainted()) {
      this.#follow();
      return;
    }
    // On screen the last frame stands, and with it its state.
    if (sinceFrameMs < NO_FRAME_MS) return;
    const expected = !this.#video.paused && !this.#video.seeking;
    // Of a publisher that left the side channel tells, and then the first missing frame is enough.
    const { state } = this.#channel.feed;
    const away = state === "interrupted" || state === "ended";
    if (expected && (away || sinceFrameMs > STALLED_MS)) this.#handlers.onStalled();
  }

  /**
   * Nothing is painted of a hidden tab, nor of a frame of another origin that was scrolled away, which is not told of it: an
   * animation frame that was asked for does not come.
   */
  #isPainted(): boolean {
    if (document.hidden) return false;
    if (this.#paint !== null) return performance.now() - this.#paint.askedAt < TIMER_MS - SLACK_MS;
    const id = requestAnimationFrame(() => {
      this.#paint = null;
    });
    this.#paint = { id, askedAt: performance.now() };
    return true;
  }

  /** No frame tells where playback is, and it goes on: the cards follow by about where it is. */
  #follow(): void {
    const pts = this.#source.ptsNow();
    if (pts === null || pts === this.#pts) return;
    this.#moveTo(pts);
    const cards = this.#cards();
    this.#handlers.onUnseen(this.#detail(cards), cards);
  }

  /** What is painted first has its cards, before the first callback comes. */
  readonly #onVisibility = (): void => {
    if (!document.hidden) this.#follow();
  };

  #onClockChanged(rtpOffset: number | null): void {
    const wasKnown = this.#rtpOffset !== null;
    this.#rtpOffset = rtpOffset;
    if (wasKnown) {
      // Another timeline: nothing that was presented has a place on it.
      this.#pts = null;
      this.#firstPts = null;
      this.#reports.reset();
    } else if (this.#pts === null && this.#lastFrame !== null) {
      // Frames were presented before the clock was known. The last of them tells which cues were late.
      this.#moveTo(this.#source.ptsOf(this.#lastFrame));
    }
  }

  #moveTo(pts: number | null): void {
    this.#pts = pts;
    this.#firstPts ??= pts;
  }

  #cards(): ActiveCard[] {
    return this.#pts === null ? [] : this.#channel.feed.timeline.state(this.#pts);
  }

  #lateOf({ seq, card_id, pts }: Cue, presented: number): LateCue {
    // Before its first frame this viewer saw nothing, so nothing was missing.
    const since = Math.max(pts, this.#firstPts ?? pts);
    return { seq, card_id, pts, late_ms: Math.max(presented - since, 0) / TICKS_PER_MS };
  }

  #measureLatency(): void {
    const utcMs = this.#channel.serverUtcMs();
    const takenIn = this.#pts === null ? null : this.#channel.feed.utcMsOf(this.#pts);
    this.#latencyMs = utcMs === null || takenIn === null ? null : utcMs - takenIn;
  }
}

const TICKS_PER_MS = 90;
const TIMER_MS = 250;
/** Timers come a little early, too. */
const SLACK_MS = 20;
/** Longer than between two frames of any live show. */
const NO_FRAME_MS = 500;
const STALLED_MS = 3000;
