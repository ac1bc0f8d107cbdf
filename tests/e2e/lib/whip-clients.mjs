/** Real clients that publish by WHIP, none of them a browser: H.264 and Opus, 640x360, until they are stopped. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slug } from './harness.mjs';
import { output, start } from './processes.mjs';
import { h264, pictureAndTone } from './publishers.mjs';

const here = (file) => fileURLToPath(new URL(`./${file}`, import.meta.url));

/** Where scripts/test puts the packages of requirements.txt. */
const VENV = process.env.SHOPCAST_E2E_VENV ?? fileURLToPath(new URL('../../../.cache/python', import.meta.url));
export const PYTHON = join(VENV, 'bin', 'python');
/** PyGObject comes from Debian, for its own Python. */
const SYSTEM_PYTHON = '/usr/bin/python3';

/** FFmpeg 9, the binary in the wheel of imageio-ffmpeg: Debian's own has no WHIP. */
export function ffmpeg9() {
  const lib = join(VENV, 'lib');
  const [python] = readdirSync(lib);
  const folder = join(lib, python, 'site-packages', 'imageio_ffmpeg', 'binaries');
  return join(folder, readdirSync(folder).find((name) => name.startsWith('ffmpeg-')));
}

const OPUS = ['-c:a', 'libopus', '-b:a', '96k', '-ac', '2', '-frame_duration', '20'];

/**
 * FFmpeg 9 with its own WHIP client, which ends with DELETE.
 * @param {{dtls?: 'active' | 'passive'}} options its role, or as for `h264`
 */
export function publishFfmpegWhip(t, endpoint, { dtls = 'passive', ...picture } = {}) {
  const role = dtls === 'active' ? ['-whip_flags', 'dtls_active'] : [];
  const args = [...pictureAndTone(picture), ...h264(picture), ...OPUS, '-f', 'whip', ...role, endpoint];
  const child = publisher(t, 'ffmpeg9', ffmpeg9(), args, { stdin: 'pipe' });
  const kill = child.stop;
  // A signal interrupts its DELETE as well; this is its way to be asked.
  child.stop = () => {
    if (!child.ended) child.child.stdin.write('q');
    return kill(0); // no signal, only the wait
  };
  return child;
}

/**
 * OBS 32's twin on libdatachannel; see obs-twin.mjs.
 * @param {{port?: number}} options of a relay in front of the server's media port, or as for `h264`
 */
export function publishObsTwin(t, endpoint, { port, fps = 30, ...picture } = {}) {
  const video = ['-map', '0:v', ...h264({ fps, ...picture }), '-x264-params', 'aud=1', '-f', 'h264', 'pipe:3'];
  const audio = ['-map', '1:a', ...OPUS, '-page_duration', '20000', '-f', 'ogg', 'pipe:4'];
  const encoder = [...pictureAndTone({ fps, size: picture.size }), ...video, ...audio];
  return publisher(t, 'obs-twin', process.execPath, [here('obs-twin.mjs'), JSON.stringify({ endpoint, encoder, fps, port })]);
}

/**
 * GStreamer's webrtcbin, with OpenH264 as its encoder.
 * @param {{sets?: 'stream' | 'offer'}} options where the parameter sets are: before every key frame, or in the offer alone
 */
export function publishGstreamer(t, endpoint, { sets = 'stream' } = {}) {
  return publisher(t, 'gst-whip', SYSTEM_PYTHON, [here('gst_whip.py'), endpoint, sets]);
}

/** aiortc, which sends the packets of a file as they are. */
export async function publishAiortc(t, endpoint, { file }) {
  return publisher(t, 'aiortc-whip', PYTHON, [here('aiortc_whip.py'), endpoint, file]);
}

/** Makes the file that `publishAiortc` sends: an MPEG transport stream, H.264 as Annex B. */
export function recordTransportStream(file, { seconds, ...picture }) {
  const sources = pictureAndTone({ seconds, size: picture.size }).filter((word) => word !== '-re');
  return output('ffmpeg', [...sources, ...h264(picture), ...OPUS, '-f', 'mpegts', '-y', file]);
}

/**
 * Watches by WHEP with aiortc until it has decoded so much, `steadily` so many seconds after it settled.
 * @returns what it decoded, at the latest `seconds` after connecting; where it is refused, the `problem`
 */
export async function watchAiortc(endpoint, { pictures, samples, seconds, steadily = 0, rate = 0 }) {
  const wanted = [pictures, samples, seconds, steadily, rate].map((number) => `${number}`);
  const printed = await output(PYTHON, [here('aiortc_whep.py'), endpoint, ...wanted], { ms: (seconds + 30) * 1000 });
  return JSON.parse(printed.trim().split('\n').at(-1));
}

function publisher(t, name, command, args, options) {
  const child = start(`${slug(t.name)}.${name}`, command, args, options);
  t.after(() => child.stop());
  /** What it printed, one JSON object a line, folded into one. */
  child.facts = () => Object.assign({}, ...child.stdout().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)));
  return child;
}
