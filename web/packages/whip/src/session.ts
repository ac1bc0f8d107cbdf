/**
 * One WHIP session (RFC 9725): what is sent, and how.
 */

import { HttpSession, type Handlers } from "@shopcast/webrtc";

import { preferH264 } from "./codecs.ts";
import { AUDIO_LIMITS, limitVideo, videoLimits } from "./encoding.ts";
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

export class WhipSession {
  readonly #platform: Platform;
  readonly #http: HttpSession;
  #senders: { readonly video: RTCRtpSender; readonly audio: RTCRtpSender } | null = null;

  constructor(platform: Platform, { endpoint, token }: Target, handlers: Handlers) {
    this.#platform = platform;
    this.#http = new HttpSession(platform, { endpoint, token: () => token }, handlers);
  }

  /**
   * Offers `media` to the server.
   *
   * @throws {ApiError} when the server refuses
   */
  async open(media: Media): Promise<void> {
    const senders = this.#addTransceivers(media);
    this.#senders = senders;
    await this.#http.open({ sent: offerForServer, remote: answerForBrowser });
    if (this.#http.isClosed) return;
    this.#watchTransport(senders.video);
    await limitVideo(senders.video);
  }

  /** Ends it here and on the server, also while a page is being left. */
  close(): void {
    this.#http.close();
  }

  /** Sends `track` instead from the next frame on, without a new offer. */
  async replaceTrack(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    const sender = this.#senders?.[kind];
    if (sender === undefined || this.#http.isClosed) return;
    await sender.replaceTrack(track);
    if (kind === "video") await limitVideo(sender);
  }

  stats(): Promise<RTCStatsReport> {
    return this.#http.peer.getStats();
  }

  /** RFC 9725 §4.4.2: one MediaStream, at most one track of each kind. */
  #addTransceivers({ video, audio }: Media): { video: RTCRtpSender; audio: RTCRtpSender } {
    const { peer } = this.#http;
    const streams = [this.#platform.newStream()];
    const sound = peer.addTransceiver(audio ?? "audio", {
      direction: "sendonly",
      streams,
      sendEncodings: [AUDIO_LIMITS],
    });
    const picture = peer.addTransceiver(video ?? "video", {
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

  /** A server that ends a session closes DTLS, of which the connection's own state does not speak. */
  #watchTransport({ transport }: RTCRtpSender): void {
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed" || transport.state === "failed") this.#http.lose();
    });
  }
}
