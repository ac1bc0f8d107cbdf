/**
 * Many viewers for a long time: nobody may be dropped, memory stays flat, sound and picture stay together.
 * Two of the viewers are browsers, the others run real sessions without decoding.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { waitLive } from '../lib/api.mjs';
import { launchBrowser, playback, skew, unmute, watch } from '../lib/browser.mjs';
import { SHOPCAST_BIN, startServer } from '../lib/harness.mjs';
import { start } from '../lib/processes.mjs';
import { publishFfmpeg } from '../lib/publishers.mjs';
import { percentile } from '../lib/wait.mjs';
import { conditions, measure, publish, spread } from './context.mjs';

const SECONDS = Number(process.argv[2] ?? 600);
const VIEWERS = 20;
const SAMPLE_SECONDS = 5;
/** The first minute fills the LL-HLS window. */
const WARM_UP_SECONDS = 60;
const GROWTH_MAX = 0.05;
const SKEW_MAX_MS = 40;

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const rssMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const result = await measure('soak', async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('soak'), {});
  await waitLive(server, 'soak');
  const browser = await launchBrowser(t);
  const pages = { whep: await watch(browser, server, 'soak', 'whep'), hls: await watch(browser, server, 'soak', 'hls') };
  for (const page of Object.values(pages)) await unmute(page);
  const load = start('soak.load', join(dirname(SHOPCAST_BIN), 'shopcast-load'), ['watch', '--server', server.origin, '--stream', 'soak',
    '--whep', `${VIEWERS - 1}`, '--hls', `${VIEWERS - 1}`, '--seconds', `${SECONDS}`]);
  t.after(() => load.stop());
  const began = performance.now();
  const [memory, skews, frames] = [[], [], []];
  while (!load.ended && performance.now() - began < (SECONDS + 30) * 1000) {
    await wait(SAMPLE_SECONDS);
    const second = (performance.now() - began) / 1000;
    memory.push({ second, mib: rssMib(server.pid) });
    const ms = await skew(pages.whep);
    if (ms !== null && second > 10) skews.push(ms);
    frames.push({ whep: (await playback(pages.whep)).frames, hls: (await playback(pages.hls)).frames });
    console.log(`${Math.round(second)} s: ${memory.at(-1).mib.toFixed(1)} MiB, skew ${ms?.toFixed(1)} ms, frames ${JSON.stringify(frames.at(-1))}`);
  }
  const players = await Promise.all(Object.values(pages).map(async (page) => ({ ...(await playback(page)), errors: page.errors })));
  return { load: JSON.parse(load.stdout()), memory, skews, frames, players, serverLog: server.log() };
});

const after = result.memory.filter(({ second }) => second > WARM_UP_SECONDS).map(({ mib }) => mib);
const tenth = Math.max(1, Math.floor(after.length / 10));
const [early, late] = [average(after.slice(0, tenth)), average(after.slice(-tenth))];
const stalls = result.frames.slice(1).filter((now, i) => now.whep <= result.frames[i].whep || now.hls <= result.frames[i].hls).length;
const failures = [
  ...(result.load.errors ? [`load: ${result.load.errors_quoted.join('; ')}`] : []),
  ...(result.load.whep.lost ? [`${result.load.whep.lost} packets lost`] : []),
  ...result.players.flatMap(({ error, errors }) => [error, ...errors].filter(Boolean)),
  ...(late > early * (1 + GROWTH_MAX) ? [`memory grew from ${early.toFixed(1)} to ${late.toFixed(1)} MiB`] : []),
  ...(result.skews.length === 0 ? ['sound and picture could not be compared'] : []),
  ...(percentile(result.skews.map(Math.abs), 95) > SKEW_MAX_MS ? ['sound and picture are apart'] : []),
  ...(stalls ? [`a browser presented no frame in ${stalls} of ${result.frames.length} samples`] : []),
];

publish('performance.md', 'Soak', `
${conditions(`scripts/soak ${SECONDS}`)}
- ${VIEWERS} WHEP and ${VIEWERS} LL-HLS viewers of one 640x360 30 fps stream for ${SECONDS} s, one of each in Chromium.

| measure | figure |
|---|---|
| verdict | ${failures.length ? `FAILED: ${failures.join('; ')}` : 'passed'} |
| sessions that watched to the end | ${result.load.whep.watched_to_the_end} WHEP, ${result.load.hls.watched_to_the_end} LL-HLS of ${VIEWERS - 1} each, and both browsers |
| packets received, lost | ${result.load.whep.packets}, ${result.load.whep.lost} |
| parts fetched | ${result.load.hls.parts} |
| server memory, start and end after the first minute | ${early.toFixed(1)} MiB, ${late.toFixed(1)} MiB |
| sound against picture in Chromium by WHEP, ms: p50 / p95 / max | ${spread(result.skews.map(Math.abs), percentile)} |
| browser frames at the end (WHEP, LL-HLS) | ${result.players.map(({ frames, dropped }) => `${frames}, ${dropped} dropped`).join('; ')} |
`);
process.exitCode = failures.length ? 1 : 0;
