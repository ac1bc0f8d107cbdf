/**
 * Runs in a page with shaka-player, which knows nothing of Shopcast: a viewer that takes cues from `emsg` boxes alone, and
 * decides by the presentation times that shaka gives them. Stands in for `<shopcast-player>` in frame-log.js.
 */
(() => {
  /**
   * Shaka adds up the playlist's durations, five digits each, to place a part's events, and the browser's buffer begins
   * within 1 ms of there. A frame lasts thirty times as long.
   */
  const EDGE_S = 0.001;
  const TICKS = 90_000;

  class Viewer extends HTMLElement {
    /** The newest frame's pts; null before the first event. */
    pts = null;
    errors = [];
    #cues = new Map();
    /** Presentation time minus pts, s. */
    #offset = null;

    constructor() {
      super();
      this.attachShadow({ mode: 'open' }).innerHTML = '<video muted playsinline width=640></video><ul></ul>';
      this.video = this.shadowRoot.querySelector('video');
    }

    async watch(playlist) {
      const player = new window.shaka.Player();
      player.addEventListener('error', ({ detail }) => this.errors.push(`${detail.code} ${String(detail.data)}`));
      // Told when a part is appended. Its events `emsg` and `metadata` come when a timer finds that their time was passed.
      player.addEventListener('metadataadded', ({ startTime, payload }) => this.#take(startTime, payload));
      player.configure({ streaming: { lowLatencyMode: true }, mediaSource: { dispatchAllEmsgBoxes: true } });
      await player.attach(this.video);
      this.video.requestVideoFrameCallback(this.#onFrame);
      await player.load(playlist);
      await this.video.play();
    }

    /** A frame of an ID3 tag: a cue, or at a segment's start those that hold there. */
    #take(startTime, { key, description, data }) {
      if (key !== 'TXXX') return;
      const message = JSON.parse(data);
      this.#offset = startTime - message.pts / TICKS;
      const cues = description === 'dev.shopcast.snapshot' ? message.cues : [encode(data)];
      for (const cue of cues.map(decode)) {
        if (!this.#cues.has(cue.seq)) this.#cues.set(cue.seq, { ...cue, at: startTime + (cue.pts - message.pts) / TICKS });
      }
      window.__arrivals.push({ t: performance.now(), via: 'shaka', text: JSON.stringify({ cues }) });
    }

    #onFrame = (now, { mediaTime }) => {
      this.video.requestVideoFrameCallback(this.#onFrame);
      const cards = this.#cardsAt(mediaTime + EDGE_S);
      this.shadowRoot.querySelector('ul').innerHTML = cards.map((id) => `<li data-card-id="${id}">${id}</li>`).join('');
      this.pts = this.#offset === null ? null : Math.round((mediaTime - this.#offset) * TICKS);
      const detail = { pts: this.pts, cards: cards.map((id) => ({ card_id: id })) };
      this.dispatchEvent(new CustomEvent('shopcast:state', { detail }));
    };

    /** The fold of docs/spec/cue.md, in the player's own time. */
    #cardsAt(time) {
      const ends = new Map();
      const due = [...this.#cues.values()].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at || a.seq - b.seq);
      for (const { op, card_id: id, at, duration } of due) {
        const end = duration === null ? null : at + duration / TICKS;
        if (op === 'show') ends.set(id, end ?? Infinity);
        else if (op === 'update' && ends.get(id) > at) ends.set(id, end ?? ends.get(id));
        else if (op === 'hide') ends.delete(id);
        else if (op === 'clear') ends.clear();
      }
      return [...ends].filter(([, end]) => end > time).map(([id]) => id);
    }
  }
  window.customElements.define('shopcast-player', Viewer);

  const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

  function decode(base64) {
    const bytes = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
  }
})();
