/**
 * One viewer's copy of a stream's cues, whatever they came by.
 *
 * Pure: it is fed messages, in-band cues and answers to pulls, with the local time, and says what is new
 * and what should be fetched. It holds no socket and no timer.
 */

import { IngestClock, ServerClock } from "./clock.ts";
import { decodeCue, decodeCueText, type Decoded } from "./codec.ts";
import type { Cue } from "./cue.ts";
import { readDateRange, type Attributes } from "./daterange.ts";
import { readUserTexts } from "./id3.ts";
import {
  parseInBandSnapshot,
  parseMessage,
  type Heartbeat,
  type Message,
  type Snapshot,
  type StreamState,
} from "./message.ts";
import type { SeiMessage } from "./sei.ts";
import { Timeline } from "./timeline.ts";

/** What came of one input. */
export interface FeedChange {
  /** Cues that were not known before, in arrival order. */
  readonly added: readonly Cue[];
  /** Cues are missing: fetch those after this seq and hand them to `pulled`. */
  readonly pullAfter: number | null;
  /** The publish session changed without a snapshot: fetch one. */
  readonly needsSnapshot: boolean;
}

export class Feed {
  readonly timeline = new Timeline();
  readonly clock = new ServerClock();
  readonly #ingest = new IngestClock();
  readonly #stream: string;
  #snapshot: Snapshot | null = null;
  #state: StreamState | null = null;
  #livePts: number | null = null;
  /** When the server said the newest message that tells how it stands. */
  #saidAt = -Infinity;
  /** Every cue up to it has been seen or superseded; null before the first snapshot. */
  #complete: number | null = null;
  /** Highest seq that the server has spoken of. */
  #newest = 0;
  /** Seen beyond `#complete`, waiting for the gap before them to close. */
  readonly #beyond = new Set<number>();
  /** Media spoke of them, and nothing has brought them. */
  readonly #wanted = new Set<number>();
  /** A state of the media's whose cues are not all here. */
  #unsettled: { readonly pts: number; readonly seqs: readonly number[] } | null = null;
  /** The RTP offset as pictures tell it. A cue tells it to within a frame, a state exactly. */
  #pictureOffset: { readonly k: number; readonly isExact: boolean } | null = null;

  /** `stream` is the name whose cues are taken; others are left alone. */
  constructor(stream: string) {
    this.#stream = stream;
  }

  /** The RTP offset of the stream's video, once known. */
  get rtpOffset(): number | null {
    return this.#snapshot?.k ?? this.#pictureOffset?.k ?? null;
  }

  /** Publish session, once known. */
  get epoch(): number | null {
    return this.#snapshot?.epoch ?? null;
  }

  /** Where the stream was in its life at the server's last message; null before the first. */
  get state(): StreamState | null {
    return this.#state;
  }

  /** Newest pts that the server had taken in at its last message, or that a picture told. */
  get livePts(): number | null {
    return this.#livePts;
  }

  /** The UTC at which the origin took in the frame at `pts`; null before the first snapshot. */
  utcMsOf(pts: number): number | null {
    return this.#ingest.utcMs(pts);
  }

  /** Takes a side-channel message. */
  message(text: string, localMs: number): FeedChange {
    const message: Message | null = parseMessage(text);
    if (message === null) return NOTHING;
    if (message.type === "snapshot") {
      return this.#onSnapshot(message, localMs, text.length <= WHOLE_LENGTH_MAX);
    }
    if (message.type === "heartbeat") return this.#onHeartbeat(message, localMs);
    // A long snapshot goes on in cues messages, with cues from before its start: these are not refused.
    return this.#change(message.cues.flatMap((text) => this.#insert(decodeCueText(text), true)));
  }

