/**
 * Plays a stream by LL-HLS, through hls.js.
 */

import { Backoff, errorFrom, withToken } from "@shopcast/api";
import Hls, {
  type BufferAppendingData,
  type ErrorData,
  type HlsConfig,
  type LevelDetails,
} from "hls.js";

import { MediaTimeMap } from "./clock-map.ts";
import { frameTimes } from "./frame-times.ts";
import { NOTICES, noticeOf } from "./notice.ts";
import type { PresentedFrame, Source, SourceHost } from "./source.ts";

export class HlsSource implements Source {
  readonly #host: SourceHost;
  readonly #playlist: string;
  readonly #backoff = new Backoff(1000, 8000);
  readonly #times = new MediaTimeMap();
  #hls: Hls | null = null;
  #stopped = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #lastRecovery = -Infinity;
  /** A segment has come, and a tag in one. */
  #hasMedia = false;
  #hasTags = false;

  /** `playlist` is the address of the stream's multivariant playlist. */
  constructor(host: SourceHost, playlist: string) {
    this.#host = host;
    this.#playlist = playlist;
  }

  start(): void {
    this.#host.needsEvents();
    // Never by canPlayType: Chromium answers "maybe" for HLS and plays it without low latency.
    if (!Hls.isSupported()) {
      this.#host.notify(NOTICES.noHls);
      return;
    }
    this.#host.video.addEventListener("ended", this.#onEnded);
    this.#watch = setInterval(() => {
      this.#holdLatency();
    }, 1000);
    this.#load();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#host.video.removeEventListener("ended", this.#onEnded);
    this.#unload();
  }

  ptsOf({ mediaTime }: PresentedFrame): number | null {
    return this.#times.ptsAt(mediaTime);
  }

  ptsNow(): number | null {
    return this.#times.ptsAt(this.#host.video.currentTime);
  }

  catchUp(): void {
    const live = this.#hls?.liveSyncPosition ?? null;
    if (live !== null) this.#host.video.currentTime = live;
  }

  report(): boolean {
    return false;
  }

  #load(): void {
    const hls = new Hls({ ...CONFIG, xhrSetup: this.#authorize });
    this.#hls = hls;
    hls.on(Hls.Events.BUFFER_APPENDING, (_, data) => {
      this.#mapTime(data);
    });
    hls.on(Hls.Events.FRAG_PARSING_METADATA, (_, { samples }) => {
      this.#hasTags = true;
      for (const { data } of samples) this.#host.onTag(data);
    });
    hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
      this.#backoff.reset();
      if (frag.type === "main") this.#hasMedia = true;
      this.#readRanges(hls.latestLevelDetails);
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      this.#readRanges(details);
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal) this.#onFatal(hls, data);
    });
    hls.loadSource(this.#playlist);
    hls.attachMedia(this.#host.video);
  }

  #unload(): void {
    this.#hls?.destroy();
    this.#hls = null;
    this.#times.reset();
    this.#hasMedia = false;
    this.#hasTags = false;
  }

  /**
   * Playlists lead hls.js to send the token that it began with (EXT-X-DEFINE); of one that was renewed since
   * only this side knows.
   */
  readonly #authorize = (xhr: XMLHttpRequest, url: string): void => {
    const token = this.#host.token();
    if (token !== null) xhr.open("GET", withToken(url, token), true);
  };

  /** `offset` is what hls.js is about to set as `SourceBuffer.timestampOffset` for these bytes. */
  #mapTime({ type, frag, part, offset, data }: BufferAppendingData): void {
    if (offset === undefined || frag.sn === "initSegment") return;
    if (type !== "video" && type !== "audiovideo") return;
    const media = part ?? frag;
    const parsed = media.elementaryStreams[type];
    const [start, end] = [parsed?.startPTS ?? media.start, parsed?.endPTS ?? media.end];
    this.#times.add(start, end, offset, frameTimes(data));
  }

  /**
   * What playlists say of cues, where something on the way took it out of the media (each segment of the origin's begins with
   * a tag) and the side channel does not come through either. What they say less than whole takes a request for each.
   */
  #readRanges(details: LevelDetails | null): void {
    const isNeeded = this.#hasMedia && !this.#hasTags && this.#host.silentMs() > SILENT_MS_MAX;
    const last = details?.fragments.at(-1);
    if (!isNeeded || details === null || !last || last.programDateTime === null) return;
    const edgeUtcMs = last.programDateTime + (details.edge - last.start) * 1000;
    for (const range of Object.values(details.dateRanges)) {
      if (range && range.startDate.getTime() <= edgeUtcMs) this.#host.onRange(range.attr);
    }
  }

  #onFatal(hls: Hls, data: ErrorData): void {
    if (hls !== this.#hls) return;
    if (NO_CODEC.includes(data.details)) {
      // Nothing to recover from, until the broadcaster chooses another codec.
      this.#unload();
      this.#host.notify(NOTICES.noCodec);
      this.#retry = setTimeout(() => {
        this.#load();
      }, NO_CODEC_RETRY_MS);
      return;
    }
    const now = performance.now();
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && now - this.#lastRecovery > RECOVERY_MS_MIN) {
      this.#lastRecovery = now;
      hls.recoverMediaError();
      return;
    }
    this.#unload();
    void this.#probe();
  }

  /** Asks in plain HTTP what hls.js could not get, for the server's own words, and starts over. */
  async #probe(): Promise<void> {
    const token = this.#host.token();
    let waitMs: number;
    try {
      const url = withToken(this.#playlist, token);
      const response = await fetch(url, { cache: "no-store" });
      if (!response.ok) throw await errorFrom(response);
      waitMs = this.#backoff.next();
      if (!this.#stopped) this.#host.notify(NOTICES.lost);
    } catch (error) {
      const { notice, retryAfterMs, isFinal } = noticeOf(error);
      if (isFinal) {
        if (!this.#stopped) this.#host.giveUp(notice, token);
        return;
      }
      if (!this.#stopped) this.#host.notify(notice);
      waitMs = this.#backoff.next(retryAfterMs);
    }
    if (this.#stopped) return;
    this.#retry = setTimeout(() => {
      this.#load();
    }, waitMs);
  }

  /**
   * Far behind live (a sleeping laptop, a hidden tab) it skips ahead; nearer, hls.js catches up by rate.
   * Its own `liveMaxLatency…` settings would do the first, but it wants them together with `liveSync…`
   * ones, which override the server's PART-HOLD-BACK.
   *
   * Behind is measured to `liveSyncPosition`, which does not run ahead of what is published: when the
   * publisher stalls, the clock's idea of live does, and skipping to it would replay the last part.
   */
  #holdLatency(): void {
    const { video } = this.#host;
    const { latestLevelDetails: details = null, liveSyncPosition: live = null } = this.#hls ?? {};
    if (live === null || details?.live !== true || video.paused || video.seeking) return;
    if (live - video.currentTime > BEHIND_MAX) this.catchUp();
  }

  /** The playlist has ended. A new show is a new epoch, of which the side channel will tell. */
  readonly #onEnded = (): void => {
    const { feed } = this.#host;
    const { epoch, rtpOffset } = feed;
    this.#host.notify(NOTICES.ended);
    const look = (): void => {
      if (this.#stopped) return;
      if (feed.epoch === epoch && feed.rtpOffset === rtpOffset) {
        this.#retry = setTimeout(look, 1000);
        return;
      }
      this.#unload();
      this.#load();
    };
    look();
  };
}

const CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  // Up to a tenth faster until the distance to live is what PART-HOLD-BACK asks; the default never does.
  maxLiveSyncPlaybackRate: 1.1,
  backBufferLength: 30,
  startFragPrefetch: true,
  // Cues are taken from FRAG_PARSING_METADATA; nobody reads text tracks.
  enableEmsgMetadataCues: false,
  enableID3MetadataCues: false,
  enableDateRangeMetadataCues: false,
  // CMAF is passed through, not transmuxed: a worker would only add a hop, and a blob: source to the CSP.
  enableWorker: false,
  manifestLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 10_000,
      maxLoadTimeMs: 20_000,
      timeoutRetry: null,
      // The first refusal goes to #probe, which says why.
      errorRetry: null,
    },
  },
  playlistLoadPolicy: {
    default: {
      // A blocked reload may rightly take up to three target durations, of at most 10 s.
      maxTimeToFirstByteMs: 32_000,
      maxLoadTimeMs: 40_000,
      timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
      // A publisher that comes back within half a minute finds its viewers still here.
      errorRetry: { maxNumRetry: 20, retryDelayMs: 500, maxRetryDelayMs: 2000 },
    },
  },
};

/** None of the stream's codecs is this browser's: of its playlist, of its segments, of what a media source takes. */
const NO_CODEC: readonly string[] = [
  Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR,
  Hls.ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR,
  Hls.ErrorDetails.BUFFER_ADD_CODEC_ERROR,
];
const NO_CODEC_RETRY_MS = 10_000;
/** Behind by more than this, in seconds, is not worth catching up at 1.1. */
const BEHIND_MAX = 4;
/** The side channel speaks once a second. */
const SILENT_MS_MAX = 2500;
/** A second media error this soon is not helped by the same cure. */
const RECOVERY_MS_MIN = 5000;
