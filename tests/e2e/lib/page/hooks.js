/**
 * Runs in the page before anything else: keeps the peer connections so that a test can read their statistics, and the
 * time at which each cue reached this page, whatever the player makes of it.
 */
(() => {
  window.__peers = [];
  /** `{t, via, text}` for every side-channel message. */
  window.__arrivals = [];
  const arrived = (via) => (event) => {
    window.__arrivals.push({ t: performance.now(), via, text: String(event.data) });
  };

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      window.__peers.push(this);
      this.addEventListener('datachannel', (event) => event.channel.addEventListener('message', arrived('whep')));
    }

    createDataChannel(...args) {
      const channel = super.createDataChannel(...args);
      channel.addEventListener('message', arrived('whep'));
      return channel;
    }
  };

  const Source = window.EventSource;
  window.EventSource = class extends Source {
    constructor(...args) {
      super(...args);
      for (const type of ['message', 'snapshot', 'cues', 'heartbeat']) this.addEventListener(type, arrived('hls'));
    }
  };

  /** Inbound statistics of the newest peer connection, with the transport's cipher and the candidates it uses. */
  window.__whepStats = async () => {
    const peer = window.__peers.at(-1);
    if (!peer) return null;
    const all = [...(await peer.getStats()).values()];
    const inbound = (kind) => all.find((s) => s.type === 'inbound-rtp' && s.kind === kind) ?? {};
    const transport = all.find((s) => s.type === 'transport') ?? {};
    const named = (id) => ({ ...all.find((s) => s.id === id) });
    const pair = named(transport.selectedCandidatePairId);
    return {
      state: peer.connectionState, video: { ...inbound('video') }, audio: { ...inbound('audio') }, transport: { ...transport },
      local: named(pair.localCandidateId), remote: named(pair.remoteCandidateId),
    };
  };
})();
