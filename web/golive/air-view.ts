/**
 * What leaves this device, who watches it, and what the server says of it.
 */

import type { StreamView, Verdict } from "@shopcast/api";
import type { Uplink } from "@shopcast/whip";

import { element, prose, setText } from "../page/dom.ts";
import { NOTHING, bitrate, frameRate, milliseconds, percent, size } from "../page/format.ts";
import { Lasting } from "./lasting.ts";

export class AirView {
  readonly #slow = { cpu: new Lasting(SLOW_MS), bandwidth: new Lasting(SLOW_MS) };

  /** Null when nothing leaves. */
  showUplink(uplink: Uplink | null, nowMs: number): void {
    setText(element("bitrate"), bitrate(uplink?.bitrateBps ?? null));
    setText(element("size"), size(uplink?.width ?? null, uplink?.height ?? null));
    setText(element("frame-rate"), frameRate(uplink?.frameRate ?? null));
    setText(element("round-trip"), milliseconds(uplink?.roundTripMs ?? null));
    setText(element("loss"), percent(uplink?.lossPercent ?? null));
    const reason = uplink?.limitedBy ?? null;
    // Both are read each time, or the one that is not would think that the page had slept.
    const byCpu = this.#slow.cpu.read(reason === "cpu", nowMs);
    const byNetwork = this.#slow.bandwidth.read(reason === "bandwidth", nowMs);
    setText(element("limit"), byCpu ? SLOW_DEVICE : byNetwork ? SLOW_NETWORK : "");
  }

  /** Null when the server knows nothing of the stream. */
  showViewers(view: StreamView | null): void {
    const viewers = view === null ? NOTHING : String(view.viewers.webrtc + view.viewers.hls);
    setText(element("viewers"), viewers);
  }

  showAdvice(verdicts: readonly Verdict[]): void {
    const list = element("advice");
    const details = verdicts.map(({ detail }) => prose(detail));
    if (Array.from(list.children, (line) => line.textContent).join() !== details.join()) {
      list.replaceChildren(...details.map(item));
    }
    setText(element("advice-none"), details.length === 0 ? "All is well." : "");
  }
}

function item(text: string): HTMLElement {
  const line = document.createElement("li");
  line.textContent = text;
  return line;
}

/** Every connection begins slowly, and every device is busy when it begins. */
const SLOW_MS = 8000;
const SLOW_DEVICE =
  "This device is too slow for the picture, so fewer frames leave it. Close other programs and tabs.";
const SLOW_NETWORK =
  "The connection is too slow for the picture, so fewer frames get through. Go nearer to the Wi-Fi, or use a cable.";
