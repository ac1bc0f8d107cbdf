/**
 * Every playlist a player could be given, held against the rules: blocking reloads, deltas, both renditions, with cues
 * in them. Two public parsers and ffprobe must agree with the checker on what the playlists say.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { insertCue, listCues, product, showCue, waitLive } from './lib/api.mjs';
import { avcCodec, chunksOf } from './lib/boxes.mjs';
import { startServer } from './lib/harness.mjs';
import { checkHistory, checkMultivariant, checkRenditions, describe } from './lib/hls-checker.mjs';
import { Follower, getBytes, getPlaylist, hlsUrl, presentation, SegmentRecorder } from './lib/hls-client.mjs';
import { parseMedia } from './lib/hls/playlist.mjs';
import { disagreement } from './lib/hls-parsers.mjs';
import { assertEvents } from './lib/in-band.mjs';
import { output } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';

const STREAM = 'demo';
const { SHOPCAST_FULL: FULL } = process.env;
/** Longer than the window, so that segments leave it while we look. */
const FOLLOW_MS = FULL ? 60_000 : 24_000;
/** Long enough for deltas, which leave out what is older than six target durations of 2 s. */
const WINDOW = FULL ? '20s' : '16s';

/** A plain reload, a part, a delta, and the full playlist about the same moment, over and over. */
async function follow(follower) {
  const started = performance.now();
  while (performance.now() - started < FOLLOW_MS) {
    await follower.next();
    for (const skip of ['YES', 'v2']) {
      await follower.next({ skip });
      await follower.full();
    }
  }
}

async function insertCues(server) {
  for (let n = 0; n < 4; n += 1) {
    const at = { after_ms: 500 + 3_000 * n };
    await insertCue(server, STREAM, showCue(`card-${n}`, { at, duration_ms: 2_000, payload: product(n) }));
  }
}

