/**
 * The page to go live from, /golive/{stream}: a camera or the screen, a microphone, and one large button.
 */

import { ApiError, Client, parseToken, type StreamView } from "@shopcast/api";
import { UplinkMeter, WhipPublisher, browser } from "@shopcast/whip";

import { element, setText, streamOf } from "../page/dom.ts";
import { AirView } from "./air-view.ts";
import { AudioGraph } from "./audio-graph.ts";
import { fillSelect } from "./device-select.ts";
import { KeepAwake } from "./keep-awake.ts";
import { MeterView } from "./meter-view.ts";
import { openBoth } from "./open-both.ts";
import { PictureInput } from "./picture-input.ts";
import { SoundInput } from "./sound-input.ts";
import { StageView } from "./stage-view.ts";
import { keepToken, tabStorage, takeToken } from "./token.ts";
import { insecure } from "./trouble.ts";

const stream = streamOf(location.pathname);
const endpoint = new URL(`/whip/${encodeURIComponent(stream)}`, location.href).href;
/** What the seller may; null without a stream key. */
let token: string | null = null;
const client = new Client("", { token: () => token });

function main(): void {
  document.title = `${stream} · Go live · Shopcast`;
  element("stream").textContent = stream;
  (element("watch") as HTMLAnchorElement).href = `/watch/${encodeURIComponent(stream)}`;
  const stage = new StageView();
  // A page without TLS is not even told that there are such things as cameras.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) stage.showTrouble(insecure(location), false);
  else new Studio(stage, devices).open();
}

/** Everything between the devices and the server, redrawn as a whole whenever a part of it changes. */
class Studio {
  readonly #stage: StageView;
  readonly #devices: MediaDevices;
  readonly #graph = new AudioGraph();
  readonly #picture: PictureInput;
  readonly #sound: SoundInput;
  readonly #publisher: WhipPublisher;
  readonly #meter: MeterView;
  readonly #air = new AirView();
  readonly #keepAwake = new KeepAwake();
  readonly #uplink = new UplinkMeter();
  #isSilent = false;
  #seconds = 0;

