/**
 * Where pictures come from: what the element and a protocol know of each other.
 */

import type { TokenSource } from "@shopcast/api";
import type { Attributes, Feed, SeiMessage } from "@shopcast/cues";

import type { Notice } from "./notice.ts";

/** The part of `VideoFrameCallbackMetadata` that tells which frame it is. */
export interface PresentedFrame {
  readonly mediaTime: number;
  readonly rtpTimestamp?: number;
}

/** One protocol's way of playing a stream into a video element. Retries by itself until stopped. */
export interface Source {
  start(): void;
  stop(): void;
  /** The pts of a presented frame; null while what it takes is not known yet. */
  ptsOf(frame: PresentedFrame): number | null;
  /** About where playback is, for when no frame is presented; null when it cannot be told. */
  ptsNow(): number | null;
  /** Goes back to live after a pause. */
  catchUp(): void;
  /** Says something to the server by the way the media comes; false when there is none, or not now. */
  report(text: string): boolean;
}

/** What a source is given. */
export interface SourceHost {
  readonly video: HTMLVideoElement;
  readonly feed: Feed;
  /** What the viewer may; asked before each request. */
  readonly token: TokenSource;
  /** The newest pts that any frame or message spoke of; 0 before the first. */
  newestPts(): number;
  notify(notice: Notice): void;
  /**
   * The same as the source's last word: it does not try again, and nothing else is to. `refused` is the token
   * that its last request had.
   */
  giveUp(notice: Notice, refused: string | null): void;
  /** A side-channel message came with the media. */
  onMessage(text: string): void;
  /** An ID3 tag came in band. */
  onTag(tag: Uint8Array): void;
  /** A range of a playlist that has begun by the playlist's end. */
  onRange(range: Attributes): void;
  /** Our messages in a picture of WebRTC video. */
  onPicture(messages: readonly SeiMessage[], rtpTimestamp: number): void;
  /** The media brings no side channel: cues are to come over SSE. */
  needsEvents(): void;
  /** How long the side channel has said nothing by any carrier, in milliseconds; from the start, before its first word. */
  silentMs(): number;
}
