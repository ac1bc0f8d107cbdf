/**
 * A WebRTC session that one HTTP request makes and another ends, as WHIP (RFC 9725) and WHEP
 * (draft-ietf-wish-whep-04) have it: offer, answer, connection, DELETE.
 */

import { bearer, errorFrom, type TokenSource } from "@shopcast/api";

import { parseIceServers } from "./ice-servers.ts";
import type { Platform } from "./platform.ts";

/** Where to, and by what right. */
export interface Target {
  /** The stream's WHIP or WHEP address. */
  readonly endpoint: string;
  /** RFC 9725 §4.7, asked before each request. */
  readonly token: TokenSource;
}

/** What is changed in the descriptions on their way; what is not named stays as it is. */
export interface Edits {
  /** The browser's offer, as the server is to read it. */
  readonly sent?: (offer: string) => string;
  /** The browser's offer, as the browser itself takes it. */
  readonly local?: (offer: string) => string;
  /** The server's answer, as the browser is to read it. */
  readonly remote?: (answer: string) => string;
}

/** Who is told what becomes of the session. */
export interface Handlers {
  onConnected(): void;
  /** It is over, by the network or by the server. Told once, and not after `close`. */
  onLost(): void;
}

export class HttpSession {
  /** Whoever opens the session gives it tracks first, and listens to what comes. */
  readonly peer: RTCPeerConnection;
  readonly #platform: Platform;
  readonly #target: Target;
  readonly #handlers: Handlers;
  #location: string | null = null;
  #closed = false;
  #deadline: Timer;
  #disconnected: Timer;

  constructor(platform: Platform, target: Target, handlers: Handlers) {
    this.#platform = platform;
    this.#target = target;
    this.#handlers = handlers;
    this.peer = platform.newPeer({ bundlePolicy: "max-bundle" });
    this.peer.onconnectionstatechange = () => {
      this.#onConnectionState();
    };
  }

  /** Closed here, or lost. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Offers what `peer` was given to the server.
   *
   * @throws {ApiError} when the server refuses
   */
  async open({ sent = same, local = same, remote = same }: Edits = {}): Promise<void> {
    const pc = this.peer;
    const { sdp: offer = "" } = await pc.createOffer();
    const { answer, iceServers } = await this.#post(sent(offer));
    if (this.#closed) return this.#delete();
    this.#expectConnection();
    // Only now, so that the first gathering already knows the servers (RFC 9429 §4.1.18). Candidates are
    // not sent at all: the server learns ours from our checks.
    useIceServers(pc, iceServers);
    await pc.setLocalDescription({ type: "offer", sdp: local(offer) });
    await pc.setRemoteDescription({ type: "answer", sdp: remote(answer) });
  }

  /** Ends it here and on the server, also while a page is being left. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#disconnected);
    this.peer.close();
    this.#delete();
  }

  /** Ends it as lost: for signs of an end that the connection's own state does not give. */
  lose(): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.onLost();
  }

  async #post(offer: string): Promise<{ answer: string; iceServers: RTCIceServer[] }> {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      abort.abort();
    }, REQUEST_MS_MAX);
    const { endpoint, token } = this.#target;
    try {
      const response = await this.#platform.fetch(endpoint, {
        method: "POST",
        headers: { ...bearer(token()), "content-type": "application/sdp" },
        body: offer,
        signal: abort.signal,
      });
      // RFC 9725 §4.2: "the response MUST contain a 201 Created status code".
      if (response.status !== 201) throw await errorFrom(response);
      const location = response.headers.get("location");
      // §4.5: relative to the address that was redirected to at last.
      if (location !== null) this.#location = new URL(location, response.url || endpoint).href;
      const iceServers = parseIceServers(response.headers.get("link"));
      return { answer: await response.text(), iceServers };
    } finally {
      clearTimeout(timer);
    }
  }

  #expectConnection(): void {
    this.#deadline = setTimeout(() => {
      this.lose();
    }, CONNECT_MS_MAX);
  }

  #onConnectionState(): void {
    clearTimeout(this.#disconnected);
    switch (this.peer.connectionState) {
      case "connected":
        clearTimeout(this.#deadline);
        if (!this.#closed) this.#handlers.onConnected();
        return;
      case "disconnected":
        this.#disconnected = setTimeout(() => {
          this.lose();
        }, DISCONNECTED_MS_MAX);
        return;
      case "failed":
      case "closed":
        this.lose();
    }
  }

  #delete(): void {
    if (this.#location === null) return;
    const location = this.#location;
    this.#location = null;
    const headers = bearer(this.#target.token());
    // `keepalive` lets it out even as the page goes. Without it the server frees the session by itself.
    this.#platform
      .fetch(location, { method: "DELETE", headers, keepalive: true })
      .catch(() => undefined);
  }
}

function useIceServers(pc: RTCPeerConnection, iceServers: RTCIceServer[]): void {
  if (iceServers.length === 0) return;
  try {
    pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
  } catch {
    // An address that the browser cannot read; the server may be reached without help.
  }
}

const same = (sdp: string): string => sdp;

type Timer = ReturnType<typeof setTimeout> | undefined;

/** An answer takes two round trips and no media. */
const REQUEST_MS_MAX = 10_000;
/** ICE and DTLS over a slow phone network take about three seconds. */
const CONNECT_MS_MAX = 15_000;
/** ICE often comes back by itself from a short break. */
const DISCONNECTED_MS_MAX = 4000;
