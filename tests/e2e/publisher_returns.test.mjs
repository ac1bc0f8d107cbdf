/** A publisher goes and comes back: viewers stay, by WebRTC and by LL-HLS, whatever it comes back by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamInfo, waitLive } from './lib/api.mjs';
import { launchBrowser, playback, watch, whepStats } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';
import { publishWhip } from './lib/whip.mjs';

const ROUNDS = process.env.SHOPCAST_FULL ? 10 : 2;
const FRAMES = 45;

const SOURCES = {
  WHIP: async (t, { browser, server }) => {
    const page = await publishWhip(browser, server, 'show');
    return async () => {
      await page.whip('vanish');
      await page.close();
    };
  },
  RTMP: async (t, { server }) => {
    const publisher = publishFfmpeg(t, server.rtmp('show'));
    return () => publisher.stop();
  },
};

for (const [source, publish] of Object.entries(SOURCES)) {
  test(`the publisher returns by ${source}`, { timeout: 60_000 + ROUNDS * 40_000 }, async (t) => {
    const server = await startServer(t);
    const browser = await launchBrowser(t);
    let leave = await publish(t, { browser, server });
    await waitLive(server, 'show');
    const pages = { whep: await watch(browser, server, 'show', 'whep'), hls: await watch(browser, server, 'show', 'hls') };
    for (let round = 1; round <= ROUNDS; round += 1) {
      await leave();
      await until('the stream is interrupted', async () => (await streamInfo(server, 'show')).state === 'interrupted');
      const before = { pts: (await streamInfo(server, 'show')).newest_pts, whep: await playback(pages.whep), hls: await playback(pages.hls) };
      leave = await publish(t, { browser, server });
      const after = await until('the stream is live again', async () => {
        const info = await streamInfo(server, 'show');
        return info.state === 'live' && info.newest_pts > before.pts && info;
      });
      assert.equal(after.epoch, round + 1);
      for (const name of ['whep', 'hls']) {
        await until(`${FRAMES} more frames by ${name}`, async () => (await playback(pages[name])).frames - before[name].frames >= FRAMES, { within: 20_000 });
      }
      assert.equal((await whepStats(pages.whep)).state, 'connected');
      assert.equal(await pages.whep.evaluate(() => window.__peers.length), 1, 'the viewer has not connected anew');
      assert.equal((await playback(pages.hls)).error, null);
    }
    assert.deepEqual([...pages.whep.errors, ...pages.hls.errors], []);
  });
}
