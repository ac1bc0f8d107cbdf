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
export type CueRequest = CueHead &
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
  readonly at: At;
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
  /** What was found, what it costs, and the setting to change. */
  readonly detail: string;
}

/** A stream as its broadcaster needs it; the server says more. */
export interface StreamView {
  readonly name: string;
  readonly state: "starting" | "live" | "interrupted";
  /** Newest last. */
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
    return this.#json<CueReceipt>(`${this.#url(stream)}/cues`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": idempotencyKey },
      body: JSON.stringify(cue),
    });
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

  /** Follows the stream's side channel over SSE: a snapshot first, then cues and heartbeats. */
  events(stream: string, handlers: EventHandlers): Subscription {
    return subscribe(() => withToken(`${this.#url(stream)}/events`, this.#token()), handlers);
  }

  #url(stream: string): string {
    return `${this.#server}/v1/streams/${encodeURIComponent(stream)}`;
  }

  async #json<T>(url: string, init: RequestInit & { headers?: Record<string, string> } = {}) {
    const headers = { ...init.headers, ...bearer(this.#token()) };
    const response = await this.#fetch(url, { ...init, headers });
    if (!response.ok) throw await errorFrom(response);
    return (await response.json()) as T;
  }
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that were not served over TLS or loopback. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
