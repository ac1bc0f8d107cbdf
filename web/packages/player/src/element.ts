/**
 * `<shopcast-player stream="demo" protocol="whep" server="" token="">`: a live show with its product cards.
 *
 * The player rule: cards are a function of the pts of the frame being presented. They are set inside that
 * frame's `requestVideoFrameCallback`, before anything of it is painted; no wall clock, `timeupdate` or
 * `cuechange` decides anything. What is on screen in the callback of frame f is `state(pts(f))`.
 */

import { parseToken } from "@shopcast/api";
import type { ActiveCard, StreamState } from "@shopcast/cues";

import { CardStage } from "./card-stage.ts";
import { Controls } from "./controls.ts";
import type { ShopcastEventMap, StateDetail } from "./events.ts";
import { HlsSource } from "./hls-source.ts";
import { NoticeView } from "./notice-view.ts";
import { NOTICES, type Notice, type Status } from "./notice.ts";
import { Presentation } from "./presentation.ts";
import { SideChannel } from "./side-channel.ts";
import type { Source, SourceHost } from "./source.ts";
import { playerStyles } from "./styles.ts";
import { WhepSource } from "./whep-source.ts";

/** How pictures come. */
export type Protocol = "whep" | "hls";

export class ShopcastPlayer extends HTMLElement {
  static readonly observedAttributes = ["stream", "protocol", "server", "token"];

  /** The media element; muted at first, so that it may start by itself. */
  readonly video = document.createElement("video");
  readonly #stage = new CardStage();
  readonly #noticeView = new NoticeView();
  readonly #badge = document.createElement("div");
  readonly #controls: Controls;
  #notice: Notice = { status: "idle", title: "", detail: null };
  #noticeAt = 0;
  #token: string | null = null;
  #run: Run | null = null;
  #restarting = false;