  /** Takes the answer to a pull: the cues after `after` in order, perhaps only the first page of them. */
  pulled(cues: readonly string[], after: number): FeedChange {
    const decoded = cues.map(decodeCueText);
    const added = decoded.flatMap((one) => this.#insert(one));
    // The server has answered for everything up to its last cue, or, with an empty answer, for all
    // there is: what it left out is not to be had, and asking again would never end.
    const answered = decoded.map(seqOf).filter((seq) => seq !== null);
    const through = answered.length > 0 ? Math.max(...answered) : this.#newest;
    if (this.#complete !== null && this.#complete >= after) this.#advance(through);
    for (const seq of this.#wanted) if (seq > after && seq <= through) this.#wanted.delete(seq);
    const late = this.#resettle(true);
    return this.#change([...added, ...late]);
  }

  /** Takes an ID3 tag from an emsg box: one cue, or at a segment's start those that are in force. */
  inBand(tag: Uint8Array): FeedChange {
    const added = readUserTexts(tag).flatMap(({ description, value }) => {
      if (description === IN_BAND_CUE) return this.#fromMedia(decodeCue(UTF8.encode(value)));
      if (description !== IN_BAND_SNAPSHOT) return [];
      const snapshot = parseInBandSnapshot(value);
      if (snapshot?.stream !== this.#stream) return [];
      return this.#settle(snapshot.pts, snapshot.cues.map(decodeCueText));
    });
    return this.#change(added);
  }

  /**
   * Takes what a range of a playlist says. Only of ranges that begin before the playlist's end: what lies past it may yet be
   * taken back, which a playlist does by leaving it out.
   */
  listed(range: Attributes): FeedChange {
    const listed = readDateRange(range, this.#stream);
    if (listed?.type === "reference") this.#want(listed.seq);
    return this.#change(listed?.type === "cue" ? this.#fromMedia(listed.decoded) : []);
  }

  /** Takes the messages of one picture of WebRTC video. */
  picture(messages: readonly SeiMessage[], rtpTimestamp: number): FeedChange {
    let beganAnew = false;
    const added = messages.flatMap((message) => {
      switch (message.type) {
        case "snapshot":
          if (this.#locate(message.pts, rtpTimestamp, true)) beganAnew = true;
          this.#newest = Math.max(this.#newest, message.seq);
          return this.#settle(message.pts, message.cues, message.references);
        case "cue":
          // It came in the first picture at or past its threshold.
          if (message.decoded.status === "cue") {
            this.#locate(message.decoded.cue.pts, rtpTimestamp, false);
          }
          return this.#fromMedia(message.decoded);
        case "reference":
          this.#locate(message.pts, rtpTimestamp, false);
          this.#want(message.seq);
          return [];
        case "malformed":
          return [];
      }
    });
    return { ...this.#change(added), needsSnapshot: beganAnew };
  }

  /** Where the picture lies tells the RTP offset. True when it is another stream's than what is known. */
  #locate(pts: number, rtpTimestamp: number, isExact: boolean): boolean {
    const k = modulo32(rtpTimestamp - pts);
    const known = this.#snapshot?.k ?? (this.#pictureOffset?.isExact ? this.rtpOffset : null);
    const beganAnew = isExact && known !== null && known !== k;
    if (beganAnew) {
      this.#forget();
      this.#snapshot = null;
    }
    if (this.#pictureOffset === null || isExact) this.#pictureOffset = { k, isExact };
    this.#livePts = Math.max(this.#livePts ?? 0, pts);
    return beganAnew;
  }

  /** Takes the state at `pts` as media tell it: in whole cues, or in numbers. */
  #settle(
    pts: number,
    whole: readonly Decoded[],
    references: readonly { readonly seq: number }[] = [],
  ): Cue[] {
    // What a broken or a stranger's snapshot leaves out is not settled.
    if (whole.some((one) => one.status === "malformed")) return [];
    const cues = whole.flatMap((one) => (one.status === "cue" ? [one.cue] : []));
    if (cues.some((cue) => cue.stream !== this.#stream || cue.pts > pts)) return [];
    for (const one of whole) this.#meet(one);
    if (references.length === 0) {
      this.#unsettled = null;
      return this.timeline.insertState(pts, cues);
    }
    this.#unsettled = { pts, seqs: references.map(({ seq }) => seq) };
    for (const { seq } of references) this.#want(seq);
    return this.#resettle(false);
  }

  /** Settles a state whose cues are all here. After the server's `answer` those that it left out are not to be had. */
  #resettle(answer: boolean): Cue[] {
    if (this.#unsettled === null) return [];
    const { pts, seqs } = this.#unsettled;
    if (seqs.some((seq) => this.#wanted.has(seq))) return [];
    this.#unsettled = null;
    const cues = seqs.flatMap((seq) => this.timeline.get(seq) ?? []);
    if (!answer && cues.length < seqs.length) return [];
    return this.timeline.insertState(pts, cues);
  }

  /** A cue by a carrier that says nothing of what else there is. */
  #fromMedia(decoded: Decoded): Cue[] {
    this.#meet(decoded);
    return this.#insert(decoded);
  }

  /**
   * Without the side channel, a number that stands for another cue than before is all that tells of a stream that began
   * anew.
   */
  #meet(decoded: Decoded): void {
    if (decoded.status !== "cue" || this.#snapshot !== null) return;
    const { stream, seq, pts, epoch } = decoded.cue;
    const known = this.timeline.get(seq);
    if (stream !== this.#stream || known === undefined) return;
    if (known.pts !== pts || known.epoch !== epoch) this.#forget();
  }

  #want(seq: number): void {
    const isKnown = this.timeline.get(seq) !== undefined;
    const isSettled = this.#complete !== null && seq <= this.#complete;
    if (isKnown || isSettled || this.#wanted.size >= BEYOND_MAX) return;
    this.#wanted.add(seq);
    this.#newest = Math.max(this.#newest, seq);
  }

  /** The stream has begun anew: seq counts from 1 once more. */
  #forget(): void {
    this.timeline.reset();
    this.#beyond.clear();
    this.#wanted.clear();
    this.#unsettled = null;
    this.#pictureOffset = null;
    this.#complete = null;
    this.#newest = 0;
    this.#livePts = null;
  }

  /** `isWhole`: no more of it follows. */
  #onSnapshot(snapshot: Snapshot, localMs: number, isWhole: boolean): FeedChange {
    if (snapshot.stream !== this.#stream) return NOTHING;
    const { k = this.#pictureOffset?.isExact ? this.#pictureOffset.k : snapshot.k } =
      this.#snapshot ?? {};
    // Another server process, or the stream was forgotten and made again.
    if (snapshot.k !== k) this.#forget();
    this.#newest = Math.max(this.#newest, snapshot.last_seq);
    if (this.#snapshot?.epoch !== snapshot.epoch) this.#ingest.reset();
    this.#snapshot = snapshot;
    this.#saidAt = snapshot.server_utc_ms;
    this.#state = snapshot.state;
    this.#livePts = snapshot.live_pts;
    this.#ingest.sample(snapshot.server_utc_ms, snapshot.live_pts);
    this.clock.sample(snapshot.server_utc_ms, localMs);
    const cues = snapshot.cues
      .map(decodeCueText)
      .flatMap((decoded) => (decoded.status === "cue" ? [decoded.cue] : []))
      .filter((cue) => cue.stream === this.#stream);
    const added = this.timeline.insertSnapshot(
      snapshot.from_pts,
      cues,
      isWhole ? snapshot.last_seq : 0,
    );
    this.#complete ??= snapshot.last_seq;
    this.#advance(snapshot.last_seq);
    return this.#change(added);
  }

  #onHeartbeat(heartbeat: Heartbeat, localMs: number): FeedChange {
    // What is said again can come after what was said later.
    const olderMs = this.#saidAt - heartbeat.server_utc_ms;
    if (olderMs > 0 && olderMs < SAID_AGAIN_MS) return NOTHING;
    this.#saidAt = heartbeat.server_utc_ms;
    this.#state = heartbeat.state;
    this.#livePts = heartbeat.live_pts;
    this.#newest = Math.max(this.#newest, heartbeat.last_seq);
    this.#ingest.sample(heartbeat.server_utc_ms, heartbeat.live_pts);
    this.clock.sample(heartbeat.server_utc_ms, localMs);
    const missing = this.#complete !== null && heartbeat.last_seq > this.#complete;
    return {
      added: [],
      pullAfter: missing ? this.#complete : null,
      needsSnapshot: this.#snapshot === null || heartbeat.epoch !== this.#snapshot.epoch,
    };
  }

  #insert(decoded: Decoded, evenSettled = false): Cue[] {
    if (decoded.status === "cue" && decoded.cue.stream !== this.#stream) return [];
    const seq = seqOf(decoded);
    if (seq !== null) this.#saw(seq);
    if (seq !== null) this.#wanted.delete(seq);
    if (decoded.status !== "cue") return [];
    return this.timeline.insert(decoded.cue, evenSettled) ? [decoded.cue] : [];
  }

  #saw(seq: number): void {
    this.#newest = Math.max(this.#newest, seq);
    if (this.#complete !== null && seq <= this.#complete) return;
    if (this.#beyond.size < BEYOND_MAX) this.#beyond.add(seq);
    this.#close();
  }

  #advance(seq: number): void {
    if (this.#complete === null || seq <= this.#complete) return;
    this.#complete = seq;
    this.#close();
  }

  #close(): void {
    if (this.#complete === null) return;
    for (const seq of this.#beyond) if (seq <= this.#complete) this.#beyond.delete(seq);
    while (this.#beyond.delete(this.#complete + 1)) this.#complete += 1;
  }

  #change(added: readonly Cue[]): FeedChange {
    const gap = this.#complete !== null && this.#beyond.size > 0;
    const wanted = this.#wanted.size > 0 ? Math.min(...this.#wanted) - 1 : null;
    return { added, pullAfter: gap ? this.#complete : wanted, needsSnapshot: false };
  }
}

function seqOf(decoded: Decoded): number | null {
  if (decoded.status === "malformed") return null;
  return decoded.status === "cue" ? decoded.cue.seq : decoded.seq;
}

/** As `k` is told: from 0 to 2^32 - 1, whatever the pts. */
function modulo32(ticks: number): number {
  const rest = ticks % 2 ** 32;
  return rest < 0 ? rest + 2 ** 32 : rest;
}

/** Descriptions of the `TXXX` frames that hold a cue, and a segment's snapshot. */
const IN_BAND_CUE = "dev.shopcast.cue";
const IN_BAND_SNAPSHOT = "dev.shopcast.snapshot";
/**
 * A message takes 60 000 bytes and a cue in base64url, with its quotes and comma, 1369: a snapshot that is shorter than
 * this had room for another one.
 */
const WHOLE_LENGTH_MAX = 60_000 - 1369;
const NOTHING: FeedChange = { added: [], pullAfter: null, needsSnapshot: false };
/** A gap is pulled within a second; the server's burst of 50 and 10/s fit many times over. */
const BEYOND_MAX = 1024;
/** More than a message is ever under way. One that is older by more tells of a clock that was set back. */
const SAID_AGAIN_MS = 10_000;
const UTF8 = new TextEncoder();
