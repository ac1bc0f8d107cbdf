/** Latency read from the picture, whose burnt clock the page reads back in the callback of the frame it presents. */
import { CLOCK } from '../lib/barcode.mjs';
import { collectFrameLogs, startFrameLogs, unmute } from '../lib/browser.mjs';
import { clockZero } from '../lib/publishers.mjs';

/** LL-HLS players settle to their distance from live during the first seconds. */
export const SETTLE_SECONDS = 10;

export const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** With the sound on, as it is watched: a browser holds the picture back for it. */
export async function pictureToPicture(page, seconds) {
  await unmute(page);
  await wait(SETTLE_SECONDS);
  await startFrameLogs(page, CLOCK);
  await wait(seconds);
  const logs = await collectFrameLogs(page, CLOCK);
  const origin = await page.evaluate(() => performance.timeOrigin);
  const log = logs.whep ?? logs.hls;
  const read = log.frames.filter((frame) => frame.counter !== null);
  return { presented: log.frames.length, read: read.length, ms: read.map((frame) => origin + frame.t - clockZero() * 1000 - frame.counter) };
}
