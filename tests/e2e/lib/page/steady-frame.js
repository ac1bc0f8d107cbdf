/** Runs in the page before anything else, beside strip-canvas.js. */
(() => {
  const STEADY = 6;

  /**
   * Seeks, stands still there, and goes on: the media time of that frame's callback, and once the picture no longer changes the
   * number in it and what is on the page. The callback that a seek brings is for the frame that then stands.
   */
  window.__steadyFrame = async (player, layout, to) => {
    const { video } = player;
    video.pause();
    const seeked = new Promise((resolve) => { video.addEventListener('seeked', resolve, { once: true }); });
    const callback = new Promise((resolve) => {
      video.addEventListener('seeking', () => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)), { once: true });
    });
    video.currentTime = to ?? video.currentTime - 0.1;
    await seeked;
    const mediaTime = await callback;
    let cells = [];
    for (let same = 0; same < STEADY;) {
      await new Promise(requestAnimationFrame);
      const now = window.__readStripNow(video, layout).map(Math.round);
      same = now.join() === cells.join() ? same + 1 : 0;
      cells = now;
    }
    const there = { mediaTime, cells, pts: player.pts, cards: window.__visibleCards(player) };
    await video.play();
    return there;
  };
})();
