/** FFmpeg 9 as a publisher by Enhanced RTMP: Debian's own FFmpeg is too old for it. */
import { slug } from './harness.mjs';
import { start } from './processes.mjs';
import { ffmpegArgs } from './publishers.mjs';
import { ffmpeg9 } from './whip-clients.mjs';

export const OPUS = ['-c:a', 'libopus', '-b:a', '96k', '-ac', '2'];

/** FFmpeg's arguments for H.265 with two B-frames; `keyint` in frames. */
export const x265 = ({ keyint = 60, openGop = 0 } = {}) => ['-c:v', 'libx265', '-preset', 'ultrafast', '-b:v', '800k',
  '-x265-params', `keyint=${keyint}:min-keyint=${keyint}:scenecut=0:open-gop=${openGop}:bframes=2:log-level=error`];

/** FFmpeg's arguments for each codec, with a key frame every 60 pictures. */
export const VIDEO = {
  h265: x265(),
  // Its sequence header in the tags is empty.
  av1: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-row-mt', '1', '-b:v', '800k', '-g', '60'],
  vp9: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '800k', '-g', '60'],
};

/** Pushes a test picture and a tone in real time until it is stopped; `video`, `sound` and the rest as for `publishFfmpeg`. */
export function publishEnhanced(t, url, { video, ...options }) {
  const args = ffmpegArgs(url, { ...options, video: ['-pix_fmt', 'yuv420p', ...video], output: ['-rtmp_enhanced_codecs', 'hvc1,av01,vp09'] });
  const publisher = start(`${slug(t.name)}.ffmpeg9`, ffmpeg9(), args);
  t.after(() => publisher.stop());
  return publisher;
}
