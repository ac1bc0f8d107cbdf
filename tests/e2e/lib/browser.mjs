/** Chromium as Debian ships it, and what the tests ask of the real watch page. */
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { COUNTER, decodeCells } from './barcode.mjs';
import { until } from './wait.mjs';

const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
  // Host candidates as plain addresses: there is nobody to answer mDNS here.
  '--disable-features=WebRtcHideLocalIpsWithMdns'];

/** Small: without a GPU every presented frame is scaled and composed by the processor. */
const VIEWPORT = { width: 720, height: 560 };

const scripts = ['hooks.js', 'strip-reader.js', 'frame-log.js'].map((name) => fileURLToPath(new URL(`./page/${name}`, import.meta.url)));

/**
 * Launches a browser that is closed when the test ends.
 * @param {{args?: string[], inside?: import('./netns.mjs').Namespace}} options `args` beside the usual ones; `inside` the
 *   namespace it runs in
 */
export async function launchBrowser(t, { args = [], inside } = {}) {
  const executablePath = inside?.executable(CHROMIUM) ?? CHROMIUM;
  const browser = await chromium.launch({ executablePath, headless: true, args: [...ARGS, ...args] });
  t.after(() => browser.close());
  return browser;
}

/** A page with our page-side helpers in it, not navigated yet. Page errors are kept in `page.errors`. */
export async function newPage(browser, { viewport = VIEWPORT } = {}) {
  const page = await browser.newPage({ viewport });
  for (const path of scripts) await page.addInitScript({ path });
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.errors.push(message.text()));
  return page;
}

/**
 * Opens `/watch/{stream}` and waits until the players asked for present frames.
 * @param {'whep' | 'hls' | 'both'} protocol
 * @param {{within?: number, prepare?: (page) => Promise<void>}} options `prepare` is given the page before it navigates
 */
export async function watch(browser, server, stream, protocol, { within = 20_000, prepare } = {}) {
  const page = await newPage(browser);
  await prepare?.(page);
  await page.goto(`${server.origin}/watch/${stream}?protocol=${protocol}`);
  const wanted = protocol === 'both' ? ['hls', 'whep'] : [protocol];
  await until(`pictures by ${wanted.join(' and ')}`, async () => {
    const playing = await page.evaluate(() => window.__players().filter((p) => p.video.videoWidth > 0 && p.video.currentTime > 0)
      .map(window.__protocolOf).sort());
    return wanted.every((name) => playing.includes(name));
  }, { within });
  return page;
}

/** Decoder counters of the first player on the page. */
export function playback(page) {
  return page.evaluate(() => {
    const { video } = window.__players()[0];
    const quality = video.getVideoPlaybackQuality();
    return {
      frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, width: video.videoWidth, height: video.videoHeight,
      time: video.currentTime, audioBytes: video.webkitAudioDecodedByteCount, error: video.error?.message ?? null,
    };
  });
}

/** getStats of the page's WHEP player: `{state, video, audio, transport}`, null before there is one. */
export const whepStats = (page) => page.evaluate(() => window.__whepStats());

/** How far the sound is ahead of the picture as Chromium plays them, ms; both carry the origin's clock by sender reports. */
export async function skew(page) {
  const { audio, video } = await whepStats(page);
  const both = audio.estimatedPlayoutTimestamp && video.estimatedPlayoutTimestamp;
  return both ? audio.estimatedPlayoutTimestamp - video.estimatedPlayoutTimestamp : null;
}

/** The candidate pair a page's first peer connection uses, with both candidates; null before there is one. */
export const selectedPair = (page) => page.evaluate(async () => {
  const stats = await window.__peers[0].getStats();
  const transport = [...stats.values()].find((report) => report.type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId);
  return pair ? { ...pair, local: stats.get(pair.localCandidateId), remote: stats.get(pair.remoteCandidateId) } : null;
});

/** The players start muted, as pages must; a muted element's audio statistics are those of silence. */
export const unmute = (page) => page.evaluate(() => window.__players().forEach((p) => { p.video.muted = false; }));

/** Starts logging the frames of every player on the page. */
export const startFrameLogs = (page, layout = COUNTER) =>
  page.evaluate((l) => window.__players().forEach((p) => window.__startFrameLog(p, l)), layout);

/** The newest pts the page's player reported, null before the first. */
export const reportedPts = (page) => page.evaluate(() => window.__frameLogs[0].pts);

/**
 * What was logged since, by protocol: `{whep: {frames, states}, hls: …, arrivals}`; each frame has its `counter`, null
 * where none could be read.
 */
export async function collectFrameLogs(page, layout = COUNTER) {
  const { logs, arrivals } = await page.evaluate(() => ({ logs: window.__frameLogs, arrivals: window.__arrivals }));
  const result = { arrivals };
  for (const log of logs) {
    // The last frame's cells or cards may still be on their way.
    const frames = log.frames.filter((frame) => frame.dom);
    result[log.protocol] = { states: log.states, frames: frames.map((frame) => ({ ...frame, counter: number(frame, layout) })) };
  }
  return result;
}

const number = ({ cells }, layout) => (cells ? decodeCells(cells, layout) : null);
