/**
 * Runs in the page before anything else. Reads the burnt number out of the picture a <video> presents now.
 * `VideoFrame` takes picture and timestamp together, so a number always belongs to the frame it was read from.
 */
(() => {
  /** Brightness per cell, from the middle of each cell, out of a luma plane. */
  function cellsFrom(luma, offset, stride, layout, scale) {
    const cells = [];
    const count = layout.bits + 3;
    for (let i = 0; i < count; i += 1) {
      const from = Math.round((i + 0.25) * layout.cell * scale);
      const to = Math.round((i + 0.75) * layout.cell * scale);
      let total = 0;
      let pixels = 0;
      for (let row = 0; row < 4; row += 1) {
        for (let column = from; column < to; column += 1) {
          total += luma[offset + row * stride + column];
          pixels += 1;
        }
      }
      cells.push(total / pixels);
    }
    return cells;
  }

  /**
   * @param {HTMLVideoElement} video
   * @param layout as in lib/barcode.mjs, drawn on a picture `width` wide
   * @returns {{timestamp: number, cells: Promise<number[]>} | null} the cells come later, the frame is taken now
   */
  window.__takeStrip = (video, layout, width = 640) => {
    let frame;
    try {
      frame = new VideoFrame(video);
    } catch {
      return null; // nothing is presented yet
    }
    // Decoders of VP9 pad a picture's memory, which is its coded width, to whole superblocks.
    const scale = frame.visibleRect.width / width;
    const even = (n) => 2 * Math.round(n / 2);
    const rect = {
      x: even(layout.x * scale), y: even((layout.y + layout.h / 2) * scale) - 2,
      width: even((layout.bits + 3) * layout.cell * scale), height: 4,
    };
    // By WebRTC a frame names itself exactly; browsers that do not say so leave its time to tell it.
    const rtp = frame.metadata?.().rtpTimestamp;
    return { timestamp: frame.timestamp, rtp, format: frame.format, cells: read(frame, rect, layout, scale) };
  };

  async function read(frame, rect, layout, scale) {
    try {
      // I420 and NV12 both begin with the luma plane, which is all that is needed.
      const bytes = new Uint8Array(frame.allocationSize({ rect }));
      const [plane] = await frame.copyTo(bytes, { rect });
      return cellsFrom(bytes, plane.offset, plane.stride, layout, scale);
    } finally {
      frame.close(); // the decoder has few of them
    }
  }
})();
