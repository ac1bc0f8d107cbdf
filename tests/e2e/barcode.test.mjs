/** Burnt numbers survive x264 and come back as they went in; what is no number is not read as one. Needs no server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cellCount, CLOCK, clockFilter, COUNTER, counterFilter, decodeCells, readFilter } from './lib/barcode.mjs';
import { counterTable } from './lib/counter-table.mjs';
import { output } from './lib/processes.mjs';
import { ffmpegArgs } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';

/** Every number in a file, null where there is none. */
async function numbersIn(file, layout) {
  const gray = await output('ffmpeg', ['-v', 'error', '-i', file, '-vf', readFilter(layout), '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
    { binary: true });
  const size = cellCount(layout);
  return Array.from({ length: gray.length / size }, (_, i) => decodeCells(gray.subarray(i * size, (i + 1) * size), layout));
}

test('the frame counter comes back from every frame, at the publisher’s own settings', async (t) => {
  const file = join(scratch(t, 'barcode'), 'counter.flv');
  const args = ffmpegArgs(file, { seconds: 4, audio: false });
  await output('ffmpeg', args.filter((arg) => arg !== '-re'));
  assert.deepEqual(await numbersIn(file, COUNTER), Array.from({ length: 120 }, (_, i) => i));
});

test('high counter bits and B-frames are read as well', async (t) => {
  const file = join(scratch(t, 'barcode'), 'high.mkv');
  const filter = counterFilter(43_000);
  await output('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-t', '2', '-vf', `${filter},format=yuv420p`,
    '-c:v', 'libx264', '-preset', 'superfast', '-bf', '2', '-b:v', '800k', file]);
  assert.deepEqual(await numbersIn(file, COUNTER), Array.from({ length: 60 }, (_, i) => 43_000 + i));
});

test('the clock reads as the time at which the picture was made', async (t) => {
  const file = join(scratch(t, 'barcode'), 'clock.mkv');
  const zero = Math.floor(Date.now() / 1000);
  await output('ffmpeg', ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-t', '2', '-vf',
    `${clockFilter(zero, 30)},format=yuv420p`, '-c:v', 'libx264', '-preset', 'superfast', '-b:v', '1200k', file]);
  const after = Date.now() - zero * 1000;
  const clocks = await numbersIn(file, CLOCK);
  assert.equal(clocks.length, 60);
  assert.ok(clocks.every((ms, i) => i === 0 || ms >= clocks[i - 1]), `${clocks}`);
  assert.ok(clocks[0] >= 0 && clocks.at(-1) <= after && clocks.at(-1) - clocks[0] > 1500, `${clocks[0]}..${clocks.at(-1)} of ${after}`);
});

test('a picture without the strip, or with a damaged one, is no number', () => {
  const cells = (value) => {
    const bits = Array.from({ length: 16 }, (_, i) => (Math.floor(value / 2 ** i) % 2 ? 235 : 16));
    return [235, 16, ...bits, bits.filter((b) => b > 100).length % 2 ? 235 : 16];
  };
  assert.equal(decodeCells(cells(12_345), COUNTER), 12_345);
  assert.equal(decodeCells(new Array(19).fill(120), COUNTER), null);
  const damaged = cells(12_345);
  damaged[5] = 251 - damaged[5];
  assert.equal(decodeCells(damaged, COUNTER), null);
});

test('the counter table of fragmented segments, with B-frames', async (t) => {
  const path = scratch(t, 'barcode');
  const args = ffmpegArgs(join(path, 'video.m3u8'), { seconds: 6, audio: false, bframes: 2 }).filter((arg) => arg !== '-re');
  const muxer = ['hls', '-hls_segment_type', 'fmp4', '-hls_time', '2', '-hls_list_size', '0'];
  await output('ffmpeg', args.flatMap((arg) => (arg === 'flv' ? muxer : [arg])).filter((arg) => !/flvflags|no_duration/.test(arg)));
  const bytes = ['init.mp4', 'video0.m4s', 'video1.m4s', 'video2.m4s'].map((name) => readFileSync(join(path, name)));
  const table = await counterTable(Buffer.concat(bytes));
  assert.equal(table.size, 180);
  const first = table.get(0);
  for (const [counter, pts] of table) assert.equal(pts, first + counter * 3000);
});
