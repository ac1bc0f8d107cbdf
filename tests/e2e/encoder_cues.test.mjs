/** FFmpeg's text subtitles are `onTextData`: by rule they fire prepared cues and hide cards, where the publisher may. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listCues, product, showCue, waitLive } from './lib/api.mjs';
import { slug, startServer } from './lib/harness.mjs';
import { start } from './lib/processes.mjs';
import { h264, pictureAndTone } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'demo';
const TOKEN = 'an-api-token-of-enough-characters';
const RULES = '[{message="onTextData", prefix="fire ", action="fire"},'
  + '{message="onTextData", prefix="hide ", action="hide", stream_keys=true},'
  + '{message="onTextData", prefix="cue ", action="cue"}]';

/** What the encoder says, second by second from the fourth on. */
const LINES = ['good evening', 'fire scene', 'hide mug', `cue ${JSON.stringify(showCue('bowl', { payload: product(2), at: undefined }))}`, 'fire nothing'];

function publishWithText(t, url) {
  const stamp = (s) => `00:00:${String(s).padStart(2, '0')},000`;
  const file = join(scratch(t, 'said'), 'said.srt');
  writeFileSync(file, LINES.map((line, n) => `${n + 1}\n${stamp(4 + n)} --> ${stamp(5 + n)}\n${line}\n`).join('\n'));
  const publisher = start(`${slug(t.name)}.ffmpeg`, 'ffmpeg', [...pictureAndTone(), '-i', file, '-map', '0:v', '-map', '1:a', '-map', '2:s',
    ...h264(), '-c:a', 'aac', '-ac', '2', '-c:s', 'text', '-f', 'flv', '-flvflags', 'no_duration_filesize', url]);
  t.after(() => publisher.stop());
}

const outcomes = async (server) => {
  const text = await (await fetch(`${server.origin}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
  return Object.fromEntries([...text.matchAll(/^shopcast_encoder_cues_total\{outcome="(\w+)"\} (\d+)$/gm)].map(([, name, count]) => [name, Number(count)]));
};
const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

test('an encoder cues by rule', { timeout: 60_000 }, async (t) => {
  const server = await startServer(t, { env: { SHOPCAST_RTMP__CUE_RULES: RULES } });
  publishWithText(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const { at, ...mug } = showCue('mug');
  const armed = await fetch(`${server.origin}/v1/streams/${STREAM}/armed/scene`, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ cues: [mug] }),
  });
  assert.equal(armed.status, 204, await armed.text());
  const counts = await until('all that was said is counted', async () => {
    const now = await outcomes(server);
    return total(now) === LINES.length && now;
  });
  assert.deepEqual(counts, { no_rule: 1, done: 3, refused: 1 });
  const cues = await listCues(server, STREAM);
  assert.deepEqual(cues.map(({ op, card_id: card, kind }) => [op, card, kind]), [['show', 'mug', 'product'], ['hide', 'mug', null], ['show', 'bowl', 'product']]);
  const apart = cues.slice(1).map(({ pts }, n) => (pts - cues[n].pts) / 90_000);
  for (const seconds of apart) assert.ok(Math.abs(seconds - 1) < 0.3, `a second apart, as they were said: ${apart}`);
});

test('whose publisher may insert no cues cues nothing', { timeout: 60_000 }, async (t) => {
  const server = await startServer(t, { env: { SHOPCAST_RTMP__CUE_RULES: RULES, SHOPCAST_ACCESS__API_TOKEN: TOKEN } });
  publishWithText(t, server.rtmp(STREAM));
  const counts = await until('all that was said is counted', async () => {
    const now = await outcomes(server);
    return total(now) === LINES.length && now;
  });
  assert.deepEqual(counts, { no_rule: 1, not_allowed: 4 });
  assert.deepEqual(await listCues(server, STREAM), []);
});
