/**
 * The server's HTTP API, typed: what a page or a studio needs to insert cues and to follow them.
 */

import { subscribe, type EventHandlers, type Subscription } from "./events.ts";
import { errorFrom } from "./problem.ts";
import { bearer, withToken, type TokenSource } from "./token.ts";

/** An amount in the currency's minor units (ISO 4217). */
export interface PriceBody {
  readonly minor: number;
  readonly currency: string;
}

/** A product card's content. */
export interface ProductBody {
  readonly sku: string;
  readonly title: string;
  readonly price: PriceBody;
  readonly prior_price?: PriceBody | null;
  readonly image?: string | null;
  readonly stock?: number | null;
}

/** When what a card offers ends: at a pts, at what is live at a moment, or so long after the cue's threshold. */
export type Ends =
  { readonly pts: number } | { readonly utc: string } | { readonly after_ms: number };

/** What a card says, by its kind. */
export type ContentBody =
  | { readonly kind: "product"; readonly payload: ProductBody }
  | {
      readonly kind: "flash_sale";
      readonly payload: ProductBody & { readonly sale: string; readonly ends?: Ends | null };
    }
  | {
      readonly kind: "coupon";
      readonly payload: {
        readonly code: string;
        readonly title: string;
        readonly terms?: string | null;
        readonly ends?: Ends | null;
      };
    }
  | {
      readonly kind: "poll";
      readonly payload: {
        readonly poll: string;
        readonly question: string;
        readonly options: readonly string[];
        readonly ends?: Ends | null;
      };
    }
  | {
      readonly kind: "notice";
      readonly payload: {
        readonly level: "info" | "disclosure" | "warning";
        readonly text: string;
      };
    }
  | {
      readonly kind: "app";
      readonly payload: { readonly schema: string; readonly data: unknown };
    };

/** When a cue is to hold from. Anything too early is moved to the live edge plus the server's lead. */
export type At =
  "now" | { readonly pts: number } | { readonly utc: string } | { readonly after_ms: number };

/** One cue to insert: with what the card says for show and update, without for hide and clear. */
export type CueRequest = CueBody & { readonly at: At };

/** The same without its moment, which is that of firing. */
export type CueBody = CueHead &
  (
    | ({ readonly op: "show" | "update" } & ContentBody)
    | {
        readonly op: "hide" | "clear";
        readonly kind?: ContentBody["kind"];
        readonly payload?: null;
      }
  );

interface CueHead {
  readonly card_id: string;
  /** Null holds until hidden or cleared. */
  readonly duration_ms?: number | null;
  /** Refused with 409 unless the card is at this revision. */
  readonly if_rev?: number;
}

/** What became of an inserted cue. */
export interface CueReceipt {
  readonly seq: number;
  readonly rev: number;
  /** The threshold, final. 90 kHz. */
  readonly pts: number;
  /** RFC 3339 with milliseconds. */
  readonly utc: string;
  /** How much later than asked it holds. */
  readonly late_by_ms: number;
}

/** Cues that stand under a name. */
export interface ArmedView {
  readonly name: string;
  /** Then firing again gives the same answer. */
  readonly fired: boolean;
  /** How many there are. */
  readonly cues: number;
  /** Their numbers, once they were fired. */
  readonly seqs: readonly number[];
}

/** How many lie past the bucket before and up to this one's bound; the last one has none. */
export interface Bucket {
  readonly up_to: number | null;
  readonly count: number;
}

/** What players say of themselves, each session once. */
export interface Reported {
  readonly painted: number;
  /** Of those, how many had the cue only after frames that should have shown it. */
  readonly late: number;
  readonly lateness_ms: readonly Bucket[];
  /** From the first frame that should have shown the cue to the one that did; 0 is as promised. */
  readonly frame_error: readonly Bucket[];
}

/** What became of a cue. */
export interface Delivery {
  readonly seq: number;
  readonly webrtc: {
    /** Connected when the cue was accepted; later ones are among `sent` too. */
    readonly sessions: number;
    readonly sent: number;
    readonly acknowledged: number;
    readonly reported_by_players: Reported;
  };
  readonly ll_hls: {
    /** Open side channels over SSE when the cue was accepted. */
    readonly sessions: number;
    readonly sent: number;
    /** Of media with the cue in it; behind a cache these are the cache's. */
    readonly media_fetches: number;
    readonly reported_by_players: Reported;
  };
}

/** A card in a state answer. */
export type StateCard = StateCardHead & ContentBody;

interface StateCardHead {
  readonly card_id: string;
  /** Number of the cue whose payload shows. */
  readonly seq: number;
  readonly rev: number;
  /** Threshold of the show that put it on screen. 90 kHz. */
  readonly since: number;
  /** First pts at which it is gone by itself; null stays until hidden. 90 kHz. */
  readonly until: number | null;
}

