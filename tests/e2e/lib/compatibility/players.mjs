/** The columns: players. Each is asked to show a row's stream, and tells what it saw in the same terms (sighting.mjs). */
import { fileURLToPath } from 'node:url';
import { newPage } from '../browser.mjs';
import { getPlaylist, hlsUrl, presentation } from '../hls-client.mjs';
import { run } from '../processes.mjs';
import { until } from '../wait.mjs';
import { watchAiortc } from '../whip-clients.mjs';
import { STREAM } from './rows.mjs';
import { ENOUGH, refusalOf, Sighting } from './sighting.mjs';

const script = fileURLToPath(new URL('../page/observe.js', import.meta.url));
/** Room for two players side by side; without a GPU every presented picture is composed by the processor. */
const VIEWPORT = { width: 640, height: 400 };

/** What a busy machine may take until the first picture, and for each second of them. */
const [BEGIN_S, FOR_EACH_S] = [20, 4];
const limitS = ({ seconds }) => BEGIN_S + FOR_EACH_S * seconds;
const PROBE_EVERY_MS = 100;
const NOTHING = { pictures: 0, seconds: 0 };
/** Answers after which a client is to ask again. */
const AGAIN = [409, 503];

/** @type {{name: string, protocol: 'whep' | 'hls', by: 'chromium' | 'firefox' | 'ffmpeg' | 'aiortc'}[]} */
export const COLUMNS = [
  { name: 'Chromium, WebRTC', protocol: 'whep', by: 'chromium' },
  { name: 'Chromium, LL-HLS', protocol: 'hls', by: 'chromium' },
  { name: 'Firefox, WebRTC', protocol: 'whep', by: 'firefox' },
  { name: 'Firefox, LL-HLS', protocol: 'hls', by: 'firefox' },
  { name: 'FFmpeg 5, HLS', protocol: 'hls', by: 'ffmpeg' },
  { name: 'aiortc, WebRTC', protocol: 'whep', by: 'aiortc' },
];

/**
 * All of them at once.
 * @param {{chromium, firefox}} browsers
 * @returns {Promise<import('./sighting.mjs').Seen[]>} as COLUMNS are sorted
 */
export async function watchByAll(browsers, server, row) {
  const [chromium, firefox, ffmpeg, aiortc] = await Promise.all([
    byBrowser(browsers.chromium, server, row), byBrowser(browsers.firefox, server, row), byFfmpeg(server, row), byAiortc(server, row),
  ]);
  const seen = { chromium, firefox, ffmpeg: { hls: ffmpeg }, aiortc: { whep: aiortc } };
  return COLUMNS.map(({ by, protocol }) => seen[by][protocol]);
}

/** Our player by both protocols on one page. */
async function byBrowser(browser, server, row) {
  const page = await newPage(browser, { viewport: VIEWPORT });
  await page.addInitScript({ path: script });
  const players = { whep: new Sighting(row), hls: new Sighting(row) };
  const all = Object.values(players);
  let failure = null;
  try {
    await page.goto(`${server.origin}/watch/${STREAM}?protocol=both`);
    await until('both players have shown what they can', async () => {
      for (const [protocol, now] of Object.entries(await page.evaluate(() => window.__observe()))) players[protocol].note(now);
      return all.every((player) => player.isDone);
    }, { within: limitS(row) * 1000, every: PROBE_EVERY_MS }).catch((error) => {
      failure = error.message; // what there is by then is judged
    });
    return { whep: { ...players.whep.result, failure }, hls: { ...players.hls.result, failure } };
  } finally {
    await page.close();
  }
}

/** What FFmpeg decodes of the playlist, which is plain HLS to it. */
async function byFfmpeg(server, row) {
  await listsSegments(server, row);
  // By itself it hands out what it could not decode as well.
  const args = ['-v', 'error', '-err_detect', 'explode', '-read_intervals', `%+${row.seconds}`,
    '-show_entries', 'frame=media_type,best_effort_timestamp_time,width,height', '-of', 'json', hlsUrl(server, STREAM, 'index.m3u8')];
  const { code, bytes, errors } = await run('ffprobe', args, { ms: limitS(row) * 1000 });
  const { frames } = code === 0 ? JSON.parse(bytes) : { frames: [] };
  const pictures = frames.filter((frame) => frame.media_type === 'video');
  const times = pictures.map((frame) => Number(frame.best_effort_timestamp_time));
  const sizes = [...new Set(pictures.map(({ width, height }) => `${width}x${height}`))];
  const sound = frames.some((frame) => frame.media_type === 'audio');
  const isBroken = /error while decoding|decode_slice_header error/.test(errors);
  const seconds = pictures.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
  return { pictures: pictures.length, seconds, sound, sizes, refusal: null, isBroken, last: { code, errors: errors.slice(-500) } };
}

/** Of a playlist that lists parts and no segment yet, FFmpeg 5 crashes. */
async function listsSegments(server, row) {
  const { uris } = await presentation(server, STREAM);
  await until('a segment in every playlist', async () => {
    const texts = await Promise.all(uris.map(async (uri) => (await getPlaylist(hlsUrl(server, STREAM, uri))).text));
    return texts.every((text) => text.includes('#EXTINF'));
  }, { within: limitS(row) * 1000 });
}

/** Offers H.264 and Opus alone. */
async function byAiortc(server, row) {
  const wanted = { pictures: 0, samples: row.sound ? 48_000 * row.seconds : 0, seconds: limitS(row), steadily: row.picture ? row.seconds : 0, rate: ENOUGH * row.fps };
  const result = await until('an answer that holds', async () => {
    const now = await watchAiortc(`${server.origin}/whep/${STREAM}`, wanted);
    return !AGAIN.includes(now.status) && now;
  }, { within: BEGIN_S * 1000 }).catch((error) => ({ error: error.message, sizes: [] }));
  const refusal = result.problem ? refusalOf(result.problem) : null;
  return { ...NOTHING, ...result.steady, sound: result.loudest > 500, sizes: result.sizes, refusal, last: result };
}
