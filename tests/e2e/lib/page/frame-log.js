/**
 * Runs in the page before anything else. Logs every frame a player presents together with the cards on the page in
 * that same rendering step, and when each side-channel message arrived.
 *
 * A frame callback and `requestAnimationFrame` called from it run in one rendering step (HTML, "update the
 * rendering"), so what the DOM holds in the latter is what the player's own frame callback left there, whichever of
 * the two callbacks was registered first.
 */
(() => {
  const PENDING_MAX = 6;
  const SAME_FRAME_US = 1500;
  window.__frameLogs = [];

  /** `<shopcast-player>` elements with a video, in document order. */
  window.__players = () => [...document.querySelectorAll('shopcast-player')].filter((p) => p.video);

  /** WebRTC plays a MediaStream, hls.js an object URL. */
  window.__protocolOf = (player) => (player.video?.srcObject ? 'whep' : 'hls');

  window.__startFrameLog = (player, layout) => {
    const { video } = player;
    // Asked for when the log is read: a player may have no stream yet when logging begins.
    const log = { frames: [], states: 0, pts: null, get protocol() { return window.__protocolOf(player); } };
    window.__frameLogs.push(log);
    let state = null;
    let pending = 0;
    player.addEventListener('shopcast:state', (event) => {
      log.states += 1;
      state = { pts: event.detail.pts, cards: event.detail.cards.map((c) => ({ ...c })) };
      log.pts = state.pts;
    });
    const onFrame = (now, metadata) => {
      video.requestVideoFrameCallback(onFrame);
      const record = {
        t: performance.now(), mediaTime: metadata.mediaTime, rtp: metadata.rtpTimestamp,
        presented: metadata.presentedFrames, cells: null, skipped: null,
      };
      log.frames.push(record);
      if (window.__readStripNow) record.cells = window.__readStripNow(video, layout).map(Math.round);
      else if (pending < PENDING_MAX) take(record);
      else record.skipped = 'busy';
      requestAnimationFrame(() => {
        record.state = state;
        record.dom = window.__visibleCards(player);
        state = null; // the next frame must bring its own
      });
    };
    const take = (record) => {
      const strip = window.__takeStrip(video, layout);
      if (!strip) {
        record.skipped = 'no picture';
        return;
      }
      // On a busy machine the element may already hold the next frame, which will have its own callback.
      const isSame = strip.rtp !== undefined && record.rtp !== undefined
        ? strip.rtp === record.rtp
        : Math.abs(strip.timestamp - record.mediaTime * 1e6) <= SAME_FRAME_US;
      if (!isSame) {
        record.skipped = 'already the next frame';
        strip.cells.catch(() => {});
        return;
      }
      pending += 1;
      strip.cells
        .then((cells) => { record.cells = cells.map(Math.round); }, (error) => { record.skipped = String(error); })
        .finally(() => { pending -= 1; });
    };
    video.requestVideoFrameCallback(onFrame);
    return log;
  };

  window.__visibleCards = (player) => {
    const elements = [...player.shadowRoot.querySelectorAll('[data-card-id]')];
    return elements.filter((e) => e.checkVisibility({ visibilityProperty: true })).map((e) => e.dataset.cardId);
  };
})();
