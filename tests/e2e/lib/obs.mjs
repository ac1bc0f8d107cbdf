/** OBS Studio as a publisher: a real window on a virtual display, configured from the templates in ../obs. */
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slug } from './harness.mjs';
import { output, start } from './processes.mjs';
import { scratch } from './scratch.mjs';
import { Hopeless, until } from './wait.mjs';

const templates = fileURLToPath(new URL('../obs/', import.meta.url));
const FILLED = ['basic/profiles/e2e/basic.ini', 'basic/profiles/e2e/service.json', 'basic/scenes/e2e.json'];

/** What a user types into OBS for WebRTC viewers: no B-frames, a key frame every two seconds. */
export const NO_BFRAMES = 'bframes=0 keyint=60 scenecut=0 tune=zerolatency';

/**
 * Starts OBS streaming a looped clip with a tone.
 * @param {{rtmp: (stream: string) => string}} server
 * @param {{x264?: string, preset?: string, service?: string}} options `service` is a list of services, of which the first is
 *   chosen; else the server's address is typed in
 */
export async function publishObs(t, server, stream, { x264 = NO_BFRAMES, preset = 'ultrafast', service } = {}) {
  const home = scratch(t, 'obs');
  const clip = join(home, 'clip.mp4');
  await output('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30',
    '-f', 'lavfi', '-i', 'sine=frequency=660:sample_rate=48000', '-t', '10', '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ac', '2', clip]);
  const url = server.rtmp(stream).replace(`/${stream}`, '');
  configure(home, { '@SERVER@': url, '@KEY@': stream, '@X264@': x264, '@PRESET@': preset, '@CLIP@': clip });
  if (service) chooseService(home, service, { server: url, key: stream });
  const display = await startDisplay(t);
  const runtime = join(home, 'run');
  mkdirSync(runtime);
  chmodSync(runtime, 0o700);
  const obs = start(`${slug(t.name)}.obs`, 'obs', ['--startstreaming', '--multi', '--profile', 'e2e', '--collection', 'e2e', '--scene', 'S'], {
    env: { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), XDG_RUNTIME_DIR: runtime, DISPLAY: display, LIBGL_ALWAYS_SOFTWARE: '1' },
  });
  t.after(() => obs.stop());
  await until('OBS says that it streams', () => {
    if (obs.ended) throw new Hopeless(`OBS ended: ${obs.log().slice(-2000)}`);
    return /Streaming Start/.test(obs.log());
  }, { within: 40_000 });
  return obs;
}

function configure(home, values) {
  const folder = join(home, '.config/obs-studio');
  cpSync(templates, folder, { recursive: true });
  for (const name of FILLED) {
    const file = join(folder, name);
    let text = readFileSync(file, 'utf8');
    for (const [placeholder, value] of Object.entries(values)) text = text.replaceAll(placeholder, value);
    writeFileSync(file, text);
  }
}

/** config/obs/services.json for the OBS that is installed: the format's number is all that differs (docs/obs.md). */
export async function serviceFile() {
  const minor = Number(/(\d+)\.(\d+)/.exec(await output('obs', ['--version']))?.slice(1, 3).join('.'));
  const text = readFileSync(new URL('../../../config/obs/services.json', import.meta.url), 'utf8');
  return text.replace('"format_version": 5', `"format_version": ${minor < 29.1 ? 4 : 5}`);
}

/** What a user does by docs/obs.md. */
function chooseService(home, service, settings) {
  const list = JSON.parse(service);
  list.services[0].servers[0].url = settings.server;
  const folder = join(home, '.config/obs-studio/plugin_config/rtmp-services');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'services.json'), JSON.stringify(list));
  writeFileSync(join(folder, 'package.json'), readFileSync(new URL('../../../config/obs/package.json', import.meta.url)));
  const chosen = { type: 'rtmp_common', settings: { ...settings, service: list.services[0].name } };
  writeFileSync(join(home, '.config/obs-studio/basic/profiles/e2e/service.json'), JSON.stringify(chosen));
}

/** An X display of our own; Xvfb picks a free number and prints it. */
async function startDisplay(t) {
  const xvfb = start(`${slug(t.name)}.xvfb`, 'Xvfb', ['-displayfd', '1', '-screen', '0', '1024x600x24', '-nolisten', 'tcp']);
  t.after(() => xvfb.stop());
  const number = await until('Xvfb is up', () => {
    if (xvfb.ended) throw new Hopeless(`Xvfb ended: ${xvfb.log()}`);
    return /^\d+$/m.exec(xvfb.stdout())?.[0];
  });
  return `:${number}`;
}
