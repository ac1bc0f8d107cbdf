/**
 * One WHEP session (draft-ietf-wish-whep-04): from the offer to the DELETE.
 */

import { bearer, errorFrom, type TokenSource } from "@shopcast/api";

import { keepInSync } from "./lip-sync.ts";

/** Who is told what becomes of the session. */
export interface SessionHandlers {
  onTrack(track: MediaStreamTrack): void;
  onMessage(text: string): void;
  onConnected(): void;
  /** It is over, by the network or by the server. Told once, and not after `close`. */
  onLost(): void;
}

export class WhepSession {
  readonly #handlers: SessionHandlers;
  readonly #token: TokenSource;
  readonly #pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  #location: string | null = null;
  #closed = false;
  #hasChannel = false;
  #stopSync: (() => void) | undefined;
  #disconnected: ReturnType<typeof setTimeout> | undefined;

  constructor(handlers: SessionHandlers, token: TokenSource) {
    this.#handlers = handlers;
    this.#token = token;
  }

  /** The cue channel has opened. */
  get hasChannel(): boolean {
    return this.#hasChannel;
  }

  /**
   * Asks `endpoint` for the stream.
   *
   * @throws {ApiError} when the server refuses
   */
  async open(endpoint: string): Promise<void> {
    this.#listen();
    const offer = await this.#offer();
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { ...bearer(this.#token()), "content-type": "application/sdp" },
      body: offer,
    });
    // WHEP §4.3: "201 Created … Location", relative to the address that was redirected to at last.
    if (response.status !== 201) throw await errorFrom(response);
    const location = response.headers.get("location");
    this.#location = location === null ? null : new URL(location, response.url).href;
    const answer = await response.text();
    if (this.#closed) return this.#delete();
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer });
  }

  /** Ends it here and on the server, also while a page is being left. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#disconnected);
    this.#stopSync?.();
    this.#pc.close();
    this.#delete();
  }

  /** The RTP timestamp that playout has reached, frame callback or not. */
  rtpTimestamp(): number | null {
    const receiver = this.#pc.getReceivers().find(({ track }) => track.kind === "video");
    return receiver?.getSynchronizationSources()[0]?.rtpTimestamp ?? null;
  }

  #listen(): void {
    const pc = this.#pc;
    pc.ontrack = ({ track }) => {
      if (!this.#closed) this.#handlers.onTrack(track);
    };
    pc.onconnectionstatechange = () => {
      this.#onConnectionState();
    };
    // Agreed upon without the in-band handshake, so that the first message can be under way at once.
    const channel = pc.createDataChannel("cues", { negotiated: true, id: 0, ordered: true });
    channel.onopen = () => {
      this.#hasChannel = true;
    };
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!this.#closed && typeof data === "string") this.#handlers.onMessage(data);
    };
    // A server that ends a session closes DTLS, and the channel is the first to tell.
    channel.onclose = () => {
      this.#lost();
    };
  }

  async #offer(): Promise<string> {
    const pc = this.#pc;
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    const offer = await pc.createOffer();
    const sdp = withStereo(offer.sdp ?? "");
    await pc.setLocalDescription({ type: "offer", sdp });
    // Not waiting for candidates: the server answers with its own, and learns ours from our checks.
    return sdp;
  }

  #onConnectionState(): void {
    clearTimeout(this.#disconnected);
    switch (this.#pc.connectionState) {
      case "connected":
        this.#stopSync ??= keepInSync(this.#pc);
        this.#handlers.onConnected();
        return;
      case "disconnected":
        this.#disconnected = setTimeout(() => {
          this.#lost();
        }, DISCONNECTED_MS_MAX);
        return;
      case "failed":
      case "closed":
        this.#lost();
    }
  }

  #lost(): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.onLost();
  }

  #delete(): void {
    if (this.#location === null) return;
    const location = this.#location;
    this.#location = null;
    // `keepalive` lets it out even as the page goes. Without it the server frees the session by itself.
    const headers = bearer(this.#token());
    fetch(location, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
  }
}

/**
 * Asks for stereo, which a receiver must say of itself (RFC 7587 §6.1: `stereo` "defaults to 0 (mono)");
 * browsers never do.
 */
export function withStereo(sdp: string): string {
  const payloadType = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(sdp)?.[1];
  if (payloadType === undefined) return sdp;
  const fmtp = new RegExp(`^(a=fmtp:${payloadType} )(?!.*\\bstereo=)`, "m");
  return sdp.replace(fmtp, "$1stereo=1;");
}

/** ICE often comes back by itself from a short break. */
const DISCONNECTED_MS_MAX = 4000;
