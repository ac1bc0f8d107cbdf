/** A WHEP viewer that shares nothing with a browser: GStreamer's webrtcbin connects, decodes pictures and sound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitLive } from './lib/api.mjs';
import { startServer } from './lib/harness.mjs';
import { output } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';

const script = fileURLToPath(new URL('./lib/gst_whep.py', import.meta.url));
const SECONDS = 8;

test('gstreamer plays by WHEP', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'));
  await waitLive(server, 'demo');
  // The system's own python3: PyGObject comes from Debian.
  const printed = await output('/usr/bin/python3', [script, `${server.origin}/whep/demo`, `${SECONDS}`], { ms: 40_000 });
  const result = JSON.parse(printed.trim().split('\n').at(-1));
  t.diagnostic(JSON.stringify(result));
  assert.equal(result.status, 201, result.error);
  assert.match(result.location, /\/whep\/demo\/[\w-]{16,}$/, 'a session address nobody can guess');
  assert.equal(result.state, 'connected');
  // Connecting may take two of the eight seconds on a busy machine.
  assert.ok(result.video >= 0.75 * 30 * (SECONDS - 2), `${result.video} pictures decoded`);
  assert.ok(result.samples >= 0.75 * 48_000 * (SECONDS - 2), `${result.samples} samples of sound decoded`);
  assert.ok(result.key >= 2, `${result.key} key frames`);
});
