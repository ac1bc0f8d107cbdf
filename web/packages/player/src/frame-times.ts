/**
 * When the frames of a piece of CMAF video are shown, from its `moof` boxes (ISO/IEC 14496-12 sections 8.8.8 and 8.8.12).
 */

/**
 * Ticks of the track's timescale, ascending. Empty where the bytes are not what our packager writes, one track with a
 * duration for each sample: frames then go without.
 */
export function frameTimes(bytes: Uint8Array): number[] {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return [...children(view, 0, view.byteLength)]
      .filter(({ type }) => type === MOOF)
      .flatMap(({ from, to }) => timesOf(view, from, to))
      .sort((a, b) => a - b);
  } catch {
    return []; // past the end: cut off
  }
}

interface Box {
  readonly type: number;
  /** Where its content lies. */
  readonly from: number;
  readonly to: number;
}

function* children(view: DataView, from: number, to: number): Generator<Box> {
  for (let at = from; at + HEADER <= to;) {
    const size = view.getUint32(at);
    if (size < HEADER || at + size > to) return;
    yield { type: view.getUint32(at + 4), from: at + HEADER, to: at + size };
    at += size;
  }
}

function timesOf(view: DataView, from: number, to: number): number[] {
  const times: number[] = [];
  for (const traf of children(view, from, to)) {
    if (traf.type !== TRAF) continue;
    let time: number | null = null;
    for (const box of children(view, traf.from, traf.to)) {
      if (box.type === TFDT) time = baseTime(view, box.from);
      if (box.type === TRUN && time !== null) time = run(view, box.from, time, times);
    }
  }
  return times;
}

function baseTime(view: DataView, at: number): number {
  const isLong = view.getUint8(at) === 1;
  return isLong ? Number(view.getBigUint64(at + 4)) : view.getUint32(at + 4);
}

/** Adds the times of a run's samples, which begin to be decoded at `start`. @returns when the run ends */
function run(view: DataView, at: number, start: number, times: number[]): number | null {
  const flags = view.getUint32(at) & 0xff_ffff;
  if ((flags & DURATIONS) === 0) return null;
  const words = [DURATIONS, SIZES, FLAGS, COMPOSITIONS].filter((flag) => flags & flag);
  const composition = flags & COMPOSITIONS ? 4 * (words.length - 1) : null;
  let sample = at + 8 + (flags & DATA_OFFSET ? 4 : 0) + (flags & FIRST_FLAGS ? 4 : 0);
  let time = start;
  for (let left = view.getUint32(at + 4); left > 0; left -= 1) {
    times.push(time + (composition === null ? 0 : view.getInt32(sample + composition)));
    time += view.getUint32(sample);
    sample += 4 * words.length;
  }
  return time;
}

const HEADER = 8;
const [MOOF, TRAF, TFDT, TRUN] = [0x6d6f6f66, 0x74726166, 0x74666474, 0x7472756e];
/** Of `trun`: which fields it has, the later ones once for each sample, in this order. */
const [DATA_OFFSET, FIRST_FLAGS] = [0x1, 0x4];
const [DURATIONS, SIZES, FLAGS, COMPOSITIONS] = [0x100, 0x200, 0x400, 0x800];
