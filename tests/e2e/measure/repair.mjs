/**
 * What encoding a picture again costs: processor time of the child beside FFmpeg doing the same to the same file, and the
 * latency it adds to one and the same source.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { streamInfo, waitLive } from '../lib/api.mjs';
import { launchBrowser, watch, whepStats } from '../lib/browser.mjs';
import { startServer, TRANSCODER_NAME } from '../lib/harness.mjs';
import { childrenOf, output, start } from '../lib/processes.mjs';
import { publishFfmpeg } from '../lib/publishers.mjs';
import { scratch } from '../lib/scratch.mjs';
import { percentile, until } from '../lib/wait.mjs';
import { conditions, measure, publish, spread } from './context.mjs';
import { pictureToPicture, SETTLE_SECONDS, wait } from './picture.mjs';

const SECONDS = Number(process.argv[2] ?? 20);
const CLIP = fileURLToPath(new URL('../../../.cache/media/bigbuckbunny.mp4', import.meta.url));
const ROUNDS = 5;

/** OBS's defaults, of a film. */
async function film(t) {
  if (!existsSync(CLIP)) throw new Error(`${CLIP} is not there: scripts/serve --demo fetches it`);
  const file = join(scratch(t, 'repair'), 'film.flv');
  await output('ffmpeg', ['-v', 'error', '-stream_loop', '-1', '-i', CLIP, '-t', `${SECONDS}`, '-vf', 'scale=1280:720,fps=30',
    '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-bf', '3', '-g', '250', '-b:v', '2500k', '-maxrate', '2500k', '-bufsize', '2500k',
    '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ar', '48000', file]);
  return file;
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
/** Seconds of processor time so far (proc(5), utime and stime). */
function busy(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** FFmpeg, as fast as it can, by the encoder's settings of the child: seconds of processor time for each second of the film. */
function byFfmpeg(file) {
  const { stderr } = spawnSync('ffmpeg', ['-hide_banner', '-benchmark', '-nostdin', '-i', file, '-an', '-c:v', 'libx264', '-preset', 'veryfast',
    '-tune', 'zerolatency', '-profile:v', 'baseline', '-bf', '0', '-g', '30', '-sc_threshold', '0', '-crf', '22', '-maxrate', '3456k', '-bufsize', '1728k', '-f', 'null', '-'],
    { encoding: 'utf8' });
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr);
  return (Number(user) + Number(system)) / SECONDS;
}

/** The child, in real time, for as long. */
async function byTheChild(t, file) {
  const server = await startServer(t);
  const publisher = start('repair.film', 'ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'warning', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'flv', server.rtmp('film')]);
  t.after(() => publisher.stop());
  await waitLive(server, 'film');
  const page = await watch(await launchBrowser(t), server, 'film', 'whep');
  await until('it is repaired', async () => (await streamInfo(server, 'film')).video.repair?.state === 'running');
  const pids = childrenOf(server.pid, TRANSCODER_NAME);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [before, at] = [pids.map(busy), performance.now()];
    await wait(SECONDS / ROUNDS);
    const used = pids.map((pid, i) => busy(pid) - before[i]);
    // The other one makes sound.
    rounds.push(Math.max(...used) / ((performance.now() - at) / 1000));
  }
  const memory = Math.max(...pids.map(resident));
  const { video } = await whepStats(page);
  await page.close();
  return { cores: percentile(rounds, 50), memory, size: `${video.frameWidth}x${video.frameHeight}` };
}

/** One source without B-frames: with key frames near enough it passes as it is, else it is encoded again. */
async function latency(t, browser, options) {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('clock'), { mark: 'clock', ...options });
  await waitLive(server, 'clock');
  const page = await watch(browser, server, 'clock', 'whep');
  const measured = await pictureToPicture(page, SECONDS);
  const { repair } = (await streamInfo(server, 'clock')).video;
  await page.close();
  return { ...measured, repaired: repair?.state === 'running' };
}

const cost = await measure('repair-cost', async (t) => {
  const file = await film(t);
  const ffmpeg = [];
  for (let round = 0; round < ROUNDS; round += 1) ffmpeg.push(byFfmpeg(file));
  return { ffmpeg: percentile(ffmpeg, 50), ...(await byTheChild(t, file)) };
});
const PATHS = { passed: {}, repaired: { gop: 250 }, reordered: { gop: 250, bframes: 3, lookahead: false }, obs: { gop: 250, bframes: 3 } };
const paths = {};
for (const [name, options] of Object.entries(PATHS)) {
  paths[name] = await measure(`repair-${name}`, async (t) => latency(t, await launchBrowser(t), options));
  if (paths[name].repaired !== (name !== 'passed')) throw new Error(`not what was to be measured: ${name}, ${JSON.stringify(paths[name])}`);
}

const row = (name, { ms, read, presented }) => `| ${name} | ${spread(ms, percentile)} | ${read} of ${presented} |`;
const added = percentile(paths.repaired.ms, 50) - percentile(paths.passed.ms, 50);
publish('performance.md', 'Repair', `
${conditions(`scripts/bench repair ${SECONDS}`)}
- Cost: a film of 1280x720 at 30 fps with three B-frames and a key frame every 250 pictures at 2.5 Mbit/s, watched by one Chromium (${cost.size}); medians of ${ROUNDS} spans.
- Latency: as above, 640x360 at 30 fps, ${SETTLE_SECONDS} s to settle and ${SECONDS} s measured; everything on this machine.

| 720p30, encoded again | |
|---|---|
| processors busy in the child | ${cost.cores.toFixed(2)} |
| in FFmpeg, at the same settings, as fast as it can | ${cost.ffmpeg.toFixed(2)}; the child: ${(cost.cores / cost.ffmpeg).toFixed(2)} times that |
| memory of the child | ${cost.memory.toFixed(0)} MiB |

| RTMP to Chromium by WHEP, picture to picture | ms: p50 / p95 / max | frames read of presented |
|---|---|---|
${row('a source that passes as it is', paths.passed)}
${row('the same with a key frame every 8.3 s: encoded again', paths.repaired)}
${row('with three B-frames too', paths.reordered)}
${row('with three B-frames by an encoder that looks ahead, as it does untouched', paths.obs)}

Encoding again adds ${Math.round(added)} ms at the median.
`);
