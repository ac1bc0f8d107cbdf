/**
 * The rows: encoders and their settings. Whoever publishes does so until its context ends; pictures are small, since one
 * machine encodes them and decodes them six times.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPUS, publishEnhanced, VIDEO, x265 } from '../enhanced-rtmp.mjs';
import { slug } from '../harness.mjs';
import { publishObs, serviceFile } from '../obs.mjs';
import { output, start } from '../processes.mjs';
import { ffmpegArgs, h264, publishFfmpeg } from '../publishers.mjs';
import { scratch } from '../scratch.mjs';
import { publishAiortc, publishFfmpegWhip, publishGstreamer, publishObsTwin, recordTransportStream } from '../whip-clients.mjs';
import { publishWhip } from '../whip.mjs';
import { alternate } from './flv.mjs';

const FPS = 30;
const SIZE = '320x180';
const STREAM = 'show';
const SMALL = { fps: FPS, size: SIZE, mark: 'none' };
/** How long each of two encodings goes on where a source changes, and how much of it a player has to show: more than one. */
const TURN_S = 4;
const PAST_A_CHANGE_S = TURN_S + 2;
const FILM_S = 80;
/** A canvas is drawn by a timer. */
const CANVAS = { width: 320, height: 180, fps: 20 };

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {(t, server, use: {chromium}) => Promise<void>} publish as the stream `show`
 * @property {boolean} picture @property {boolean} sound what is published
 * @property {number} fps
 * @property {number} seconds of pictures that a player has to show
 * @property {boolean} isChanging its encoder changes its settings in mid-stream
 * @property {string[]} sizes that a player has to show then
 */
const row = (name, publish, more = {}) => ({ name, publish, picture: true, sound: true, fps: FPS, seconds: 2, isChanging: false, sizes: [], ...more });

const byObs = (settings) => async (t, server) => publishObs(t, server, STREAM, await settings());
const byX264 = (options) => async (t, server) => publishFfmpeg(t, server.rtmp(STREAM), { ...SMALL, ...options });
const byFfmpeg9 = (options) => async (t, server) => publishEnhanced(t, server.rtmp(STREAM), { fps: FPS, size: SIZE, ...options });
const byWhip = (publish) => async (t, server) => publish(t, `${server.origin}/whip/${STREAM}`, { fps: FPS, size: SIZE, mark: 'none' });
const byChromium = (codec) => async (t, server, { chromium }) => {
  const page = await publishWhip(chromium, server, STREAM, { ...CANVAS, codec });
  t.after(() => page.close());
};

const more = (video, ...options) => [...h264(video), ...options];

const OBS = [
  row('OBS 29, untouched', byObs(() => ({ x264: '', preset: 'veryfast' }))),
  row('OBS 29, by docs/obs.md', byObs(() => ({}))),
  row('OBS 29, by config/obs/services.json', byObs(async () => ({ x264: '', preset: 'veryfast', service: await serviceFile() }))),
];

const X264 = [
  ...[0, 1, 2, 3, 4].map((count) => row(`RTMP, x264, \`-bf ${count}\``, byX264({
    // As many as were asked for, whatever the picture is.
    video: more({ ...SMALL, bframes: count }, '-b_strategy', '0'),
  }))),
  ...[1, 2, 4, 8, 10].map((seconds) => row(`RTMP, x264, a key frame every ${seconds} s`, byX264({ gop: seconds * FPS }))),
  ...['Baseline', 'Main', 'High'].map((name) => row(`RTMP, x264, ${name}`, byX264({ profile: name.toLowerCase() }))),
  row('RTMP, x264, High 4:2:2', byX264({ profile: 'high422', pixels: 'yuv422p' })),
  row('RTMP, x264, High 10', byX264({ profile: 'high10', pixels: 'yuv420p10le' })),
  row('RTMP, x264, High 4:4:4', byX264({ profile: 'high444', pixels: 'yuv444p' })),
  row('RTMP, x264, interlaced', byX264({ video: more(SMALL, '-flags', '+ildct+ilme', '-x264-params', 'tff=1') })),
];

