/** Pages on which cues come by fewer ways than they should, as behind proxies that do not know them. */
import { boxes } from './boxes.mjs';

/** No event stream comes through. */
export const blockEvents = (page) => page.route(/\/v1\/streams\/[^/]+\/events/, (route) => route.abort());

/** The offer has no `m=application`. */
export const blockChannel = (page) => page.addInitScript(() => {
  Object.getPrototypeOf(RTCPeerConnection.prototype).createDataChannel = () => new EventTarget();
});

/** What the page's data channels bring is lost while `window.__deaf` is set. */
export const canBeDeaf = (page) => page.addInitScript(() => {
  const { set } = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'onmessage');
  Object.defineProperty(RTCDataChannel.prototype, 'onmessage', {
    set(heard) {
      set.call(this, (event) => window.__deaf || heard(event));
    },
  });
});

/** Takes cues out of what LL-HLS brings: `emsg` boxes out of segments and parts, date ranges out of playlists. */
export async function stripHls(page, { tags = false, ranges = false }) {
  const taken = { tags: 0, ranges: 0 };
  await page.route(/\/hls\//, async (route) => {
    const isPlaylist = /\.m3u8/.test(route.request().url());
    if (isPlaylist ? !ranges : !tags) return route.continue();
    try {
      const response = await route.fetch();
      const body = await response.body();
      if (response.status() !== 200) return await route.fulfill({ response });
      return await route.fulfill({ response, body: isPlaylist ? withoutRanges(body, taken) : withoutTags(body, taken) });
    } catch {
      // The player gave the request up, or the page is being closed.
      return route.abort().catch(() => {});
    }
  });
  return taken;
}

function withoutRanges(playlist, taken) {
  return Buffer.from(playlist.toString().replace(/^#EXT-X-DATERANGE:.*\n/gm, () => {
    taken.ranges += 1;
    return '';
  }));
}

function withoutTags(media, taken) {
  const kept = boxes(media).filter(({ type }) => type !== 'emsg');
  taken.tags += boxes(media).length - kept.length;
  return Buffer.concat(kept.map(({ start, body }) => media.subarray(start, start + 8 + body.length)));
}
