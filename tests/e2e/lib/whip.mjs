/** A real browser that publishes by WHIP. */
import { fileURLToPath } from 'node:url';
import { COUNTER } from './barcode.mjs';
import { newPage } from './browser.mjs';

const script = fileURLToPath(new URL('./page/whip-publisher.js', import.meta.url));

/**
 * Publishes a canvas with the frame counter, and a tone, until the page is closed or told to stop.
 * @param {{width?: number, height?: number, fps?: number, first?: number, audio?: boolean, codec?: string, prepare?: (page) => Promise<void>}} options
 *   `first` as in publishers.mjs; `codec` as in `video/VP8`; `prepare` is given the page before it publishes
 * @returns the page; `page.whip(what)` calls `stop`, `vanish`, `drawn`, `rate` or `resize` in it
 */
export async function publishWhip(
  browser,
  server,
  stream,
  { width = 640, height = 360, fps = 30, first = 0, audio = true, codec = 'H264', prepare } = {},
) {
  const page = await newPage(browser);
  await page.addInitScript({ path: script });
  // Any page of the server's own origin: where publishing takes no key, no other may.
  await page.goto(`${server.origin}/healthz`);
  await prepare?.(page);
  await page.evaluate(([endpoint, layout, options]) => window.__publishWhip(endpoint, layout, options),
    [`${server.origin}/whip/${stream}`, COUNTER, { width, height, fps, first, audio, codec }]);
  page.whip = (what, ...args) => page.evaluate(([name, values]) => window.__whip[name](...values), [what, args]);
  return page;
}
