/**
 * What a browser provides and a test gives its own of.
 */

import { browser as webRtc, type Platform as WebRtc } from "@shopcast/webrtc";

export interface Platform extends WebRtc {
  newStream(): MediaStream;
  /** What `setCodecPreferences` takes; empty where the browser does not say. */
  videoCodecs(): readonly RTCRtpCodec[];
}

/** This browser; null where it has no WebRTC. */
export function browser(): Platform | null {
  const platform = webRtc();
  if (platform === null) return null;
  return {
    ...platform,
    newStream: () => new MediaStream(),
    // The receiver's, also for a track that is only sent: webrtc-pc checks preferences against those, and
    // on phones and Macs the sender's H.264 has a higher level, which Chromium then refuses.
    videoCodecs: () => RTCRtpReceiver.getCapabilities("video")?.codecs ?? [],
  };
}