  constructor(stage: StageView, devices: MediaDevices) {
    this.#stage = stage;
    this.#devices = devices;
    const changed = (): void => {
      this.#changed();
    };
    this.#picture = new PictureInput(devices, changed);
    this.#sound = new SoundInput(devices, (tracks) => this.#graph.mix(tracks), changed);
    this.#meter = new MeterView(this.#graph, (isSilent) => {
      this.#isSilent = isSilent;
      this.#draw();
    });
    this.#publisher = new WhipPublisher(browser(), (notice) => {
      this.#stage.showNotice(notice);
      showKeyWanted(notice.needsKey === true);
      this.#draw();
    });
  }

  open(): void {
    this.#listenToButtons();
    this.#listenToDevices();
    this.#listenToPage();
    setInterval(() => {
      void this.#second();
    }, 1000);
    void this.#openDevices();
  }

  #listenToButtons(): void {
    const on = (id: string, type: string, act: (event: Event) => void): void => {
      element(id).addEventListener(type, act);
    };
    on("live", "click", () => {
      this.#startOrStop();
    });
    on("key", "input", () => {
      this.#typeToken();
    });
    // Enter in the field is no reason to load the page again.
    on("key-form", "submit", (event) => {
      event.preventDefault();
      if (!button("live").disabled && !this.#publisher.isOn) this.#startOrStop();
    });
    on("again", "click", () => {
      void this.#openDevices();
    });
    on("camera", "change", () => {
      void this.#picture.openCamera({ deviceId: select("camera").value });
    });
    on("flip", "click", () => {
      void this.#picture.flip();
    });
    on("share", "click", () => {
      void this.#shareOrNot();
    });
    on("microphone", "change", () => {
      void this.#sound.openMicrophone(select("microphone").value);
    });
    on("mute", "click", () => {
      this.#sound.setMuted(!this.#sound.isMuted);
    });
    for (const type of ["pointerdown", "keydown"]) {
      addEventListener(type, () => {
        this.#graph.resume();
      });
    }
  }

  #listenToDevices(): void {
    this.#devices.addEventListener("devicechange", () => {
      void this.#devices.enumerateDevices().then((found) => {
        const ids = found.map(({ deviceId }) => deviceId);
        this.#picture.devicesChanged(ids);
        this.#sound.devicesChanged(ids);
        this.#list(found);
      });
    });
  }

  #listenToPage(): void {
    this.#takeToken();
    addEventListener("hashchange", () => {
      this.#takeToken();
    });
    addEventListener("online", () => {
      this.#publisher.hurry();
    });
    addEventListener("beforeunload", (event) => {
      if (this.#publisher.isOn) event.preventDefault();
    });
    addEventListener("pagehide", () => {
      this.#publisher.stop();
    });
    // A page that the browser had kept has lost its camera.
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) location.reload();
    });
  }

  #takeToken(): void {
    token = takeToken(location, history, tabStorage());
    input("key").value = token ?? "";
  }

  #typeToken(): void {
    token = parseToken(input("key").value);
    keepToken(location.pathname, token, tabStorage());
    showKeyWanted(false);
  }

  async #openDevices(): Promise<void> {
    if (this.#sound.microphone === null) await openBoth(this.#devices, this.#picture, this.#sound);
    else await this.#picture.openCamera();
  }

  async #shareOrNot(): Promise<void> {
    if (this.#picture.source === "screen") await this.#picture.openCamera();
    else this.#sound.setScreen(await this.#picture.shareScreen());
  }

  #startOrStop(): void {
    if (this.#publisher.isOn) {
      this.#publisher.stop();
      return;
    }
    const media = { video: this.#picture.track, audio: this.#sound.track };
    this.#publisher.start({ endpoint, token }, media);
  }

  /** A device, a track or a trouble has changed. */
  #changed(): void {
    // With the screen goes its sound.
    if (this.#picture.source !== "screen") this.#sound.setScreen(null);
    void this.#publisher.replaceTrack("video", this.#picture.track);
    void this.#publisher.replaceTrack("audio", this.#sound.track);
    this.#meter.show(this.#sound.microphone);
    this.#draw();
    void this.#devices.enumerateDevices().then((found) => {
      this.#list(found);
    });
  }

  #draw(): void {
    const [picture, sound, isOn] = [this.#picture, this.#sound, this.#publisher.isOn];
    this.#stage.showPicture(picture.track, picture.facing === "user");
    this.#stage.showTrouble(picture.track === null ? picture.trouble : null, true);
    this.#stage.showClock(this.#onAirMs());
    this.#keepAwake.set(isOn);
    const troubleBeside = picture.track === null ? null : picture.trouble;
    setText(element("picture-note"), troubleBeside === null ? "" : words(troubleBeside));
    setText(element("sound-note"), this.#soundWords());
    element("flip").hidden = picture.facing === null;
    element("share").hidden = !("getDisplayMedia" in this.#devices);
    setText(element("share"), picture.source === "screen" ? "Stop sharing" : "Share screen");
    button("mute").disabled = sound.microphone === null;
    element("mute").setAttribute("aria-pressed", String(sound.isMuted));
    button("live").disabled = !isOn && picture.track === null;
    element("live").dataset["on"] = String(isOn);
    setText(element("live"), isOn ? "Stop" : "Go live");
    const isMissing = sound.track === null && picture.track !== null;
    setText(element("live-note"), isMissing ? "There is no sound: viewers will hear nothing." : "");
  }

  #soundWords(): string {
    const { trouble, isMuted } = this.#sound;
    if (trouble !== null) return words(trouble);
    if (isMuted) return "The microphone is muted: viewers do not hear you.";
    if (!this.#isSilent) return "";
    return "The microphone is silent. Speak; if the bar does not move, look for a switch on it or choose another one.";
  }

  #list(found: readonly MediaDeviceInfo[]): void {
    const kind = (wanted: MediaDeviceKind): MediaDeviceInfo[] =>
      found.filter((device) => device.kind === wanted);
    fillSelect(select("camera"), kind("videoinput"), this.#picture.deviceId, "Camera");
    fillSelect(select("microphone"), kind("audioinput"), this.#sound.deviceId, "Microphone");
  }

  async #second(): Promise<void> {
    this.#seconds += 1;
    this.#stage.showClock(this.#onAirMs());
    if (this.#seconds % STREAM_EVERY_S === 0) void this.#askServer();
    const report = this.#onAirMs() === null ? null : await this.#publisher.stats();
    const uplink = report === null ? null : this.#uplink.read(report.values());
    this.#air.showUplink(uplink, performance.now());
  }

  async #askServer(): Promise<void> {
    if (document.hidden) return;
    if (this.#onAirMs() === null) return this.#air.showViewers(null);
    let view: StreamView | null = null;
    try {
      view = await client.stream(stream);
    } catch (error) {
      // Without an answer, what was said last still holds.
      if (!(error instanceof ApiError)) return;
    }
    this.#air.showViewers(view);
    if (view !== null) this.#air.showAdvice(view.verdicts);
  }

  #onAirMs(): number | null {
    const { liveSinceMs } = this.#publisher;
    return liveSinceMs === null ? null : Date.now() - liveSinceMs;
  }
}

/** The field that a refusal is about is marked, and ready to be typed into. */
function showKeyWanted(isWanted: boolean): void {
  const field = input("key");
  field.setAttribute("aria-invalid", String(isWanted));
  if (isWanted) field.focus();
}

const words = ({ title, detail }: { title: string; detail: string }): string =>
  `${title}. ${detail}`;
const select = (id: string): HTMLSelectElement => element(id) as HTMLSelectElement;
const input = (id: string): HTMLInputElement => element(id) as HTMLInputElement;
const button = (id: string): HTMLButtonElement => element(id) as HTMLButtonElement;

/** Verdicts come seldom, and a seller reads them between two sentences. */
const STREAM_EVERY_S = 3;

main();
