/** FFmpeg 5 knows no parts: to it our LL-HLS must be plain HLS. And every part must be good media by itself. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitLive } from './lib/api.mjs';
import { startServer } from './lib/harness.mjs';
import { Follower, getBytes, hlsUrl, presentation } from './lib/hls-client.mjs';
import { output } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { scratch } from './lib/scratch.mjs';
import { until } from './lib/wait.mjs';

const SECONDS = 5;

test('ffmpeg reads the HLS', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('demo'));
  await waitLive(server, 'demo');
  const folder = scratch(t, 'hls');

  await t.test('as a live HLS stream: pictures and sound are decoded', async () => {
    const follower = new Follower(server, 'demo', (await presentation(server, 'demo')).video);
    await until('three segments', async () => {
      await follower.next();
      return follower.model.segments.filter((s) => s.uri !== null).length >= 3;
    }, { within: 20_000 });
    const printed = await output('ffprobe', ['-v', 'error', '-read_intervals', `%+${SECONDS}`, '-count_frames', '-count_packets',
      '-show_entries', 'stream=codec_type,codec_name,width,height,sample_rate,nb_read_frames,nb_read_packets', '-of', 'json',
      hlsUrl(server, 'demo', 'index.m3u8')], { ms: 45_000 });
    const streams = JSON.parse(printed).streams.filter((s) => s.nb_read_packets > 0);
    const video = streams.find((s) => s.codec_type === 'video');
    const audio = streams.find((s) => s.codec_type === 'audio');
    t.diagnostic(`FFmpeg decoded ${video?.nb_read_frames} pictures, ${audio?.nb_read_frames} audio frames`);
    assert.equal(video.codec_name, 'h264');
    assert.equal(`${video.width}x${video.height}`, '640x360');
    assert.equal(audio.codec_name, 'aac');
    assert.ok(video.nb_read_frames >= 0.9 * SECONDS * 30, `${video.nb_read_frames} pictures`);
    assert.ok(audio.nb_read_frames >= 0.9 * SECONDS * (48_000 / 1024), `${audio.nb_read_frames} audio frames`);
  });

  for (const kind of ['video', 'audio']) {
    await t.test(`${kind}: the parts of a segment are the segment, byte for byte, and decode`, async () => {
      const follower = new Follower(server, 'demo', (await presentation(server, 'demo'))[kind]);
      const segment = await until('a finished segment that still lists its parts', async () => {
        await follower.next();
        return follower.model.segments.findLast((s) => s.uri !== null && s.parts.length > 1);
      });
      const url = (name) => new URL(name, follower.url).href;
      const init = (await getBytes(url(segment.map.uri))).bytes;
      const parts = await Promise.all(segment.parts.map(async (part) => (await getBytes(url(part.uri))).bytes));
      assert.deepEqual(Buffer.concat(parts), (await getBytes(url(segment.uri))).bytes);
      // Joining happens at an independent part, so init and that part alone must decode.
      const first = await probe(join(folder, `${kind}-first.mp4`), [init, parts[0]]);
      assert.match(first[0].flags, /^K/, 'the first part begins with a key frame');
      const all = await probe(join(folder, `${kind}-all.mp4`), [init, ...parts]);
      const seconds = mediaSeconds(all);
      assert.ok(Math.abs(seconds - segment.duration) < 0.001, `media ${seconds} s, EXTINF ${segment.duration}`);
      await output('ffmpeg', ['-v', 'error', '-xerror', '-i', join(folder, `${kind}-all.mp4`), '-f', 'null', '-']);
    });
  }
});

/** ffprobe gives an AAC segment's first packet no duration, so the length is taken from the ends. */
function mediaSeconds(packets) {
  const times = packets.map((packet) => Number(packet.pts_time));
  const durations = packets.map((packet) => Number(packet.duration_time) || 0);
  return Math.max(...times.map((time, i) => time + durations[i])) - Math.min(...times);
}

async function probe(file, pieces) {
  writeFileSync(file, Buffer.concat(pieces));
  return JSON.parse(await output('ffprobe', ['-v', 'error', '-show_packets', '-of', 'json', file])).packets;
}
