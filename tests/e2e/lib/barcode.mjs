/**
 * A number burnt into the picture as a row of black and white cells, to be read back after encoding and decoding:
 * the frame counter that the cue test stands on, and a wall clock for latency.
 *
 * Cells from the left: white, black (they give the threshold), the bits from the least significant up, and a parity
 * bit, so that a picture that is not ours, or half of one, is not read as a number. Cells are whole macroblocks.
 */

/** @typedef {{bits: number, cell: number, x: number, y: number, h: number}} Layout for 640x360 */

/** 16 bits: 36 minutes at 30 frames per second. */
export const COUNTER = { bits: 16, cell: 32, x: 16, y: 16, h: 32 };
/** 24 bits of milliseconds: 4.6 hours. */
export const CLOCK = { bits: 24, cell: 16, x: 16, y: 16, h: 32 };

export const cellCount = (layout) => layout.bits + 3;

/** FFmpeg's drawbox is switched per frame by its `enable` expression; `value` is an expression for the number. */
function strip(layout, value) {
  const { bits, cell, x, y, h } = layout;
  const box = (i, color, enable) =>
    `drawbox=x=${x + i * cell}:y=${y}:w=${cell}:h=${h}:color=${color}:t=fill${enable ? `:enable='${enable}'` : ''}`;
  const bit = (i) => `mod(floor(${value}/${2 ** i}),2)`;
  const parity = Array.from({ length: bits }, (_, i) => bit(i)).join('+');
  const black = `drawbox=x=${x}:y=${y}:w=${cell * cellCount(layout)}:h=${h}:color=black:t=fill`;
  const bitBoxes = Array.from({ length: bits }, (_, i) => box(i + 2, 'white', `gte(${bit(i)},1)`));
  return [black, box(0, 'white'), ...bitBoxes, box(bits + 2, 'white', `gte(mod(${parity},2),1)`)];
}

/** The filter that burns the number of each frame, from `first`. */
export function counterFilter(first = 0) {
  return strip(COUNTER, `(n+${first})`).join(',');
}

/**
 * The filter that burns the wall clock, ms since `t0Seconds`. The clock rides on the timestamps, so that all bits come
 * from one reading, and the timestamps are made regular again behind it.
 */
export function clockFilter(t0Seconds, fps) {
  return [`setpts='(time(0)-${t0Seconds})/TB'`, ...strip(CLOCK, '(t*1000)'), `setpts='N/(${fps}*TB)'`].join(',');
}

/** The filter that shrinks the strip to one gray pixel per cell, so that FFmpeg can print numbers. */
export function readFilter(layout) {
  const { cell, x, y, h } = layout;
  const inner = h / 2; // its middle: the edges carry ringing
  return `crop=${cell * cellCount(layout)}:${inner}:${x}:${y + h / 4},scale=${cellCount(layout)}:1:flags=area,format=gray`;
}

/** Differences smaller than this between white and black mean that there is no strip. */
const CONTRAST_MIN = 80;

/**
 * @param {ArrayLike<number>} cells brightness per cell
 * @returns {number | null} null when this is not one of our pictures
 */
export function decodeCells(cells, layout) {
  const [white, black] = cells;
  if (cells.length !== cellCount(layout) || white - black < CONTRAST_MIN) return null;
  const middle = (white + black) / 2;
  let value = 0;
  let ones = 0;
  for (let i = 0; i < layout.bits; i += 1) {
    if (cells[i + 2] <= middle) continue;
    value += 2 ** i;
    ones += 1;
  }
  const parity = cells[layout.bits + 2] > middle ? 1 : 0;
  return ones % 2 === parity ? value : null;
}
