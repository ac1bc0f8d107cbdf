/**
 * FFmpeg 9 publishes H.265, AV1 and VP9 by Enhanced RTMP, with AAC and Opus: LL-HLS has the pictures in their codec, WebRTC has what
 * the server makes of them. Where nothing decodes AV1, WebRTC has the sound alone and the server says what to install.
 */
import assert from 'node:assert/strict';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectProblem, getCue, insertCue, offer, postWhep, product, showCue, streamInfo, waitLive } from './lib/api.mjs';
import { samplesOf } from './lib/boxes.mjs';
import { launchBrowser, newPage, playback, watch, whepStats } from './lib/browser.mjs';
import { OPUS, publishEnhanced, VIDEO, x265 } from './lib/enhanced-rtmp.mjs';
import { startServer } from './lib/harness.mjs';
import { checkHistory, checkMultivariant, describe } from './lib/hls-checker.mjs';
import { Follower, getBytes, presentation } from './lib/hls-client.mjs';
import { output } from './lib/processes.mjs';
import { AAC } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { readSei } from './lib/sei.mjs';
import { until } from './lib/wait.mjs';

const SOURCES = {
  'H.265 and AAC': {
    video: VIDEO.h265, audio: AAC, probed: 'hevc',
    codec: 'h265', name: 'H.265', codecs: /^hvc1\.1\.6\.L\d+\.90$/, sound: /^mp4a\.40\.2$/, plays: false, carriesCues: true,
  },
  'AV1 and Opus': {
    video: VIDEO.av1, audio: OPUS, probed: 'av1',
    codec: 'av1', name: 'AV1', codecs: /^av01\.0\.\d\dM\.08$/, sound: /^opus$/, plays: true,
  },
  'VP9 and Opus': {
    video: VIDEO.vp9, audio: OPUS, probed: 'vp9',
    codec: 'vp9', name: 'VP9', codecs: /^vp09\.00\.\d\d\.08$/, sound: /^opus$/, plays: true,
  },
};

for (const [what, source] of Object.entries(SOURCES)) {
  test(`${what} by RTMP`, { timeout: 150_000 }, (t) => oneSource(t, source));
}

async function oneSource(t, source) {
  const server = await startServer(t);
  publishEnhanced(t, server.rtmp('demo'), { video: source.video, sound: source.audio });
  await waitLive(server, 'demo');

  await t.test('the API and the playlist name the codecs', async () => {
    const { video, audio, verdicts } = await streamInfo(server, 'demo');
    assert.equal(video.codec, source.codec);
    assert.match(video.codecs, source.codecs);
    assert.match(audio.codecs, source.sound);
    assert.deepEqual([video.width, video.height], [640, 360]);
    assert.deepEqual(verdicts.map(({ code }) => code), ['codec']);
    const { text } = await presentation(server, 'demo');
    assert.equal(describe(checkMultivariant(text)), '');
    assert.ok(text.includes(`CODECS="${video.codecs},mp4a.40.2"`), text);
  });

  await t.test('LL-HLS keeps its rules, and FFmpeg decodes every picture', () => hlsDecodes(t, server, source));

  await t.test('WebRTC: sound alone', () => soundIsSent(server));

  await t.test(source.plays ? 'Chromium plays it by LL-HLS' : 'Chromium says that it cannot play it', async () => {
    const browser = await launchBrowser(t);
    await decodesByWebRtc(t, browser, server);
    if (source.plays) {
      const page = await watch(browser, server, 'demo', 'hls');
      const { frames } = await playback(page);
      const played = await until('90 frames and their sound', async () => {
        const now = await playback(page);
        return now.frames - frames >= 90 && now.audioBytes > 5_000 && now;
      }, { within: 30_000 });
      t.diagnostic(`${source.name}: ${played.frames} frames, ${played.dropped} dropped`);
      assert.equal(played.error, null);
      assert.deepEqual([played.width, played.height], [640, 360]);
    } else {
      const page = await newPage(browser);
      await page.goto(`${server.origin}/watch/demo?protocol=hls`);
      await until('the notice', () => page.evaluate(() => document.querySelector('shopcast-player')?.shadowRoot?.textContent
        .includes('This browser cannot play this video')), { within: 20_000 });
    }
  });
}

test('AV1 where nothing decodes it', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t, { env: await withoutPlugin(t, 'libgstaom.so') });
  publishEnhanced(t, server.rtmp('demo'), { video: VIDEO.av1, sound: OPUS });
  await waitLive(server, 'demo');
  assert.match(server.log(), /decodes: H\.264, H\.265, VP9; with the Debian package gstreamer1\.0-plugins-bad AV1/);
  const { verdicts } = await streamInfo(server, 'demo');
  assert.deepEqual(verdicts.map(({ code }) => code), ['no_webrtc']);
  assert.match(verdicts[0].remedy, /gstreamer1\.0-plugins-bad/);
  await expectProblem(await postWhep(server, 'demo'), 422, /AV1 by RTMP.*gstreamer1\.0-plugins-bad.*publish H\.264.*LL-HLS/);
  await soundIsSent(server);
});

