/**
 * Runs in a worker: hands every encoded picture on as it came, and tells the page what our messages in it say.
 */

import { readSei, type SeiSyntax } from "@shopcast/cues";

import type { FromWorker } from "./picture-reader.ts";

/** WebRTC Encoded Transform §5 and §7.3, as far as it is used; TypeScript has it in another library than a page's. */
interface Scope {
  onrtctransform: ((event: { readonly transformer: Transformer }) => void) | null;
  postMessage(message: FromWorker): void;
}
interface Transformer {
  readonly readable: ReadableStream<RTCEncodedVideoFrame>;
  readonly writable: WritableStream<RTCEncodedVideoFrame>;
}

const scope = globalThis as unknown as Scope;

scope.onrtctransform = ({ transformer }) => {
  const look = new TransformStream<RTCEncodedVideoFrame, RTCEncodedVideoFrame>({
    transform: (picture, controller) => {
      try {
        tell(picture);
      } catch {
        // What a picture says must not cost it.
      }
      controller.enqueue(picture);
    },
  });
  // Ends with the session, by an error in some browsers.
  transformer.readable
    .pipeThrough(look)
    .pipeTo(transformer.writable)
    .catch(() => undefined);
};
scope.postMessage({ type: "ready" });

function tell(picture: RTCEncodedVideoFrame): void {
  const { mimeType, rtpTimestamp = picture.timestamp } = picture.getMetadata() as Metadata;
  const syntax = syntaxOf(mimeType);
  if (syntax === null || rtpTimestamp === undefined) return;
  const messages = readSei(new Uint8Array(picture.data), syntax, "annexb");
  if (messages.length > 0) scope.postMessage({ type: "picture", rtpTimestamp, messages });
}

/** Browsers hand out both codecs with start codes. Who does not name the codec is taken to play what every browser must. */
function syntaxOf(mimeType = "video/H264"): SeiSyntax | null {
  switch (mimeType.toLowerCase()) {
    case "video/h264":
      return "h264";
    case "video/h265":
      return "h265";
    default:
      return null;
  }
}

interface Metadata {
  readonly mimeType?: string;
  readonly rtpTimestamp?: number;
}
