/**
 * Pages that nobody sees. Chromium 156 under Playwright presents every page all the time: neither another page brought to the
 * front, nor focus emulation off, nor a minimised window, headless or on Xvfb, hides one. So it is done as HTML says of a
 * page without rendering opportunities: no animation frame, no video frame callback until it is seen again.
 */

/** Call it before the page is navigated. */
export const canBeUnseen = (page) => page.addInitScript(() => {
  let unseen = null;
  const waiting = [];
  const whenSeen = (ask, callback) => ask((...told) => {
    if (unseen === null) callback(...told);
    else waiting.push(() => ask(callback));
  });
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) => whenSeen(frame, callback);
  const video = HTMLVideoElement.prototype.requestVideoFrameCallback;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function request(callback) {
    return whenSeen((told) => video.call(this, told), callback);
  };
  Object.defineProperty(Document.prototype, 'hidden', { get: () => unseen === 'hidden' });
  /** @param how 'hidden' as a tab behind another, 'elsewhere' as a frame that was scrolled away, null when it is seen */
  window.__unsee = (how) => {
    const wasHidden = document.hidden;
    unseen = how;
    if (document.hidden !== wasHidden) document.dispatchEvent(new Event('visibilitychange'));
    if (unseen === null) for (const ask of waiting.splice(0)) ask();
  };
});
