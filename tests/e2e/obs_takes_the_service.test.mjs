/** The service file for OBS, config/obs/services.json: as OBS's own schema has it, and as OBS takes it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { startServer } from './lib/harness.mjs';
import { publishObs, serviceFile } from './lib/obs.mjs';
import { until } from './lib/wait.mjs';

const read = (name) => readFileSync(new URL(`../../config/obs/${name}`, import.meta.url), 'utf8');

/** plugins/rtmp-services/data/schema/service-schema-v5.json of OBS 32.2, `additionalProperties: false` throughout. */
const SERVICE = {
  name: 'string', protocol: 'string', common: 'boolean', stream_key_link: 'string', more_info_link: 'string', servers: 'object',
  'supported video codecs': 'object', 'supported audio codecs': 'object', recommended: 'object', alt_names: 'object',
};
const RECOMMENDED = {
  keyint: 'number', bframes: 'number', profile: 'string', 'max video bitrate': 'number', 'max audio bitrate': 'number', x264opts: 'string',
  'max fps': 'number', 'supported resolutions': 'object', 'bitrate matrix': 'object', output: 'string',
};

function hasOnly(object, types) {
  for (const [name, value] of Object.entries(object)) assert.equal(typeof value, types[name], `"${name}" of ${JSON.stringify(object)}`);
}

test('the file has the names and types of the schema', () => {
  const { format_version: version, services, ...rest } = JSON.parse(read('services.json'));
  assert.deepEqual([version, services.length, rest], [5, 1, {}]);
  const [service] = services;
  hasOnly(service, SERVICE);
  hasOnly(service.recommended, RECOMMENDED);
  for (const server of service.servers) {
    assert.deepEqual(Object.keys(server), ['name', 'url']);
    assert.match(server.url, /^rtmps?:\/\//);
  }
  assert.match(service.more_info_link, /^https?:\/\/.+/);
  assert.ok(service['supported video codecs'].every((codec) => ['h264', 'hevc', 'av1'].includes(codec)));
  assert.ok(service['supported audio codecs'].every((codec) => ['aac', 'opus'].includes(codec)));
  assert.ok(['high', 'main', 'baseline'].includes(service.recommended.profile));
  assert.match(service.recommended.x264opts, /^(\S+=\S+\s*)+$/);
  assert.ok(Object.entries(service.recommended).every(([, value]) => typeof value !== 'number' || Number.isInteger(value)));
  const { keyint, bframes } = service.recommended;
  assert.deepEqual([keyint, bframes], [2, 0]);
  assert.deepEqual(JSON.parse(read('package.json')).files, [{ name: 'services.json', version: 1_000_000 }]);
});

test('obs takes it', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  // By itself this preset has three B-frames, and OBS a key frame every 250 frames.
  await publishObs(t, server, 'show', { x264: '', preset: 'veryfast', service: await serviceFile() });
  await waitLive(server, 'show');
  const { video, verdicts } = await until('a whole GOP', async () => {
    const info = await streamInfo(server, 'show');
    return info.video.gop_ms !== null && info;
  });
  t.diagnostic(`${video.codecs}, a key frame every ${video.gop_ms} ms; ${verdicts.map(({ code }) => code)}`);
  assert.deepEqual([video.b_frames, video.gop_ms, video.profile], [false, 2000, 'High']);
  assert.ok(!verdicts.some(({ code }) => ['b_frames', 'long_gop'].includes(code)));
});
