/** Real publishers: FFmpeg here, OBS in obs.mjs. 640x360 at most, because the machine has two cores and the players need one. */
import { clockFilter, counterFilter } from './barcode.mjs';
import { start } from './processes.mjs';
import { slug } from './harness.mjs';

/**
 * Pushes a test picture and a tone in real time until it is stopped.
 * @param {import('node:test').TestContext} t
 * @param {string} url e.g. `server.rtmp('demo')`
 * @param {{fps?: number, gop?: number, bframes?: number, lookahead?: boolean, profile?: string, pixels?: string, mark?: 'counter' | 'clock' | 'none',
 *   first?: number, size?: string, video?: string[] | null, audio?: boolean, sound?: string[], rate?: number, seconds?: number,
 *   output?: string[]}} options `gop` in frames; `mark` is what is burnt into the picture, `first` the number its counter begins
 *   with; `video` and `sound` are other encoders, `video` null for no picture; `rate` is the tone's; `output` goes before the address
 * @param {{inside?: import('./netns.mjs').Namespace}} where the namespace it runs in
 */
export function publishFfmpeg(t, url, options = {}, { inside } = {}) {
  const [program, ...before] = inside ? inside.argv('ffmpeg') : ['ffmpeg'];
  const publisher = start(`${slug(t.name)}.ffmpeg`, program, [...before, ...ffmpegArgs(url, options)]);
  t.after(() => publisher.stop());
  return publisher;
}

export function ffmpegArgs(url, options = {}) {
  const { audio = true, video = h264(options), sound = AAC, output = [] } = options;
  return [...pictureAndTone(options), ...(video ?? ['-vn']), ...(audio ? sound : ['-an']), '-f', 'flv', '-flvflags', 'no_duration_filesize', ...output, url];
}

export const AAC = ['-c:a', 'aac', '-b:a', '96k', '-ac', '2'];

/** FFmpeg's arguments for a picture and a tone in real time. */
export function pictureAndTone({ fps = 30, size = '640x360', video, audio = true, rate = 48_000, seconds } = {}) {
  const picture = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}`];
  const tone = ['-re', '-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${rate}`];
  return ['-hide_banner', '-nostats', '-loglevel', 'warning', ...(video === null ? [] : picture), ...(audio ? tone : []), ...(seconds ? ['-t', `${seconds}`] : [])];
}

/** FFmpeg's arguments for the picture's marks and encoder. */
export function h264({ fps = 30, gop = 60, bframes = 0, lookahead = bframes > 0, profile = 'high', pixels = 'yuv420p', mark = 'counter', first = 0 } = {}) {
  // The clock starts near zero: FFmpeg's readers wait for ever when audio and video start far apart.
  const marks = { counter: counterFilter(first), clock: clockFilter(clockZero(), fps), none: 'null' };
  return ['-vf', `${marks[mark]},format=${pixels}`, '-c:v', 'libx264', '-preset', 'superfast', '-profile:v', profile,
    // Without B-frames as a low-latency encoder; with them x264 looks ahead, unless it is told not to.
    ...(lookahead ? [] : ['-tune', 'zerolatency']), '-bf', `${bframes}`,
    '-g', `${gop}`, '-keyint_min', `${gop}`, '-sc_threshold', '0', '-b:v', '1200k', '-maxrate', '1200k', '-bufsize', '1200k'];
}

let zero;

/** Second that the burnt clocks of this process count from. */
export function clockZero() {
  zero ??= Math.floor(Date.now() / 1000);
  return zero;
}
