/** Shaka Player in Chromium: another maker's player, which takes cues from the media alone (page/shaka-viewer.js). */
import { fileURLToPath } from 'node:url';
import { newPage } from './browser.mjs';
import { getPlaylist, hlsUrl } from './hls-client.mjs';
import { until } from './wait.mjs';

const player = fileURLToPath(new URL('../node_modules/shaka-player/dist/shaka-player.compiled.js', import.meta.url));
const viewer = fileURLToPath(new URL('./page/shaka-viewer.js', import.meta.url));
const BLANK = '<!doctype html><title>viewer</title><body>';

/** Opens a page that watches, and waits until it presents frames and knows where they lie. */
export async function watchShaka(browser, server, stream, video) {
  // Of a playlist that lists parts and no segment yet, it asks for a segment with no name (getBasicInfoFromSegments_).
  await until('three segments', async () => {
    const { text } = await getPlaylist(hlsUrl(server, stream, video));
    return text.match(/^#EXTINF/gm)?.length >= 3;
  });
  const page = await newPage(browser);
  await page.route('**/viewer.html', (route) => route.fulfill({ contentType: 'text/html', body: BLANK }));
  await page.goto(`${server.origin}/viewer.html`);
  for (const path of [player, viewer]) await page.addScriptTag({ path });
  await page.evaluate((playlist) => {
    const element = document.createElement('shopcast-player');
    document.body.append(element);
    return element.watch(playlist);
  }, hlsUrl(server, stream, 'index.m3u8'));
  await until('pictures by shaka', () => page.evaluate(() => window.__players()[0].pts !== null));
  return page;
}

/** What went wrong in the player, in its words. */
export const shakaErrors = (page) => page.evaluate(() => window.__players()[0].errors);
