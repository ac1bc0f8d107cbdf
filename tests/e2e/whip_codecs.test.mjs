/**
 * Chromium publishes VP8, VP9 and AV1 by WHIP, one after the other; another page of it plays them by WebRTC, and by
 * hls.js what LL-HLS can carry.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectProblem, offer, postWhep, streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, newPage, playback, unmute, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { discontinuities } from './lib/hls-client.mjs';
import { until } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const FPS = 20;
const FRAMES = 3 * FPS;

/** RFC 6381 names: of the stream, and of its playlist. */
const CODECS = {
  VP8: { codecs: /^vp8$/, listed: /CODECS="mp4a\.40\.2"/, profile: /^Version 0$/ },
  VP9: { codecs: /^vp09\.00\.\d\d\.08$/, listed: /CODECS="vp09\.00\.\d\d\.08,mp4a\.40\.2"/, profile: /^Profile 0$/ },
  AV1: { codecs: /^av01\.0\.\d\dM\.08$/, listed: /CODECS="av01\.0\.\d\dM\.08,mp4a\.40\.2"/, profile: /^Main$/ },
};

for (const [codec, expected] of Object.entries(CODECS)) {
  test(`${codec} from chromium`, { timeout: 150_000 }, (t) => oneCodec(t, codec, expected));
}

async function oneCodec(t, codec, expected) {
  const server = await startServer(t);
  const browser = await launchBrowser(t);
  const stream = codec.toLowerCase();
  const hasPicture = codec !== 'VP8';
  const publisher = await publishWhip(browser, server, stream, { fps: FPS, codec });
  await waitLive(server, stream);

  await t.test('the API names it, and whether LL-HLS carries it', async () => {
    const { video, verdicts } = await streamInfo(server, stream);
    assert.equal(video.codec, codec.toLowerCase());
    assert.match(video.codecs, expected.codecs);
    assert.match(video.profile, expected.profile);
    assert.ok(video.width > 0 && Math.abs(video.width / video.height - 16 / 9) < 0.05, `${video.width}x${video.height}`);
    const verdict = verdicts.find(({ code }) => code === 'vp8_no_hls');
    assert.equal(verdict === undefined, hasPicture, JSON.stringify(verdicts));
    if (verdict) assert.match(verdict.detail, /LL-HLS viewers get the sound alone\. Publish H\.264, or VP9 or AV1/);
    const index = await (await fetch(`${server.origin}/hls/${stream}/index.m3u8`)).text();
    assert.match(index, expected.listed);
  });

  await t.test('a viewer whose offer lacks it is told so', async () => {
    const without = offer().replaceAll(new RegExp(`(a=rtpmap:\\d+) ${codec}/90000`, 'g'), '$1 theora/90000');
    await expectProblem(await postWhep(server, stream, without), 406, new RegExp(`the stream is ${codec}, offer it`));
  });

  await t.test('WebRTC: frames are decoded', async () => {
    const begun = performance.now();
    const page = await watch(browser, server, stream, 'whep');
    const joined = performance.now() - begun;
    await unmute(page);
    const decoded = async (count) => until(`${count} frames by WebRTC`, async () => {
      const stats = await whepStats(page);
      return stats?.video.framesDecoded >= count && stats;
    });
    const before = await decoded(1);
    const after = await decoded(before.video.framesDecoded + FRAMES);
    const rate = FRAMES / ((after.video.timestamp - before.video.timestamp) / 1000);
    t.diagnostic(`${codec} by WebRTC: page and first picture ${joined.toFixed(0)} ms, ${rate.toFixed(1)} frames/s, ${after.video.keyFramesDecoded} key frames, ${after.video.pliCount} PLI, ${after.video.freezeCount} freezes, ${after.video.framesDropped} dropped`);
    assert.equal(await mimeType(page), `video/${codec}`);
    assert.ok(rate > 0.6 * FPS, `${rate} frames/s`);
    assert.ok(after.audio.totalAudioEnergy > before.audio.totalAudioEnergy, 'silence');
    assert.deepEqual(page.errors, []);
    await page.close();
  });

  if (hasPicture) {
    await t.test('hls.js: frames are decoded, also past another size', () => hlsPlaysOn(t, { server, browser, stream, publisher, codec }));
  } else {
    await t.test('hls.js: there is the sound', async () => {
      const page = await newPage(browser);
      await page.goto(`${server.origin}/watch/${stream}?protocol=hls`);
      const played = await until('sound', async () => {
        const now = await page.evaluate(() => window.__players().length > 0) && await playback(page);
        return now && now.audioBytes > 5_000 && now.time > 0 && now;
      });
      t.diagnostic(`${codec} by LL-HLS: ${played.audioBytes} bytes of sound`);
      assert.deepEqual([played.error, played.width], [null, 0]);
      assert.deepEqual(page.errors, []);
    });
  }
  assert.equal(await publisher.whip('stop'), 200);
}

/** The picture becomes smaller while a player plays: it goes on, and each change costs the playlist one discontinuity. */
async function hlsPlaysOn(t, { server, browser, stream, publisher, codec }) {
  const page = await watch(browser, server, stream, 'hls');
  const more = async (what, holds = () => true) => {
    const before = await playback(page);
    return until(what, async () => {
      const now = await playback(page);
      return now.frames - before.frames >= FRAMES && now.audioBytes > before.audioBytes && holds(now) && now;
    }, { within: 30_000 });
  };
  await more(`${FRAMES} frames by LL-HLS`);
  const { epoch } = await streamInfo(server, stream);
  await publisher.whip('resize', 480, 270);
  const after = await more('frames of the new size', ({ width }) => width === 480);
  const { epoch: now, video } = await streamInfo(server, stream);
  const count = await discontinuities(server, stream, 'video.m3u8');
  t.diagnostic(`${codec} by LL-HLS: ${after.frames} frames, ${after.dropped} dropped; epochs ${epoch} to ${now}, ${count} discontinuities`);
  assert.deepEqual([video.width, video.height, after.height], [480, 270, 270]);
  assert.ok(now > epoch, 'another size is another initialisation segment');
  assert.equal(count, now - 1);
  assert.equal(after.error, null);
  assert.deepEqual(page.errors, []);
  await page.close();
}

/** What the newest peer connection of a page receives. */
function mimeType(page) {
  return page.evaluate(async () => {
    const all = [...(await window.__peers.at(-1).getStats()).values()];
    const inbound = all.find((s) => s.type === 'inbound-rtp' && s.kind === 'video');
    return all.find((s) => s.id === inbound?.codecId)?.mimeType;
  });
}
