/**
 * Reads cues out of the pictures of a WebRTC session, for a viewer whom nothing else brings them.
 *
 * It costs a worker through which every picture goes, so it is begun only when it is needed. Chromium 156 heeds a
 * transform only in the task in which the receiver is made, and passes pictures by one that is set later; a session that is
 * under way therefore has to be replaced, which takes as long as a network change does and keeps the last picture up.
 * Where the browser or the page's policy lets no worker be made, nothing happens.
 */

import type { SeiMessage } from "@shopcast/cues";

/** From the worker: it is there, or what a picture said. */
export type FromWorker =
  | { readonly type: "ready" }
  | {
      readonly type: "picture";
      readonly rtpTimestamp: number;
      readonly messages: readonly SeiMessage[];
    };

export type OnPicture = (messages: readonly SeiMessage[], rtpTimestamp: number) => void;

export class PictureReader {
  readonly #worker: Worker | null;

  /** `onReady` is told once pictures can be read, `onPicture` what they say. */
  constructor(onReady: () => void, onPicture: OnPicture) {
    this.#worker = typeof RTCRtpScriptTransform === "undefined" ? null : newWorker();
    if (this.#worker === null) return;
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "picture") onPicture(data.messages, data.rtpTimestamp);
      // Not before: a worker that never came would keep all pictures to itself.
      else onReady();
    };
  }

  /** Reads the pictures of a receiver that has just been made. */
  attach(receiver: RTCRtpReceiver): void {
    if (this.#worker !== null) receiver.transform = new RTCRtpScriptTransform(this.#worker);
  }

  /** After the sessions whose pictures it reads. */
  close(): void {
    if (this.#worker !== null) this.#worker.onmessage = null;
    this.#worker?.terminate();
  }
}

function newWorker(): Worker | null {
  const url = new URL("./picture-worker.js", import.meta.url);
  try {
    return new Worker(trusted(url.origin === location.origin ? url.href : importer(url.href)));
  } catch {
    return null;
  }
}

/** Workers are of the page's own origin; what they import need not be. */
function importer(url: string): string {
  const text = `importScripts(${JSON.stringify(url)});`;
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}

/** The one script address that is ever made here, where a page wants such addresses vouched for (Trusted Types). */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypeFactory };
  policy ??= trustedTypes?.createPolicy("shopcast-player", { createScriptURL: (text) => text });
  return policy?.createScriptURL(url) ?? url;
}

let policy: TrustedTypePolicy | undefined;

/** Trusted Types §2.3, as far as it is used. A trusted address goes where a text would. */
interface TrustedTypeFactory {
  createPolicy(name: string, rules: TrustedTypePolicy): TrustedTypePolicy;
}
interface TrustedTypePolicy {
  createScriptURL(text: string): string;
}