const UNUSUAL = [
  row('RTMP, a variable frame rate', byX264({
    // Of each second 0.4 at 30 frames a second and the rest at 10.
    video: more(SMALL, '-vf', 'select=lt(mod(n\\,30)\\,12)+not(mod(n\\,3)),format=yuv420p', '-fps_mode', 'vfr'),
  }), { fps: 18 }),
  row('RTMP, 44.1 kHz', byX264({ rate: 44_100, sound: ['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-ar', '44100'] })),
  row('RTMP, mono', byX264({ sound: ['-c:a', 'aac', '-b:a', '64k', '-ac', '1'] })),
  row('RTMP, no sound', byX264({ audio: false }), { sound: false }),
  row('RTMP, no picture', byX264({ video: null }), { picture: false }),
  row('RTMP, another SPS in mid-stream', alternately([{ profile: 'main' }, { profile: 'high' }]), { isChanging: true, seconds: PAST_A_CHANGE_S }),
  row('RTMP, another size in mid-stream', alternately([{ size: SIZE }, { size: '480x270' }]), {
    isChanging: true, seconds: PAST_A_CHANGE_S, sizes: [SIZE, '480x270'],
  }),
];

const ENHANCED = [
  row('Enhanced RTMP, H.265', byFfmpeg9({ video: VIDEO.h265 })),
  row('Enhanced RTMP, H.265, open groups', byFfmpeg9({ video: x265({ openGop: 1 }) })),
  row('Enhanced RTMP, AV1', byFfmpeg9({ video: VIDEO.av1 })),
  row('Enhanced RTMP, VP9', byFfmpeg9({ video: VIDEO.vp9 })),
  row('Enhanced RTMP, H.264 and Opus', byFfmpeg9({ video: h264(SMALL), sound: OPUS })),
];

const WHIP = [
  row('WHIP, OBS 32 (twin)', byWhip(publishObsTwin)),
  row('WHIP, FFmpeg 9', byWhip(publishFfmpegWhip)),
  row('WHIP, GStreamer', byWhip(publishGstreamer)),
  row('WHIP, aiortc', byWhip(async (t, endpoint, picture) => {
    const file = join(scratch(t, 'aiortc'), 'film.ts');
    await recordTransportStream(file, { ...picture, seconds: FILM_S });
    return publishAiortc(t, endpoint, { file });
  })),
  ...['H.264', 'VP8', 'VP9', 'AV1'].map((name) => row(`WHIP, Chromium, ${name}`, byChromium(name.replace('.', '')), { fps: CANVAS.fps })),
];

/** Sorted as they stand in the document. @type {Row[]} */
export const ROWS = [...OBS, ...X264, ...UNUSUAL, ...ENHANCED, ...WHIP];

export { STREAM };

/** One film in two encodings, which are sent in turn without a new connection. */
function alternately(encodings) {
  return async (t, server) => {
    const folder = scratch(t, 'turns');
    const films = encodings.map((encoding, n) => ({ file: join(folder, `${n}.flv`), encoding }));
    await Promise.all(films.map(({ file, encoding }) => {
      const args = ffmpegArgs(file, { ...SMALL, ...encoding, seconds: FILM_S });
      return output('ffmpeg', args.filter((word) => word !== '-re'));
    }));
    const file = join(folder, 'film.flv');
    writeFileSync(file, alternate(films.map((film) => readFileSync(film.file)), TURN_S * 1000));
    const publisher = start(`${slug(t.name)}.ffmpeg`, 'ffmpeg', ['-hide_banner', '-nostats', '-loglevel', 'warning', '-re', '-i', file,
      '-c', 'copy', '-f', 'flv', '-flvflags', 'no_duration_filesize', server.rtmp(STREAM)]);
    t.after(() => publisher.stop());
  };
}
