/**
 * WHIP clients that are no browsers publish H.264 and Opus as they like to, and each is watched three ways: by Chromium over
 * WebRTC, by hls.js in Chromium, and by aiortc over WebRTC. Chromium as a publisher: whip_chromium_publishes.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';
import { publishAiortc, publishFfmpegWhip, publishGstreamer, publishObsTwin, recordTransportStream, watchAiortc } from './lib/whip-clients.mjs';

const FPS = 30;
// One encoder and three decoders share the machine: it may take three times as long as it shows.
const SECONDS = process.env.SHOPCAST_FULL ? 10 : 2;

/** Frames: more than most viewers are sent at once when they join. */
const AT_JOIN = FPS;

/** For what the decoder is behind by, at most: at half the frames it would take longer. */
const CATCH_UP_MS = 1_500;

/** Each with the profile its encoder makes, whatever its offer says. */
const CLIENTS = [
  {
    name: 'ffmpeg-9-passive', profile: 'Constrained Baseline', ended: ({ code }) => code === 0,
    publish: (t, endpoint) => publishFfmpegWhip(t, endpoint, { dtls: 'passive', profile: 'baseline' }),
  },
  {
    name: 'ffmpeg-9-active', profile: 'High', ended: ({ code }) => code === 0,
    publish: (t, endpoint) => publishFfmpegWhip(t, endpoint, { dtls: 'active', profile: 'high' }),
  },
  { name: 'gstreamer', profile: 'Constrained Baseline', publish: (t, endpoint) => publishGstreamer(t, endpoint) },
  {
    name: 'gstreamer-sets-in-offer', profile: 'Constrained Baseline', offers: /^a=fmtp:96 .*sprop-parameter-sets=Z0.+,aM.+/m,
    publish: (t, endpoint) => publishGstreamer(t, endpoint, { sets: 'offer' }),
  },
  { name: 'aiortc', profile: 'Main', publish: (t, endpoint, file) => publishAiortc(t, endpoint, { file }) },
  { name: 'obs-twin', profile: 'High', publish: (t, endpoint) => publishObsTwin(t, endpoint, { profile: 'high' }) },
];

/** The second byte of `avc1.PPCCLL` says what the first leaves open. */
const PROFILES = { 'Constrained Baseline': /^avc1\.42[4-7c-f]/i, Main: /^avc1\.4d/i, High: /^avc1\.64/i };

test('whip clients', { timeout: 300_000 }, async (t) => {
  const folder = scratch(t, 'whip');
  const file = join(folder, 'main.ts');
  await recordTransportStream(file, { seconds: 40 + SECONDS * 3, profile: 'main' });
  const [server, browser] = [await startServer(t), await launchBrowser(t)];
  for (const client of CLIENTS) {
    await t.test(client.name, (subtest) => publishesAndIsWatched(subtest, { client, server, browser, file }));
  }
});

async function publishesAndIsWatched(t, { client, server, browser, file }) {
  const stream = client.name;
  const publisher = await client.publish(t, `${server.origin}/whip/${stream}`, file);
  const { video, audio } = await waitLive(server, stream);
  if (client.offers) assert.match(publisher.facts().offer, client.offers);
  assert.equal(video.profile, client.profile);
  assert.match(video.codecs, PROFILES[client.profile]);
  assert.equal(`${video.width}x${video.height}`, '640x360');
  assert.equal(video.b_frames, false);
  assert.deepEqual([audio.codec, audio.channels], ['opus', 2]);

  const viewers = [byWebRtc(t, browser, server, stream), byHls(t, browser, server, stream), byAiortc(t, server, stream)];
  const results = await Promise.allSettled(viewers);
  const failures = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
  const { video: now, verdicts } = await streamInfo(server, stream);
  // Less, where the encoder was asked for one just before its own was due.
  assert.ok(now.gop_ms > 0 && now.gop_ms < 3500, `${now.gop_ms} ms between key frames`);
  assert.deepEqual(verdicts, []);

  const how = await publisher.stop();
  if (client.ended) assert.ok(client.ended(how), `ended with ${JSON.stringify(how)}: ${publisher.log()}`);
  else assert.equal(publisher.facts().deleted, 200, publisher.log());
  await until('the stream waits for its publisher', async () => (await streamInfo(server, stream)).state === 'interrupted');
}

async function byWebRtc(t, browser, server, stream) {
  const page = await watch(browser, server, stream, 'whep');
  await unmute(page);
  // What a viewer is sent when it joins comes at once, and a busy machine is a while decoding it.
  const before = await until('what came at the join is decoded', async () => {
    const now = await whepStats(page);
    return now.video.framesDecoded >= AT_JOIN && now;
  });
  const after = await until(`${SECONDS} seconds of pictures and sound by WebRTC`, async () => {
    const now = await whepStats(page);
    const enough = now.video.framesDecoded - before.video.framesDecoded >= FPS * SECONDS;
    return enough && now.audio.totalAudioEnergy > before.audio.totalAudioEnergy && now.audio.audioLevel > 0.01 && now;
  }, { within: 15_000 + SECONDS * 3000 });
  const [decoded, received] = ['framesDecoded', 'framesReceived'].map((name) => after.video[name] - before.video[name]);
  t.diagnostic(`WebRTC: ${decoded} of ${received} frames decoded, sound ${after.audio.audioLevel.toFixed(2)}, ${after.video.pliCount} PLI, ${after.video.freezeCount} freezes`);
  // A decoder that is late on a busy machine catches up. One that cannot decode what it is sent does not: with B-frames it would
  // decode one in twelve.
  await until(`nearly all of these ${received} frames are decoded`, async () => {
    const { video } = await whepStats(page);
    return video.framesDecoded - before.video.framesDecoded >= 0.95 * received;
  }, { within: CATCH_UP_MS });
  assert.deepEqual(page.errors, []);
  await page.close();
}

async function byHls(t, browser, server, stream) {
  const page = await watch(browser, server, stream, 'hls');
  const before = await playback(page);
  const after = await until(`${SECONDS} seconds of pictures and sound by LL-HLS`, async () => {
    const now = await playback(page);
    return now.frames - before.frames >= FPS * SECONDS && now.audioBytes > before.audioBytes && now;
  }, { within: 15_000 + SECONDS * 3000 });
  t.diagnostic(`LL-HLS: ${after.frames} frames, ${after.dropped} dropped, ${after.audioBytes} bytes of sound decoded`);
  assert.equal(`${after.width}x${after.height}`, '640x360');
  assert.equal(after.error, null);
  assert.deepEqual(page.errors, []);
  await page.close();
}

async function byAiortc(t, server, stream) {
  const wanted = { pictures: FPS * SECONDS, samples: 48_000 * SECONDS };
  const result = await watchAiortc(`${server.origin}/whep/${stream}`, { ...wanted, seconds: 15 + SECONDS * 3 });
  t.diagnostic(`aiortc: ${JSON.stringify(result)}`);
  assert.deepEqual([result.status, result.state, result.deleted, result.size], [201, 'connected', 200, '640x360']);
  assert.ok(result.pictures >= wanted.pictures, `${result.pictures} pictures decoded`);
  assert.ok(result.samples >= wanted.samples, `${result.samples} samples of sound decoded`);
  assert.ok(result.loudest > 500, `the loudest sample is ${result.loudest}`);
}
