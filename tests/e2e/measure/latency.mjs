/**
 * Latency read from the picture: the publisher burns the wall clock into each frame before it encodes it, the page
 * reads it back in the callback of the frame it presents. One machine, one clock.
 */
import { waitLive } from '../lib/api.mjs';
import { launchBrowser, watch } from '../lib/browser.mjs';
import { startServer } from '../lib/harness.mjs';
import { presentation } from '../lib/hls-client.mjs';
import { publishFfmpeg } from '../lib/publishers.mjs';
import { percentile } from '../lib/wait.mjs';
import { conditions, measure, publish, spread } from './context.mjs';
import { pictureToPicture, SETTLE_SECONDS } from './picture.mjs';

const SECONDS = Number(process.argv[2] ?? 20);
/** Milliseconds at which a cumulative histogram reaches a share of its count. */
function quantile(metrics, name, share) {
  const rows = [...metrics.matchAll(new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"\\} (\\d+)`, 'gm'))].map(([, le, n]) => [Number(le), Number(n)]);
  const total = Math.max(...rows.map(([, n]) => n));
  const reached = rows.find(([, n]) => n >= share * total);
  return reached ? `at most ${reached[0] * 1000}` : 'unknown';
}

const result = await measure('latency', async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('clock'), { mark: 'clock' });
  await waitLive(server, 'clock');
  const browser = await launchBrowser(t);
  const whepPage = await watch(browser, server, 'clock', 'whep');
  const whep = await pictureToPicture(whepPage, SECONDS);
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  await whepPage.close();
  const hls = await pictureToPicture(await watch(browser, server, 'clock', 'hls'), SECONDS);
  const { video } = await presentation(server, 'clock');
  const playlist = await (await fetch(`${server.origin}/hls/clock/${video}`)).text();
  const holdBack = Number(/PART-HOLD-BACK=([\d.]+)/.exec(playlist)[1]) * 1000;
  return { whep, hls, holdBack, metrics };
});

const name = 'shopcast_ingest_to_egress_seconds';
publish('performance.md', 'Latency', `
${conditions(`scripts/bench latency ${SECONDS}`)}
- Source: FFmpeg, 640x360 at 30 fps, x264 superfast zerolatency, key frame every 2 s, 1.2 Mbit/s, AAC; clock burnt in before encoding.
- Players: Chromium headless, software decoding, sound on, one at a time, ${SETTLE_SECONDS} s to settle and ${SECONDS} s measured; everything on this machine.

| path | ms: p50 / p95 / max | frames read of presented |
|---|---|---|
| RTMP bytes read to last WebRTC packet sent, inside the server | p50 ${quantile(result.metrics, name, 0.5)}, p99 ${quantile(result.metrics, name, 0.99)} | |
| RTMP to Chromium by WHEP, picture to picture | ${spread(result.whep.ms, percentile)} | ${result.whep.read} of ${result.whep.presented} |
| RTMP to Chromium by LL-HLS (hls.js), picture to picture | ${spread(result.hls.ms, percentile)} | ${result.hls.read} of ${result.hls.presented} |

PART-HOLD-BACK was ${result.holdBack} ms; LL-HLS aims at no more than that and 700 ms. WHEP aims at 250 ms.
`);
