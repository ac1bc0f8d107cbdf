/** Runs in the page before anything else, beside strip-canvas.js. */
(() => {
  /** A busy machine is this long in showing what it has sought. */
  const STEADY_MS = 2_000;

  /**
   * Seeks, stands still there, and goes on: the media time that was sought, and once the picture no longer changes the number
   * in it and what is on the page. The player may seek in between, to be live: the last one to do so counts.
   */
  window.__steadyFrame = async (player, layout, to) => {
    const { video } = player;
    video.pause();
    video.currentTime = to ?? video.currentTime - 0.1;
    let [mediaTime, cells] = [null, []];
    for (let since = performance.now(); performance.now() - since < STEADY_MS;) {
      await new Promise(requestAnimationFrame);
      const now = window.__readStripNow(video, layout).map(Math.round);
      if (video.seeking || video.currentTime !== mediaTime || now.join() !== cells.join()) since = performance.now();
      [mediaTime, cells] = [video.currentTime, now];
    }
    const there = { mediaTime, cells, pts: player.pts, cards: window.__visibleCards(player) };
    await video.play();
    return there;
  };
})();
