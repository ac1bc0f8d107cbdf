/**
 * One WHEP session (draft-ietf-wish-whep-04): what comes, and how.
 */

import { HttpSession, type Handlers, type Platform, type Target } from "@shopcast/webrtc";

import { keepInSync } from "./lip-sync.ts";

/** Who is told what comes, and what becomes of the session. */
export interface SessionHandlers extends Handlers {
  /** Before pictures come, in the task in which their receiver was made. */
  onReceiver(receiver: RTCRtpReceiver): void;
  onTrack(track: MediaStreamTrack): void;
  onMessage(text: string): void;
}

export class WhepSession {
  readonly #handlers: SessionHandlers;
  readonly #http: HttpSession;
  #hasChannel = false;
  #channel: RTCDataChannel | undefined;
  #stopSync: (() => void) | undefined;

  /** `target.endpoint` is the stream's WHEP address. */
  constructor(platform: Platform, target: Target, handlers: SessionHandlers) {
    this.#handlers = handlers;
    this.#http = new HttpSession(platform, target, {
      onConnected: () => {
        this.#stopSync ??= keepInSync(this.#http.peer);
        handlers.onConnected();
      },
      onLost: () => {
        this.#stopSync?.();
        handlers.onLost();
      },
    });
  }

  /** The cue channel has opened. */
  get hasChannel(): boolean {
    return this.#hasChannel;
  }

  /** The answer has no place for one. */
  get refusesChannel(): boolean {
    return this.#http.peer.sctp === null;
  }

  /** Says something to the server; false while the cue channel is not open. */
  say(text: string): boolean {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(text);
    return true;
  }

  /**
   * Asks for the stream.
   *
   * @throws {ApiError} when the server refuses
   */
  async open(): Promise<void> {
    this.#listen();
    const { peer } = this.#http;
    this.#handlers.onReceiver(peer.addTransceiver("video", { direction: "recvonly" }).receiver);
    peer.addTransceiver("audio", { direction: "recvonly" });
    // The browser itself is told too: what it says of itself is how it decodes.
    await this.#http.open({ sent: withStereo, local: withStereo });
  }

  /** Ends it here and on the server, also while a page is being left. */
  close(): void {
    this.#stopSync?.();
    this.#http.close();
  }

  /** The RTP timestamp that playout has reached, frame callback or not. */
  rtpTimestamp(): number | null {
    const receivers = this.#http.peer.getReceivers();
    const receiver = receivers.find(({ track }) => track.kind === "video");
    return receiver?.getSynchronizationSources()[0]?.rtpTimestamp ?? null;
  }

  #listen(): void {
    const { peer } = this.#http;
    peer.ontrack = ({ track }) => {
      if (!this.#http.isClosed) this.#handlers.onTrack(track);
    };
    // Agreed upon without the in-band handshake, so that the first message can be under way at once.
    const channel = peer.createDataChannel("cues", { negotiated: true, id: 0, ordered: true });
    this.#channel = channel;
    channel.onopen = () => {
      this.#hasChannel = true;
    };
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!this.#http.isClosed && typeof data === "string") this.#handlers.onMessage(data);
    };
    // A text that is lost comes again by the first a second later; by this one within the lead of its cues.
    // One that is not acknowledged within a round trip is given up: SCTP would wait for it with all that follows.
    const repeats = peer.createDataChannel("repeats", { ordered: false, maxPacketLifeTime: 150 });
    repeats.onmessage = channel.onmessage;
    // A server that ends a session closes DTLS, and the channel is the first to tell.
    channel.onclose = () => {
      this.#http.lose();
    };
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
