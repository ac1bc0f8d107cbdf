/**
 * The preview and what is said over it.
 */

import type { Notice, Status } from "@shopcast/whip";

import { element, prose, setText } from "../page/dom.ts";
import { elapsed } from "../page/format.ts";
import type { Trouble } from "./trouble.ts";

export class StageView {
  readonly #frame = element("frame");
  readonly #video = element("preview") as HTMLVideoElement;
  readonly #clock = element("clock");

  constructor() {
    // As tall as a phone that is held upright, as wide as a screen.
    this.#video.addEventListener("resize", () => {
      this.#shape();
    });
  }

  /** Mirrored as a mirror is, for the front camera; what is sent is not. */
  showPicture(track: MediaStreamTrack | null, isMirrored: boolean): void {
    this.#video.classList.toggle("mirrored", isMirrored);
    const shown = this.#video.srcObject as MediaStream | null;
    // While a camera is being changed, the last picture stays up.
    if (track === null || shown?.getTracks()[0] === track) return;
    this.#video.srcObject = new MediaStream([track]);
    void this.#video.play().catch(() => undefined);
  }

  /** Over the picture, which is not there: the page has nothing else to show. */
  showTrouble(trouble: Trouble | null, canRetry: boolean): void {
    element("trouble").hidden = trouble === null;
    this.#shape();
    element("again").hidden = !canRetry;
    setText(element("trouble-title"), trouble?.title ?? "");
    setText(element("trouble-detail"), trouble?.detail ?? "");
  }

  showNotice({ status, title, detail }: Notice): void {
    this.#frame.dataset["status"] = status;
    setText(element("state"), STATES[status]);
    element("notice").hidden = title === "";
    setText(element("notice-title"), title);
    setText(element("notice-detail"), prose(detail ?? ""));
  }

  showClock(onAirMs: number | null): void {
    this.#clock.hidden = onAirMs === null;
    if (onAirMs !== null) setText(this.#clock, elapsed(onAirMs));
  }

  /** That of the picture; without one the style sheet's, which has room for words. */
  #shape(): void {
    const { videoWidth, videoHeight } = this.#video;
    const isPicture = videoWidth > 0 && element("trouble").hidden;
    this.#frame.style.aspectRatio = isPicture
      ? `${String(videoWidth)} / ${String(videoHeight)}`
      : "";
  }
}

const STATES: Readonly<Record<Status, string>> = {
  idle: "Off air",
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  refused: "Refused",
  unsupported: "Not possible here",
};
