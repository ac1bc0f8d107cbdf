/** Which versions of the clients were tried. */
import { readFileSync } from 'node:fs';
import { output } from '../processes.mjs';
import { ffmpeg9, PYTHON } from '../whip-clients.mjs';

const described = (path) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
/** Behind the program's name, which may have a number of its own. */
const first = async (program, ...args) => /(?:^|version n?| - )(\d+(?:\.\d+)+)/.exec(await output(program, args))[1];

/** @param {{chromium, firefox}} browsers as they run */
export async function versions({ chromium, firefox }) {
  const [ffmpeg, newest, obs, gstreamer, aiortc] = await Promise.all([
    first('ffmpeg', '-version'), first(ffmpeg9(), '-version'), first('obs', '--version'), first('gst-launch-1.0', '--version'),
    first(PYTHON, '-c', 'import aiortc; print(aiortc.__version__)'),
  ]);
  return {
    Chromium: await chromium.version(), Firefox: (await firefox.version()).replace(/^\D+/, ''),
    'hls.js': described('../../web/packages/player/package.json').dependencies['hls.js'],
    FFmpeg: `${ffmpeg} (x264, HLS); ${newest} (Enhanced RTMP, WHIP)`, 'OBS Studio': obs, GStreamer: gstreamer, aiortc,
    'OBS 32’s twin': `node-datachannel ${described('package.json').dependencies['node-datachannel']}`,
  };
}