/** GStreamer's plugins as they are installed, without one. */
async function withoutPlugin(t, left) {
  const [folder, installed] = [scratch(t, 'plugins'), (await output('pkg-config', ['--variable=pluginsdir', 'gstreamer-1.0'])).trim()];
  for (const name of readdirSync(installed).filter((n) => n.endsWith('.so') && n !== left)) symlinkSync(join(installed, name), join(folder, name));
  return { GST_PLUGIN_SYSTEM_PATH_1_0: folder, GST_REGISTRY: join(folder, 'registry.bin') };
}

async function soundIsSent(server) {
  assert.equal((await postWhep(server, 'demo', soundAlone())).status, 201);
  const opus = async () => (await streamInfo(server, 'demo')).audio.opus_packets;
  const before = await opus();
  await until('Opus', async () => await opus() > before + 50);
}

async function decodesByWebRtc(t, browser, server) {
  const page = await watch(browser, server, 'demo', 'whep');
  const { framesDecoded } = (await whepStats(page)).video;
  const { video } = await until('90 more pictures', async () => {
    const now = await whepStats(page);
    return now.video.framesDecoded - framesDecoded >= 90 && now;
  }, { within: 30_000 });
  t.diagnostic(`WebRTC: ${video.framesDecoded} of ${video.framesReceived} pictures decoded`);
  assert.deepEqual([video.frameWidth, video.frameHeight], [640, 360]);
  assert.deepEqual((await streamInfo(server, 'demo')).video.repair, { why: 'codec', state: 'running', ll_hls: false });
  await page.close();
}

/** A recorded offer without its section of video. */
function soundAlone() {
  const [session, ...sections] = offer().split(/^(?=m=)/m);
  const others = sections.filter((section) => !section.startsWith('m=video'));
  const mids = others.map((section) => /a=mid:(\S+)/.exec(section)[1]);
  return [session.replace(/BUNDLE.*/, `BUNDLE ${mids.join(' ')}`), ...others].join('');
}

async function hlsDecodes(t, server, { probed, carriesCues }) {
  const follower = new Follower(server, 'demo', (await presentation(server, 'demo')).video);
  const cue = await insertCue(server, 'demo', showCue('c1', { at: { after_ms: 1_000 }, payload: product(1) }));
  const segments = await until('two segments past the cue', async () => {
    await follower.next();
    const { frame_pts: framePts } = await getCue(server, 'demo', cue.seq);
    const whole = follower.model.segments.filter((s) => s.uri !== null);
    return framePts !== null && whole.length >= 4 && whole;
  }, { within: 30_000 });
  // An encoder with look-ahead on a busy machine gives pictures in bursts, so the pace of parts is left to other tests.
  const broken = checkHistory(follower.fetched).filter(({ rule }) => !rule.startsWith('R63 '));
  assert.equal(describe(broken.slice(0, 20)), '');
  const url = (name) => new URL(name, follower.url).href;
  const init = (await getBytes(url(segments[0].map.uri))).bytes;
  const bodies = await Promise.all(segments.map(async ({ uri }) => (await getBytes(url(uri))).bytes));
  const file = join(scratch(t, 'enhanced'), `${probed}.mp4`);
  writeFileSync(file, Buffer.concat([init, ...bodies]));
  const printed = await output('ffprobe', ['-v', 'error', '-count_frames', '-show_entries',
    'stream=codec_name,codec_tag_string,width,height,nb_read_frames', '-of', 'json', file]);
  const [video] = JSON.parse(printed).streams;
  const samples = bodies.flatMap((bytes) => samplesOf(bytes));
  t.diagnostic(`${probed}: ${samples.length} pictures, ${video.nb_read_frames} decoded`);
  assert.deepEqual([video.codec_name, video.width, video.height], [probed, 640, 360]);
  assert.equal(Number(video.nb_read_frames), samples.length);
  await output('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
  if (!carriesCues) return;
  const seqs = samples.flatMap((sample) => readSei(sample.bytes, 'h265', 'lengths')).filter(({ type }) => type === 'cue');
  assert.deepEqual(seqs.map((message) => message.decoded.cue.seq), [cue.seq]);
}

test('open groups of H.265 are said of and play on', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  publishEnhanced(t, server.rtmp('demo'), { video: x265({ keyint: 30, openGop: 1 }) });
  await waitLive(server, 'demo');
  await until('the verdict', async () => (await streamInfo(server, 'demo')).verdicts.some(({ code }) => code === 'open_gop'), { within: 20_000 });
  await hlsDecodes(t, server, { probed: 'hevc', carriesCues: true });
});