test('ll-hls rules', { timeout: 180_000 }, async (t) => {
  const server = await startServer(t, { env: { SHOPCAST_HLS__WINDOW: WINDOW } });
  publishFfmpeg(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const { text: multivariant, headers, video, audio, uris } = await presentation(server, STREAM);
  const followers = { video: new Follower(server, STREAM, video), audio: new Follower(server, STREAM, audio) };
  const recorder = new SegmentRecorder(server, STREAM, video);
  await insertCues(server);
  await Promise.all(Object.values(followers).map(follow));
  await recorder.stop();

  await t.test('the multivariant playlist', () => {
    assert.equal(describe(checkMultivariant(multivariant)), '');
    assert.match(headers.get('content-type'), /^application\/vnd\.apple\.mpegurl/);
    assert.equal(headers.get('content-encoding'), 'gzip');
    assert.equal(headers.get('access-control-allow-origin'), '*');
  });

  for (const [name, { fetched }] of Object.entries(followers)) {
    await t.test(`${name}: every playlist, alone and in its history`, () => {
      const deltas = fetched.filter((entry) => entry.text.includes('#EXT-X-SKIP')).length;
      t.diagnostic(`${name}: ${fetched.length} playlists checked, ${deltas} of them deltas`);
      assert.equal(describe(checkHistory(fetched).slice(0, 20)), '');
      assert.ok(fetched.length > 60 && deltas > 10, `${fetched.length} playlists, ${deltas} deltas`);
      assert.ok(parseMedia(fetched.at(-1).text).mediaSequence > 0, 'no segment left the window');
    });
    await t.test(`${name}: m3u8-parser and hls-parser read what we read`, () => {
      for (const { text } of fetched.filter((entry) => !entry.text.includes('#EXT-X-SKIP'))) assert.equal(disagreement(text), null);
    });
  }

  await t.test('the renditions agree with each other', async () => {
    const media = Object.fromEntries(await Promise.all(uris.map(async (uri) => [uri, (await getPlaylist(hlsUrl(server, STREAM, uri))).text])));
    assert.equal(describe(checkRenditions({ multivariant, media })), '');
  });

  await t.test('ffprobe: durations, dates and CODECS are those of the media', () => probeMedia(t, followers, multivariant));

  await t.test('cues are in the parts that hold them, and in snapshots at segment starts', () => readCues(t, server, recorder));

  await t.test('media may be kept for ever, playlists may not', async () => {
    const { model, url } = followers.video;
    const segment = model.segments.findLast((s) => s.uri !== null);
    for (const name of [segment.map.uri, segment.parts[0].uri, segment.uri]) {
      const cache = (await getBytes(new URL(name, url).href)).headers.get('cache-control');
      assert.match(cache, /max-age=31536000/, name);
      assert.match(cache, /immutable/, name);
    }
    const plain = (await getPlaylist(url)).headers.get('cache-control');
    assert.match(plain, /no-cache|max-age=[01]\b/, 'an unparametrised live playlist');
    assert.equal((await fetch(new URL('no-such-part.m4s', url))).status, 404);
  });
});

/** First packet's pts and the sum of durations of one segment, in ticks of 90 kHz and seconds. */
async function measure(folder, url, segment) {
  const pieces = [await getBytes(url(segment.map.uri)), await getBytes(url(segment.uri))].map(({ bytes }) => bytes);
  const file = join(folder, 'segment.mp4');
  writeFileSync(file, Buffer.concat(pieces));
  const { packets, streams } = JSON.parse(await output('ffprobe', ['-v', 'error', '-show_packets', '-show_streams', '-of', 'json', file]));
  const pts = Math.min(...packets.map((packet) => Number(packet.pts_time)));
  // ffprobe gives an AAC segment's first packet no duration, so the length is taken from the ends.
  const seconds = Math.max(...packets.map((packet) => Number(packet.pts_time) + (Number(packet.duration_time) || 0))) - pts;
  return { pts, seconds, key: packets[0].flags.startsWith('K'), stream: streams[0], init: pieces[0] };
}

async function probeMedia(t, followers, multivariant) {
  const folder = scratch(t, 'rules');
  const codecs = /CODECS="([^"]*)"/.exec(multivariant)[1].split(',');
  const anchors = {};
  for (const [name, { model, url }] of Object.entries(followers)) {
    anchors[name] = [];
    for (const segment of model.segments.filter((s) => s.uri !== null).slice(-4)) {
      const media = await measure(folder, (uri) => new URL(uri, url).href, segment);
      assert.ok(Math.abs(media.seconds - segment.duration) < 0.001, `${segment.uri}: media ${media.seconds} s, EXTINF ${segment.duration}`);
      assert.ok(media.key, `${segment.uri} begins with a key frame`);
      anchors[name].push(segment.clock - media.pts * 1000);
      const own = name === 'video' ? avcCodec(media.init) : 'mp4a.40.2';
      assert.ok(codecs.some((codec) => codec.trim().toLowerCase() === own), `${own} is not in ${codecs}`);
      if (name === 'video') assert.match(multivariant, new RegExp(`RESOLUTION=${media.stream.width}x${media.stream.height}\\b`));
    }
  }
  // One line per epoch maps media time to the wall clock, for both renditions (whole milliseconds: each may be rounded).
  const all = Object.values(anchors).flat();
  t.diagnostic(`date-time minus media time: ${all.map((ms) => ms.toFixed(2)).join(', ')}`);
  assert.ok(Math.max(...all) - Math.min(...all) <= 2, `${all}`);
}

async function readCues(t, server, recorder) {
  const cues = await listCues(server, STREAM);
  const chunks = chunksOf([...recorder.segments].sort(([a], [b]) => a - b).map(([msn, { bytes }]) => [msn, bytes]));
  const snapshots = assertEvents(chunks, cues);
  t.diagnostic(`${cues.length} cues in their parts, ${snapshots} snapshots, ${chunks.length} parts read`);
}