/** The cards at one pts. */
export interface State {
  readonly pts: number;
  /** Oldest show first. */
  readonly cards: readonly StateCard[];
}

/** Something the broadcaster should change. */
export interface Verdict {
  /** Stable: decide by this. */
  readonly code: string;
  /** What was found, with the numbers that were measured. */
  readonly found: string;
  /** What it costs viewers or the operator. */
  readonly cost: string;
  /** The setting to change. */
  readonly remedy: string;
  /** The three in one text. */
  readonly detail: string;
}

/** A stream's video track. */
export interface VideoView {
  readonly codec: string;
  /** RFC 6381. */
  readonly codecs: string;
  readonly profile: string;
  readonly width: number;
  readonly height: number;
  /** A second; null while unknown. */
  readonly frame_rate: number | null;
  /** Pictures are reordered, which WebRTC cannot show. */
  readonly b_frames: boolean;
  /** WebRTC viewers, or all, are sent another encoding of it; null where it goes to them as it is. */
  readonly repair: RepairView | null;
  /** Length of the last whole GOP; null before. */
  readonly gop_ms: number | null;
  readonly bitrate_bps: number;
  /** Taken in during this epoch. */
  readonly frames: number;
}

/** The encoding made for WebRTC viewers of a video that they cannot be sent as it is. */
export interface RepairView {
  /** What they cannot be sent: `b_frames`, `long_gop`, `interlaced`, `chroma`, `bit_depth` or `codec`. */
  readonly why: string;
  /** `idle` while nobody watches by WebRTC; `resting` and `off` while they have no picture. */
  readonly state: "off" | "idle" | "starting" | "running" | "resting";
  /** LL-HLS has it too, in place of the source. */
  readonly ll_hls: boolean;
}

/** A stream's audio track. */
export interface AudioView {
  readonly codec: string;
  readonly codecs: string;
  readonly sample_rate_hz: number;
  readonly channels: number;
  readonly bitrate_bps: number;
}

/** A stream as its broadcaster needs it; the server says more. */
export interface StreamView {
  readonly name: string;
  readonly state: "starting" | "live" | "interrupted";
  readonly video: VideoView | null;
  readonly audio: AudioView | null;
  /** What the publisher says it is. */
  readonly encoder: string | null;
  /** What holds now, newest last. */
  readonly verdicts: readonly Verdict[];
  /** `events` are side channels over SSE, a part of the HLS viewers as a rule. */
  readonly viewers: { readonly webrtc: number; readonly hls: number; readonly events: number };
}

/** What a client may be given besides its server. */
export interface ClientOptions {
  /** Asked before each request. */
  readonly token?: TokenSource;
  readonly fetcher?: typeof fetch;
}

export class Client {
  readonly #server: string;
  readonly #token: TokenSource;
  readonly #fetch: typeof fetch;

  /** `server` is an origin such as `https://live.example`; empty for the page's own. */
  constructor(server = "", { token, fetcher }: ClientOptions = {}) {
    this.#server = server.replace(/\/+$/, "");
    this.#token = token ?? (() => null);
    this.#fetch = fetcher ?? ((...args) => fetch(...args));
  }

  /**
   * Inserts a cue. A repeat with the same key within 24 h gives the same answer and inserts nothing,
   * so a caller that lost an answer may simply ask again.
   *
   * @throws {ApiError} when the server refuses it
   */
  async insertCue(
    stream: string,
    cue: CueRequest,
    idempotencyKey: string = randomKey(),
  ): Promise<CueReceipt> {
    const init = sending("POST", cue);
    const headers = { ...init.headers, "idempotency-key": idempotencyKey };
    return this.#json<CueReceipt>(`${this.#url(stream)}/cues`, { ...init, headers });
  }

  /**
   * Takes back a cue that has not happened yet. The receipt is of the cue that takes it back.
   *
   * @throws {ApiError} when the server refuses it; 409 when it is too late
   */
  async cancel(stream: string, seq: number): Promise<CueReceipt> {
    return this.#json<CueReceipt>(this.#cue(stream, seq), { method: "DELETE" });
  }

  /**
   * Moves a cue that has not happened yet. The receipt is of the one in its place.
   *
   * @throws {ApiError} when the server refuses it; 409 when it is too late
   */
  async move(stream: string, seq: number, at: At): Promise<CueReceipt> {
    return this.#json<CueReceipt>(this.#cue(stream, seq), sending("PATCH", { at }));
  }

