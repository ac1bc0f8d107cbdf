/**
 * Which burnt frame number has which pts, from the origin's own bytes: the pictures are decoded by FFmpeg and read,
 * the timestamps are printed by ffprobe. Nothing of the server's own reckoning is used.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellCount, COUNTER, decodeCells, readFilter } from './barcode.mjs';
import { output } from './processes.mjs';

const AGAIN_MAX = 3;

/**
 * @param {Buffer} bytes init section and consecutive segments of the video rendition
 * @returns {Promise<Map<number, number>>} counter to pts in ticks of 90 kHz
 */
export async function counterTable(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'shopcast-table-'));
  const file = join(folder, 'video.mp4');
  try {
    writeFileSync(file, bytes);
    const [pts, counters] = [await presentationTimes(file), await readCounters(file)];
    if (pts.length !== counters.length) throw new Error(`${pts.length} timestamps, ${counters.length} pictures`);
    const table = new Map();
    const twice = new Set();
    for (const [index, counter] of counters.entries()) {
      if (counter === null) throw new Error(`picture ${index} (pts ${pts[index]}) has no legible number`);
      if (table.has(counter)) twice.add(counter);
      table.set(counter, pts[index]);
    }
    // Asked for a key frame, a browser that has no new picture sends the last one again: such a number names no frame.
    if (twice.size > AGAIN_MAX) throw new Error(`numbers at two times each: ${[...twice]}`);
    for (const counter of twice) table.delete(counter);
    return table;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The table of everything a SegmentRecorder holds. Each epoch has an init section of its own, and its own numbers. */
export async function tableOf(recorder) {
  const segments = [...recorder.segments].sort(([a], [b]) => a - b).map(([, segment]) => segment);
  const whole = new Map();
  for (const map of new Set(segments.map((segment) => segment.map))) {
    const epoch = segments.filter((segment) => segment.map === map).map(({ bytes }) => bytes);
    for (const [counter, pts] of await counterTable(Buffer.concat([recorder.inits.get(map), ...epoch]))) {
      if (whole.has(counter)) throw new Error(`number ${counter} in two epochs, at ${whole.get(counter)} and ${pts}`);
      whole.set(counter, pts);
    }
  }
  return whole;
}

/** In presentation order, which is the order FFmpeg hands out pictures in. */
async function presentationTimes(file) {
  const { streams, packets } = JSON.parse(await output('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_entries',
    'packet=pts:stream=time_base', '-of', 'json', file]));
  const [numerator, denominator] = streams[0].time_base.split('/').map(Number);
  return packets.map((packet) => (packet.pts * 90_000 * numerator) / denominator).sort((a, b) => a - b);
}

async function readCounters(file) {
  const gray = await output('ffmpeg', ['-v', 'error', '-i', file, '-vf', readFilter(COUNTER), '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
    { binary: true });
  const size = cellCount(COUNTER);
  return Array.from({ length: gray.length / size }, (_, i) => decodeCells(gray.subarray(i * size, (i + 1) * size), COUNTER));
}
