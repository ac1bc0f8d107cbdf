/**
 * From what a browser says of a presented frame to the frame's pts on the stream's timeline, exactly.
 *
 * Exactly matters: a card holds from the first frame at or past its threshold, thresholds often equal a
 * frame's pts to the tick, and a tolerance in either direction would show some card one frame early or
 * late. Both derivations below therefore end on the very tick that the origin assigned.
 */

/** The pts whose RTP timestamp is `rtp`, among all that share it the one nearest to `near`. */
export function ptsFromRtp(rtp: number, rtpOffset: number, near: number): number {
  // rtp = (pts + K) mod 2^32. `| 0` takes the difference to the signed 32-bit number nearest to zero,
  // so any `near` within 6.6 hours of the frame is near enough.
  return near + ((rtp - rtpOffset - near) | 0);
}

/**
 * mediaTime → pts for a media element fed by hls.js, which puts each discontinuity at its own place in
 * media time by `SourceBuffer.timestampOffset`: mediaTime = pts / 90000 + offset.
 *
 * A browser that counts in microseconds (Chromium) truncates pts / 90000 and the offset on the way in,
 * each by less than 1 µs, and hls.js leaves an offset alone that is less than 1 µs off. Together that is
 * below 3 µs; half a tick is 5.6 µs. Rounding to the nearest tick thus gives back the tick itself.
 *
 * On the frame in which a seek ends, and on the first one when it joins, Firefox says the time that was sought instead of
 * the frame's. Which frame that is the media tell: the last one at or before that time.
 */
export class MediaTimeMap {
  /** Ordered by start; each holds until the next one's start. */
  #spans: Span[] = [];
  /** Pts of the frames of what was appended, piece by piece, ascending in each; the oldest appended first. */
  #pieces: (readonly number[])[] = [];

  /**
   * Media at [start, end) of media time is being appended with `offset`, all in seconds; `frames` are the pts in it,
   * ascending, none where they are unknown.
   */
  add(start: number, end: number, offset: number, frames: readonly number[] = []): void {
    if (frames.length > 0) this.#pieces.push(frames);
    if (this.#pieces.length > PIECES_MAX) this.#pieces.shift();
    const previous = this.#spanAt(start);
    if (previous?.offset === offset && previous.end >= start - GAP_MAX) {
      previous.end = Math.max(previous.end, end);
      return;
    }
    // What is appended later replaces what was there.
    this.#spans = this.#spans.filter((span) => span.start < start || span.start >= end);
    this.#spans.push({ start, end, offset });
    this.#spans.sort((a, b) => a.start - b.start);
    if (this.#spans.length > SPANS_MAX) this.#spans.shift();
  }

  /** The pts of the frame presented at `mediaTime` seconds; null where nothing was appended. */
  ptsAt(mediaTime: number): number | null {
    const span = this.#spanAt(mediaTime);
    if (span === undefined) return null;
    const pts = Math.round((mediaTime - span.offset) * TICKS_PER_SECOND);
    return this.#frameAt(pts) ?? pts;
  }

  /** Forgets all: the media element starts anew. */
  reset(): void {
    this.#spans = [];
    this.#pieces = [];
  }

  /** The last frame at or before `pts`; null where the media there are not known. */
  #frameAt(pts: number): number | null {
    // Pieces are cut in the order of decoding: with B-frames they overlap.
    let frame = pts - FRAME_MAX;
    for (const piece of this.#pieces) {
      const [begins = Infinity, ends = -Infinity] = [piece[0], piece.at(-1)];
      if (begins > pts + TICK || ends <= frame) continue;
      frame = Math.max(frame, piece.findLast((time) => time <= pts + TICK) ?? frame);
    }
    return frame > pts - FRAME_MAX ? frame : null;
  }

  #spanAt(mediaTime: number): Span | undefined {
    return this.#spans.findLast((span) => span.start - EDGE <= mediaTime);
  }
}

interface Span {
  readonly start: number;
  end: number;
  readonly offset: number;
}

const TICKS_PER_SECOND = 90_000;
/** A time that is cut off a little more than was reckoned with must not name the frame before. */
const TICK = 1;
/** A span's first frame may be said to lie a little before its start; half of the shortest frame (120/s). */
const EDGE = 0.004;
/** Parts that follow each other leave no hole longer than a few frames. */
const GAP_MAX = 0.5;
/** A picture that stands for longer, in ticks, is one whose media were not seen. */
const FRAME_MAX = 90_000;
/** Parts of a window of a minute, at the shortest parts, twice over. */
const PIECES_MAX = 1200;
/** Discontinuities and jumps within the back buffer; each is a publisher's reconnect. */
const SPANS_MAX = 64;