  /**
   * What became of a cue: sent, acknowledged, painted. Of a stream's newest 256.
   *
   * @throws {ApiError} when the server refuses it; 410 when the cue is older
   */
  async delivery(stream: string, seq: number): Promise<Delivery> {
    return this.#json<Delivery>(`${this.#cue(stream, seq)}/delivery`);
  }

  /**
   * Prepares 1 to 8 cues under a name, in place of what stood there.
   *
   * @throws {ApiError} when the server refuses one of them
   */
  async arm(stream: string, name: string, cues: readonly CueBody[]): Promise<void> {
    await this.#send(this.#armed(stream, name), sending("PUT", { cues }));
  }

  /**
   * Inserts what is prepared under a name, all with one threshold. Firing again gives the same answer.
   *
   * @throws {ApiError} when the server refuses one of them, and then none is inserted
   */
  async fire(stream: string, name: string, at: At = "now"): Promise<readonly CueReceipt[]> {
    const url = `${this.#armed(stream, name)}/fire`;
    return (await this.#json<{ cues: readonly CueReceipt[] }>(url, sending("POST", { at }))).cues;
  }

  /**
   * Forgets what is prepared under a name.
   *
   * @throws {ApiError} when the server refuses it; 404 when nothing is
   */
  async disarm(stream: string, name: string): Promise<void> {
    await this.#send(this.#armed(stream, name), { method: "DELETE" });
  }

  /**
   * What is prepared, and what was fired of late, by name.
   *
   * @throws {ApiError} when the server refuses it
   */
  async armed(stream: string): Promise<readonly ArmedView[]> {
    const url = `${this.#url(stream)}/armed`;
    return (await this.#json<{ armed: readonly ArmedView[] }>(url)).armed;
  }

  /**
   * Reports what a player has painted; `session` is what the snapshot of its events says.
   *
   * @throws {ApiError} when the server refuses it
   */
  async painted(stream: string, session: string, report: string): Promise<void> {
    const url = `${this.#url(stream)}/events/${encodeURIComponent(session)}/painted`;
    const headers = { "content-type": "application/json" };
    await this.#send(url, { method: "POST", headers, body: report });
  }

  /**
   * The encoded cues after `seq`, in order, each as base64url text.
   *
   * @throws {ApiError} when the server refuses it
   */
  async cuesAfter(stream: string, seq: number): Promise<readonly string[]> {
    const url = `${this.#url(stream)}/cues?after=${String(seq)}`;
    const { cues } = await this.#json<{ cues: readonly unknown[] }>(url);
    return cues.filter((cue) => typeof cue === "string");
  }

  /**
   * What the server says of the stream.
   *
   * @throws {ApiError} when the server refuses it; 404 while nobody publishes
   */
  async stream(stream: string): Promise<StreamView> {
    return this.#json<StreamView>(this.#url(stream));
  }

  /**
   * The cards on screen at `pts`, or at the live edge without one.
   *
   * @throws {ApiError} when the server refuses it
   */
  async state(stream: string, pts?: number): Promise<State> {
    const query = pts === undefined ? "" : `?pts=${String(pts)}`;
    return this.#json<State>(`${this.#url(stream)}/state${query}`);
  }

  /**
   * Where a picture of what the stream shows is, for an `<img>`: a JPEG of at most 640 samples a side, with the token of the
   * moment in it. Who shows it again later asks for the address again.
   */
  thumbnailUrl(stream: string): string {
    return withToken(`${this.#url(stream)}/thumbnail.jpg`, this.#token());
  }

  /** Follows the stream's side channel over SSE: a snapshot first, then cues and heartbeats. */
  events(stream: string, handlers: EventHandlers): Subscription {
    return subscribe(() => withToken(`${this.#url(stream)}/events`, this.#token()), handlers);
  }

  #url(stream: string): string {
    return `${this.#server}/v1/streams/${encodeURIComponent(stream)}`;
  }

  #cue(stream: string, seq: number): string {
    return `${this.#url(stream)}/cues/${String(seq)}`;
  }

  #armed(stream: string, name: string): string {
    return `${this.#url(stream)}/armed/${encodeURIComponent(name)}`;
  }

  async #json<T>(url: string, init?: Init): Promise<T> {
    return (await (await this.#send(url, init)).json()) as T;
  }

  async #send(url: string, init: Init = {}): Promise<Response> {
    const headers = { ...init.headers, ...bearer(this.#token()) };
    const response = await this.#fetch(url, { ...init, headers });
    if (!response.ok) throw await errorFrom(response);
    return response;
  }
}

interface Init extends RequestInit {
  headers?: Record<string, string>;
}

function sending(method: string, body: unknown): Init {
  const headers = { "content-type": "application/json" };
  return { method, headers, body: JSON.stringify(body) };
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that were not served over TLS or loopback. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
