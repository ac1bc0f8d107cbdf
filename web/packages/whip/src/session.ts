/**
 * One WHIP session (RFC 9725): from the offer to the DELETE.
 */

import { errorFrom } from "@shopcast/api";

import { preferH264 } from "./codecs.ts";
import { AUDIO_LIMITS, limitVideo, videoLimits } from "./encoding.ts";
import { parseIceServers } from "./ice-servers.ts";
import type { Platform } from "./platform.ts";
import { answerForBrowser, offerForServer } from "./sdp.ts";

/** What is sent; null sends nothing of the kind until a track replaces it. */
export interface Media {
  readonly video: MediaStreamTrack | null;
  readonly audio: MediaStreamTrack | null;
}

export type Kind = keyof Media;

/** Where to, and by what right. */
export interface Target {
  /** The stream's WHIP address. */
  readonly endpoint: string;
  /** RFC 9725 §4.7, of every request; null sends none. */
  readonly token: string | null;
}

/** Who is told what becomes of the session. */
export interface SessionHandlers {
  onConnected(): void;
  /** It is over, by the network or by the server. Told once, and not after `close`. */
  onLost(): void;
}

export class WhipSession {
  readonly #platform: Platform;
  readonly #target: Target;
  readonly #handlers: SessionHandlers;
  readonly #pc: RTCPeerConnection;
  #senders: { readonly video: RTCRtpSender; readonly audio: RTCRtpSender } | null = null;
  #location: string | null = null;
  #closed = false;
  #deadline: Timer;
  #disconnected: Timer;

  constructor(platform: Platform, target: Target, handlers: SessionHandlers) {
    this.#platform = platform;
    this.#target = target;
    this.#handlers = handlers;
    this.#pc = platform.newPeer({ bundlePolicy: "max-bundle" });
  }

  /**
   * Offers `media` to the server.
   *
   * @throws {ApiError} when the server refuses
   */
  async open(media: Media): Promise<void> {
    const pc = this.#pc;
    pc.onconnectionstatechange = () => {
      this.#onConnectionState();
    };
    const senders = this.#addTransceivers(media);
    this.#senders = senders;
    const offer = await pc.createOffer();
    const { answer, iceServers } = await this.#post(offerForServer(offer.sdp ?? ""));
    if (this.#closed) return this.#delete();
    this.#expectConnection();
    // Only now, so that the first gathering already knows the servers (RFC 9429 §4.1.18). Candidates are
    // not sent at all: the server learns ours from our checks.
    useIceServers(pc, iceServers);
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: "answer", sdp: answerForBrowser(answer) });
    this.#watchTransport(senders.video);
    await limitVideo(senders.video);
  }

  /** Ends it here and on the server, also while a page is being left. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#disconnected);
    this.#pc.close();
    this.#delete();
  }

  /** Sends `track` instead from the next frame on, without a new offer. */
  async replaceTrack(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    const sender = this.#senders?.[kind];
    if (sender === undefined || this.#closed) return;
    await sender.replaceTrack(track);
    if (kind === "video") await limitVideo(sender);
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  /** RFC 9725 §4.4.2: one MediaStream, at most one track of each kind. */
  #addTransceivers({ video, audio }: Media): { video: RTCRtpSender; audio: RTCRtpSender } {
    const streams = [this.#platform.newStream()];
    const sound = this.#pc.addTransceiver(audio ?? "audio", {
      direction: "sendonly",
      streams,
      sendEncodings: [AUDIO_LIMITS],
    });
    const picture = this.#pc.addTransceiver(video ?? "video", {
      direction: "sendonly",
      streams,
      sendEncodings: [videoLimits(video)],
    });
    try {
      picture.setCodecPreferences(preferH264(this.#platform.videoCodecs()));
    } catch {
      // The order is then the browser's own, and the server picks H.264 out of it.
    }
    return { video: picture.sender, audio: sound.sender };
  }

  async #post(offer: string): Promise<{ answer: string; iceServers: RTCIceServer[] }> {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      abort.abort();
    }, REQUEST_MS_MAX);
    try {
      const response = await this.#platform.fetch(this.#target.endpoint, {
        method: "POST",
        headers: { ...this.#authorization(), "content-type": "application/sdp" },
        body: offer,
        signal: abort.signal,
      });
      // §4.2: "the response MUST contain a 201 Created status code".
      if (response.status !== 201) throw await errorFrom(response);
      const location = response.headers.get("location");
      // §4.5: relative to the address that was redirected to at last.
      if (location !== null) {
        this.#location = new URL(location, response.url || this.#target.endpoint).href;
      }
      const iceServers = parseIceServers(response.headers.get("link"));
      return { answer: await response.text(), iceServers };
    } finally {
      clearTimeout(timer);
    }
  }

  #authorization(): Record<string, string> {
    const { token } = this.#target;
    return token === null ? {} : { authorization: `Bearer ${token}` };
  }

  #expectConnection(): void {
    this.#deadline = setTimeout(() => {
      this.#lost();
    }, CONNECT_MS_MAX);
  }

  /** A server that ends a session closes DTLS, of which the connection's own state does not speak. */
  #watchTransport({ transport }: RTCRtpSender): void {
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed" || transport.state === "failed") this.#lost();
    });
  }

  #onConnectionState(): void {
    clearTimeout(this.#disconnected);
    switch (this.#pc.connectionState) {
      case "connected":
        clearTimeout(this.#deadline);
        if (!this.#closed) this.#handlers.onConnected();
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
    const headers = this.#authorization();
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

type Timer = ReturnType<typeof setTimeout> | undefined;

/** An answer takes two round trips and no media. */
const REQUEST_MS_MAX = 10_000;
/** ICE and DTLS over a slow phone network take about three seconds. */
const CONNECT_MS_MAX = 15_000;
/** ICE often comes back by itself from a short break. */
const DISCONNECTED_MS_MAX = 4000;
