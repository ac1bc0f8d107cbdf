/** Firefox as Debian ships it, driven by WebDriver BiDi; its pages answer to what the tests ask of Chromium's. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

const FIREFOX = process.env.FIREFOX_BIN ?? '/usr/bin/firefox-esr';

const scripts = ['strip-canvas.js', 'steady-frame.js'].map((name) => fileURLToPath(new URL(`./page/${name}`, import.meta.url)));

const PREFS = {
  // Sound plays without a click.
  'media.autoplay.default': 0,
  // Host candidates as plain addresses, the loopback one too: there is nobody to answer mDNS here, nor any other interface.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  // Without leave to use a camera there are candidates of the default route alone.
  'permissions.default.camera': 1,
  'permissions.default.microphone': 1,
  // No codec is fetched from anywhere: what this browser plays is what Debian gave it.
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-gmpopenh264.enabled': false,
};

/**
 * Launches a Firefox that is closed when the test ends.
 * @returns what `newPage` and `watch` of browser.mjs take for a browser
 */
export async function launchFirefox(t) {
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, headless: true, extraPrefsFirefox: PREFS });
  t.after(() => browser.close());
  return { newPage: async ({ viewport }) => pageOf(browser, viewport), version: () => browser.version() };
}

/** Puppeteer's page with the one word of Playwright's that it lacks. */
async function pageOf(browser, viewport) {
  const page = await browser.newPage();
  await page.setViewport(viewport);
  const addInitScript = ({ path }) => page.evaluateOnNewDocument(readFileSync(path, 'utf8'));
  for (const path of scripts) await addInitScript({ path });
  return Object.assign(page, { addInitScript });
}
