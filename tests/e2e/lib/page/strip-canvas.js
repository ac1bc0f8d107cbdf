/**
 * Runs in the page before anything else, in Firefox: its `VideoFrame` of a video has no time that says which frame it is,
 * so the burnt number is read through a canvas. What a canvas is given is the picture on screen now; that may be the one
 * before the frame whose callback runs, which is about to be composed (lib/firefox-frames.mjs tells them apart).
 */
(() => {
  const ROWS = 4;
  const [WIDTH, canvas] = [640, new OffscreenCanvas(640, ROWS)];
  const paint = canvas.getContext('2d', { willReadFrequently: true });

  /** @returns {number[]} brightness per cell, from the middle of each */
  window.__readStripNow = (video, layout) => {
    const scale = video.videoWidth / WIDTH;
    const middle = layout.y + layout.h / 2 - ROWS / 2;
    paint.drawImage(video, 0, middle * scale, video.videoWidth, ROWS * scale, 0, 0, WIDTH, ROWS);
    const { data } = paint.getImageData(0, 0, WIDTH, ROWS);
    return Array.from({ length: layout.bits + 3 }, (_, i) => {
      const from = layout.x + (i + 0.25) * layout.cell;
      let total = 0;
      for (let column = 0; column < layout.cell / 2; column += 1) {
        for (let row = 0; row < ROWS; row += 1) total += data[4 * (row * WIDTH + from + column) + 1];
      }
      return total / (ROWS * (layout.cell / 2));
    });
  };
})();
