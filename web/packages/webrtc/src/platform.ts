/**
 * What a browser provides and a test gives its own of.
 */

export interface Platform {
  readonly fetch: typeof fetch;
  newPeer(configuration: RTCConfiguration): RTCPeerConnection;
}

/** This browser; null where it has no WebRTC. */
export function browser(): Platform | null {
  if (typeof RTCPeerConnection === "undefined") return null;
  return {
    fetch: (...args) => fetch(...args),
    newPeer: (configuration) => new RTCPeerConnection(configuration),
  };
}
