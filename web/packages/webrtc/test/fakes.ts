/**
 * A browser and a server that do what a test says, at the time it says.
 */

import type { Platform } from "../src/index.ts";

/** One request, as the server saw it; a test answers it. */
export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly keepalive: boolean;
}

export type Answer = (request: Request) => Response | Error | Promise<Response>;

export const OFFER = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "m=video 9 UDP/TLS/RTP/SAVPF 102",
  "a=extmap:3 urn:3gpp:video-orientation",
  "a=rtpmap:102 H264/90000",
  "",
].join("\r\n");

/** RFC 9725 §4.2: the answer and where the session is. */
export const created =
  (headers: Record<string, string> = {}): Answer =>
  () =>
    new Response("v=0\r\nanswer\r\n", {
      status: 201,
      headers: { location: "/whip/show/session-1", ...headers },
    });

export const problem =
  (status: number, detail: string, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(JSON.stringify({ type: "/problems/x", title: "Title", status, detail }), {
      status,
      headers,
    });

export class FakeSender {
  readonly transport = Object.assign(new EventTarget(), { state: "connected" });
  readonly limits: RTCRtpSendParameters[] = [];
  track: MediaStreamTrack | null;

  constructor(track: MediaStreamTrack | string) {
    this.track = typeof track === "string" ? null : track;
  }

  getParameters(): RTCRtpSendParameters {
    return { transactionId: "1", encodings: [{}], codecs: [], headerExtensions: [], rtcp: {} };
  }

  setParameters(parameters: RTCRtpSendParameters): Promise<void> {
    this.limits.push(parameters);
    return Promise.resolve();
  }

  replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    this.track = track;
    return Promise.resolve();
  }
}

export class FakePeer {
  /** In order, with the request that was made for it. */
  readonly calls: string[] = [];
  readonly audio: FakeSender[] = [];
  readonly video: FakeSender[] = [];
  readonly channels: FakeChannel[] = [];
  readonly configuration: RTCConfiguration[] = [];
  local = "";
  remote = "";
  preferred: readonly RTCRtpCodec[] = [];
  connectionState = "new";
  /** Of the data channels; null where the answer has no place for one. */
  sctp: object | null = {};
  /** As a browser that reads pictures has it. */
  readonly receivers: { transform: object | null }[] = [];
  onconnectionstatechange: (() => void) | null = null;

  addTransceiver(track: MediaStreamTrack | string, init: RTCRtpTransceiverInit): unknown {
    const kind = typeof track === "string" ? track : track.kind;
    const sender = new FakeSender(track);
    (kind === "audio" ? this.audio : this.video).push(sender);
    this.calls.push(`${String(init.direction)} ${kind}`);
    const setCodecPreferences = (codecs: readonly RTCRtpCodec[]): void => {
      this.preferred = codecs;
    };
    const receiver = { transform: null };
    this.receivers.push(receiver);
    return { sender, receiver, setCodecPreferences };
  }

  createDataChannel(): FakeChannel {
    const channel = new FakeChannel();
    this.channels.push(channel);
    return channel;
  }

  /** The RTP timestamp that playout has reached; null while no pictures come. */
  playout: number | null = null;

  getReceivers(): RTCRtpReceiver[] {
    if (this.playout === null) return [];
    this.playout += 3000;
    const { playout } = this;
    const video = {
      track: { kind: "video" },
      getSynchronizationSources: () => [{ rtpTimestamp: playout }],
    };
    return [video as unknown as RTCRtpReceiver];
  }

  createOffer(): Promise<RTCSessionDescriptionInit> {
    return Promise.resolve({ type: "offer", sdp: OFFER });
  }

  setLocalDescription({ sdp = "" }: RTCSessionDescriptionInit): Promise<void> {
    this.calls.push(sdp === OFFER ? "local" : "local, changed");
    this.local = sdp;
    return Promise.resolve();
  }

  setRemoteDescription({ sdp = "" }: RTCSessionDescriptionInit): Promise<void> {
    this.calls.push("remote");
    this.remote = sdp;
    return Promise.resolve();
  }

  getConfiguration(): RTCConfiguration {
    return {};
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.calls.push("configured");
    this.configuration.push(configuration);
  }

  getStats(): Promise<RTCStatsReport> {
    return Promise.resolve(new Map() as unknown as RTCStatsReport);
  }

  close(): void {
    this.connectionState = "closed";
  }

  /** The network says so. */
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

export class FakeChannel {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
}

/** A browser whose requests a test answers, each by the next answer, and at last always by the last one. */
export class FakeBrowser implements Platform {
  readonly peers: FakePeer[] = [];
  readonly requests: Request[] = [];
  codecs: RTCRtpCodec[] = [h264("42e01f")];
  #answers: readonly Answer[];

  constructor(...answers: readonly Answer[]) {
    this.#answers = answers;
  }

  /** From now on. */
  answer(...answers: readonly Answer[]): void {
    this.#answers = answers;
  }

  get peer(): FakePeer {
    return this.peers.at(-1) as FakePeer;
  }

  posts(): readonly Request[] {
    return this.requests.filter(({ method }) => method === "POST");
  }

  deletes(): readonly Request[] {
    return this.requests.filter(({ method }) => method === "DELETE");
  }

  readonly fetch = ((url: string, init: RequestInit): Promise<Response> => {
    const request: Request = {
      method: init.method ?? "GET",
      url,
      headers: init.headers as Record<string, string>,
      body: typeof init.body === "string" ? init.body : "",
      keepalive: init.keepalive === true,
    };
    this.requests.push(request);
    if (request.method === "DELETE") return Promise.resolve(new Response());
    this.peer.calls.push("posted");
    const [next = created(), ...rest] = this.#answers;
    if (rest.length > 0) this.#answers = rest;
    const answer = Promise.resolve(next(request)).then((given) => {
      if (given instanceof Error) throw given;
      return given;
    });
    const aborted = new Promise<never>((_, reject) => {
      init.signal?.addEventListener("abort", () => {
        reject(new Error("aborted"));
      });
    });
    return Promise.race([answer, aborted]);
  }) as typeof fetch;

  newPeer(): RTCPeerConnection {
    const peer = new FakePeer();
    this.peers.push(peer);
    return peer as unknown as RTCPeerConnection;
  }

  newStream(): MediaStream {
    return {} as MediaStream;
  }

  videoCodecs(): readonly RTCRtpCodec[] {
    return this.codecs;
  }
}

export function track(kind: "audio" | "video", width = 1280, height = 720): MediaStreamTrack {
  return { kind, getSettings: () => ({ width, height }) } as unknown as MediaStreamTrack;
}

export function h264(profileLevelId: string, mode = 1): RTCRtpCodec {
  return {
    mimeType: "video/H264",
    clockRate: 90_000,
    sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${String(mode)};profile-level-id=${profileLevelId}`,
  };
}

/** Lets everything that waits for no timer happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