  constructor() {
    super();
    const { video } = this;
    video.muted = true;
    video.autoplay = true;
    video.playsInline = true;
    video.disablePictureInPicture = true; // It would leave the cards behind.
    this.#badge.className = "badge";
    this.#badge.textContent = "LIVE";
    this.#badge.hidden = true;
    this.#controls = new Controls(video, this, () => this.#run?.source.catchUp());
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [playerStyles()];
    const layers = [this.#stage, this.#noticeView].map((layer) => layer.element);
    root.append(video, ...layers, this.#badge, this.#controls.element);
  }

  connectedCallback(): void {
    // Set before the element's script had come, it lies in front of the accessor.
    if (Object.hasOwn(this, "token")) {
      const { token } = this;
      delete (this as { token?: unknown }).token;
      this.token = token;
    }
    this.#restart();
  }

  disconnectedCallback(): void {
    this.#restart();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (name === "token") this.token = after;
    else if (before !== after) this.#restart();
  }

  /** The stream's name. */
  get stream(): string {
    return this.getAttribute("stream") ?? "";
  }

  /** "whep" unless the attribute says "hls". */
  get protocol(): Protocol {
    return this.getAttribute("protocol") === "hls" ? "hls" : "whep";
  }

  /** The server's origin; the page's own without the attribute. */
  get server(): string {
    return new URL(this.getAttribute("server") ?? "", location.origin).origin;
  }

  /**
   * What this viewer may; null without a token. One that is set anew is used from the next request on. It is not
   * written back to the attribute.
   */
  get token(): string | null {
    return this.#token;
  }

  set token(token: string | null) {
    const before = this.#token;
    this.#token = parseToken(token);
    // Who was turned away is let in; who watches is not disturbed; of who is just asking, `giveUp` decides.
    if (this.#token !== before && this.status === "refused") this.#restart();
  }

  get status(): Status {
    return this.#notice.status;
  }

  /** From the origin taking in the frame on screen until it was presented; null while unknown. */
  get latencyMs(): number | null {
    return this.#run?.presentation.latencyMs ?? null;
  }

  /** Where the frame on screen is on the stream's timeline, 90 kHz; null while unknown. */
  get pts(): number | null {
    return this.#run?.presentation.pts ?? null;
  }

  /** Frames presented since the start, by this element's own count of callbacks. */
  get framesPresented(): number {
    return this.#run?.presentation.frames ?? 0;
  }

  /** Cues that came too late for their frame since the start. */
  get cuesLate(): number {
    return this.#run?.presentation.lateCount ?? 0;
  }

  /**
   * Begins anew with what the attributes say by the end of this task: a page sets them one by one, an
   * upgrade reports them all before the element is connected, a move disconnects and connects again.
   */
  #restart(): void {
    if (this.#restarting) return;
    this.#restarting = true;
    queueMicrotask(() => {
      this.#restarting = false;
      this.#stop();
      if (this.isConnected && this.stream !== "") this.#start();
    });
  }

  #start(): void {
    const { stream, server, protocol, video } = this;
    const token = (): string | null => this.#token;
    const channel = new SideChannel(stream, server, token, (added) => {
      run.presentation.cuesAdded(added);
      if (added.length > 0) this.#tell("shopcast:cues", { cues: added });
    });
    const host: SourceHost = {
      video,
      feed: channel.feed,
      token,
      newestPts: () => run.presentation.newestPts(),
      notify: (notice) => {
        if (this.#run === run) this.#setNotice(notice);
      },
      giveUp: (notice, refused) => {
        channel.close();
        if (this.#run !== run) return;
        // Renewed while the request with the old one was under way: nobody has refused this one yet.
        if (refused !== this.#token) this.#restart();
        else this.#setNotice(notice);
      },
      onMessage: (text) => {
        channel.message(text);
      },
      onTag: (tag) => {
        channel.tag(tag);
      },
      onRange: (range) => {
        channel.range(range);
      },
      onPicture: (messages, rtpTimestamp) => {
        channel.picture(messages, rtpTimestamp);
      },
      needsEvents: () => {
        channel.openEvents();
      },
      silentMs: () => channel.silentMs(),
    };
    const name = encodeURIComponent(stream);
    const source =
      protocol === "hls"
        ? new HlsSource(host, `${server}/hls/${name}/index.m3u8`)
        : new WhepSource(host, `${server}/whep/${name}`);
    const presentation = new Presentation(video, source, channel, {
      onState: (detail, cards) => {
        this.#present(detail, cards);
      },
      onUnseen: (detail, cards) => {
        this.#stage.render(cards, this.server, detail.pts);
        this.#tell("shopcast:state", detail);
      },
      onLate: (late) => {
        this.#tell("shopcast:late", late);
      },
      onStalled: () => {
        this.#onStalled(channel.feed.state);
      },
    });
    const run: Run = { source, channel, presentation };
    this.#run = run;
    this.#setNotice(NOTICES.connecting);
    presentation.start();
    source.start();
  }

  #stop(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    run.presentation.stop();
    run.source.stop();
    run.channel.close();
    this.#stage.render([], this.server, null);
    this.#setNotice({ status: "idle", title: "", detail: null });
  }

  /** `detail` is null when no frame was presented: cards follow, but nobody is told. */
  #present(detail: StateDetail | null, cards: readonly ActiveCard[]): void {
    this.#stage.render(cards, this.server, this.pts);
    if (detail === null) return;
    // Frames that were decoded before a connection was lost still come for a moment after.
    const isLeftover =
      this.#notice.status === "interrupted" && performance.now() - this.#noticeAt < LEFTOVER_MS;
    if (this.#notice.status !== "playing" && !isLeftover) this.#setNotice(NOTICES.playing);
    this.#tell("shopcast:state", detail);
  }

  /** Frames do not come. What the side channel says of the stream is better known than that. */
  #onStalled(state: StreamState | null): void {
    const { stalled, interrupted, ended } = NOTICES;
    const known = state === "interrupted" ? interrupted : state === "ended" ? ended : null;
    const waits = this.#notice === stalled || this.#notice === interrupted;
    // Once it is said that the broadcast will go on, it holds until it does.
    if (this.#notice.status === "playing" || (waits && known !== null)) {
      this.#setNotice(known ?? stalled);
    }
  }

  #setNotice(notice: Notice): void {
    if (notice === this.#notice) return;
    this.#notice = notice;
    this.#noticeAt = performance.now();
    this.#noticeView.show(notice);
    this.#badge.hidden = notice.status !== "playing";
    this.#controls.element.hidden = notice.status !== "playing" && notice.status !== "interrupted";
    this.#tell("shopcast:status", notice);
  }

  #tell<K extends keyof ShopcastEventMap>(type: K, detail: ShopcastEventMap[K]["detail"]): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

/** From one start to the next stop. */
interface Run {
  readonly source: Source;
  readonly channel: SideChannel;
  readonly presentation: Presentation;
}

const LEFTOVER_MS = 300;
