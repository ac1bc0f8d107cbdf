/**
 * Viewers with different tokens behind a cache whose key knows no tokens: each sends its own with every request, no body
 * holds any, and what they watch leaves the server once.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expectProblem, waitLive } from './lib/api.mjs';
import { launchBrowser, newPage, playback } from './lib/browser.mjs';
import { startServer } from './lib/harness.mjs';
import { checkMedia, checkMultivariant, describe } from './lib/hls-checker.mjs';
import { Follower, getPlaylist, hlsUrl, presentation } from './lib/hls-client.mjs';
import { startNginx } from './lib/nginx.mjs';
import { output } from './lib/processes.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const STREAM = 'demo';
const FRAMES = 120;
const hlsJs = fileURLToPath(new URL('../../web/node_modules/hls.js/dist/hls.js', import.meta.url));
const isPart = (url) => /\.\d+\.m4s/.test(url);

/** A token as long and of the same characters as a JWT. */
const token = (name) => `eyJhbGciOiJFUzI1NiJ9.${Buffer.from(`{"sub":"${name}"}`).toString('base64url')}.${'s-_'.repeat(28)}`;

/** The addresses under /hls/ that a page asks for, from now on. */
function requestsOf(page) {
  const urls = [];
  page.on('request', (request) => request.url().includes('/hls/') && urls.push(request.url()));
  return urls;
}

const tokenOf = (url) => new URL(url).searchParams.get('token');

/** hls.js as anybody uses it: an address with a token, and nothing of ours. */
async function playBare(browser, origin, address) {
  const page = await newPage(browser);
  const urls = requestsOf(page);
  await page.goto(`${origin}/healthz`);
  await page.addScriptTag({ path: hlsJs });
  await page.evaluate((source) => {
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    window.__fatal = [];
    const hls = new window.Hls({ lowLatencyMode: true });
    hls.on('hlsError', (_, data) => data.fatal && window.__fatal.push(data.details));
    hls.loadSource(source);
    hls.attachMedia(video);
    void video.play();
  }, address);
  const frames = () => page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
  return { page, urls, frames };
}

test('tokens share a cache', { timeout: 180_000 }, async (t) => {
  const server = await startServer(t);
  const cache = await startNginx(t, server);
  publishFfmpeg(t, server.rtmp(STREAM));
  await waitLive(server, STREAM);
  const { video, audio } = await presentation(server, STREAM);
  const browser = await launchBrowser(t);

  await t.test('hls.js sends the token with every request', async () => {
    const own = token('bare');
    const { page, urls, frames } = await playBare(browser, cache.origin, `${cache.origin}/hls/${STREAM}/index.m3u8?token=${own}`);
    await until(`${FRAMES} frames`, async () => await frames() >= FRAMES, { within: 30_000 });
    for (const kind of [/index\.m3u8/, /video\.m3u8\?.*_HLS_msn=.*_HLS_part=/, /audio\.m3u8\?.*_HLS_part=/, /init.*\.mp4/]) {
      assert.ok(urls.some((url) => kind.test(url)), `none of ${kind}`);
    }
    t.diagnostic(`${urls.length} requests, ${urls.filter(isPart).length} of them for parts`);
    assert.ok(urls.filter(isPart).length > 5, 'it plays parts');
    assert.deepEqual(urls.filter((url) => tokenOf(url) !== own), []);
    assert.deepEqual(await page.evaluate(() => window.__fatal), []);
    await page.close();
  });

  await t.test('two viewers share the parts', async (sub) => {
    const names = ['first', 'second'];
    const before = cache.requests().length;
    const pages = await Promise.all(names.map(async (name) => {
      const page = await newPage(browser);
      const urls = requestsOf(page);
      await page.goto(`${cache.origin}/watch/${STREAM}?protocol=hls&token=${token(name)}`);
      return { page, urls, name };
    }));
    for (const { page, name } of pages) {
      await until(`${FRAMES} frames for the ${name}`, async () => (await playback(page)).frames >= FRAMES, { within: 40_000 });
    }
    for (const { urls, name } of pages) assert.deepEqual(urls.filter((url) => tokenOf(url) !== token(name)), []);
    const parts = cache.requests().slice(before).filter(({ uri, status }) => isPart(uri) && status === 200);
    const hits = parts.filter((part) => part.cache === 'HIT').length;
    const missed = parts.filter((part) => part.cache === 'MISS').map(({ uri }) => uri);
    t.diagnostic(`${parts.length} parts given, ${hits} of them out of the cache, ${missed.length} asked of the server`);
    assert.ok(hits >= 10, `${hits} hits`);
    assert.ok(missed.length - new Set(missed).size <= missed.length / 4, 'a part is asked of the server once');
    assert.deepEqual(pages.flatMap(({ page }) => page.errors), []);
    await pages[1].page.close();

    await sub.test('a token that is renewed is used from then on, and nothing stops', async () => {
      const { page, urls } = pages[0];
      const { frames } = await playback(page);
      const renewed = token('renewed');
      const at = urls.length;
      await page.evaluate((value) => { document.querySelector('shopcast-player').token = value; }, renewed);
      await until('requests with the new token', () => urls.slice(at).filter((url) => tokenOf(url) === renewed).length >= 20);
      const later = urls.slice(urls.findIndex((url) => tokenOf(url) === renewed));
      assert.deepEqual(later.filter((url) => tokenOf(url) !== renewed), []);
      await until('frames go on', async () => (await playback(page)).frames >= frames + FRAMES);
      assert.equal((await playback(page)).error, null);
      assert.deepEqual(page.errors, []);
      await page.close();
    });
  });

  await t.test('a body holds no token, is the same for all, and keeps the rules', async () => {
    const [one, other] = [token('one'), token('other')];
    const get = async (name, own, more = '') => (await getPlaylist(`${hlsUrl(server, STREAM, name)}?token=${own}${more}`)).text;
    const multivariant = await get('index.m3u8', one);
    assert.equal(describe(checkMultivariant(multivariant)), '');
    assert.ok(!multivariant.includes(one));
    for (const uri of [video, audio]) {
      const follower = new Follower(server, STREAM, uri);
      await follower.full();
      const { msn, parts } = follower.model.segments.at(-1);
      // What is already there does not change until a segment leaves the playlist.
      const asked = `&_HLS_msn=${msn}&_HLS_part=${parts.length}`;
      const texts = await Promise.all([one, other].map((own) => get(uri, own, asked)));
      assert.equal(texts[0], texts[1]);
      assert.equal(describe(checkMedia(texts[0])), '');
      assert.ok(!texts[0].includes(one));
    }
  });

  await t.test('FFmpeg, which knows no EXT-X-DEFINE, plays with a header', async () => {
    const before = cache.requests().length;
    const header = `Bearer ${token('ffmpeg')}`;
    const printed = await output('ffprobe', ['-v', 'error', '-headers', `Authorization: ${header}\r\n`, '-read_intervals', '%+3', '-count_packets',
      '-show_entries', 'stream=codec_type,nb_read_packets', '-of', 'json', `${cache.origin}/hls/${STREAM}/index.m3u8`], { ms: 45_000 });
    const counts = Object.fromEntries(JSON.parse(printed).streams.map((s) => [s.codec_type, Number(s.nb_read_packets)]));
    assert.ok(counts.video >= 60 && counts.audio >= 90, printed);
    // What the pages before had under way may end only now.
    const asked = cache.requests().slice(before).filter(({ bearer }) => bearer === header);
    for (const kind of [/index\.m3u8$/, /video\.m3u8$/, /audio\.m3u8$/, /init.*\.mp4$/, /v-.*\.m4s$/]) {
      assert.ok(asked.some(({ uri }) => kind.test(uri)), `none of ${kind} with the header`);
    }
    assert.ok(asked.every((request) => request.cache !== 'HIT' || !request.uri.endsWith('.m3u8')), 'what a header authorised is not kept');
  });

  // Each asks in its own way first, and what the cache then has for the clean address must not show it.
  const STRANGERS = [
    ['a foreign parameter', 'token=a&utm_source=spoilt', 'token=b'],
    ['another spelling of the token', 'token=a&Token=spoilt', 'token=b'],
    ['another spelling in front', 'Token=spoilt&token=a', 'token=b'],
    ['an escaped name', '%74oken=spoilt', ''],
    ['an empty token before another', 'token=&token=spoilt', ''],
    // Of the far future: the server would refuse it, were it passed on.
    ['an escaped directive', '%5FHLS_msn=999999999', ''],
    ['a directive in small letters', '_hls_spoilt=1', ''],
  ];
  for (const [what, foreign, clean] of STRANGERS) {
    await t.test(`${what} does not come back to others`, async () => {
      const follower = new Follower(server, STREAM, video);
      await follower.full();
      const { msn } = follower.model.segments.at(-1);
      // An answer of its own for each row, which the cache keeps for long because it is waited for; what is there already, as the
      // next part may be on a busy machine, it keeps for a moment.
      const directives = `_HLS_msn=${msn + 1}&_HLS_part=0`;
      const get = (query) => getPlaylist(`${hlsUrl(cache, STREAM, video)}?${directives}${query && `&${query}`}`);
      const [first, second] = [await get(foreign), await get(clean)];
      assert.deepEqual([first.status, second.status], [200, 200], first.text);
      // Where the first was not given what the second gets, it would prove nothing.
      assert.equal(second.headers.get('x-cache'), 'HIT');
      for (const { text } of [first, second]) {
        assert.ok(!/spoilt/i.test(text), text);
        assert.equal(text.includes('EXT-X-DEFINE'), clean !== '', text);
        for (const [uri] of text.matchAll(/^[^#].*m4s.*$/gm)) assert.match(uri, clean === '' ? /m4s$/ : /\?token=\{\$token\}$/);
      }
    });
  }

  await t.test('what nobody publishes is not there', async () => {
    for (const name of ['index.m3u8', 'video.m3u8', 'v-1-1.m4s']) {
      await expectProblem(await fetch(`${hlsUrl(cache, 'nobody', name)}?token=${token('early')}`), 404);
    }
  });

  await t.test('the log that is shipped holds requests and no token', () => {
    const lines = cache.shippedLog();
    assert.match(lines, new RegExp(`GET /hls/${STREAM}/video\\.m3u8 200 \\d+ [0-9.]+ (HIT|MISS)`));
    for (const secret of ['token', 'eyJ']) assert.ok(!lines.includes(secret), secret);
  });
});

/** A platform that signs: its public key's file, and tokens to watch a stream for a minute. */
function platform(t) {
  const folder = mkdtempSync(join(tmpdir(), 'shopcast-platform-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const file = join(folder, 'public.pem');
  writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const watch = (stream) => {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const text = `${encoded({ alg: 'EdDSA' })}.${encoded({ aud: 'shopcast', exp, stream, actions: ['watch'] })}`;
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
  };
  return { file, watch };
}

test('a cache gives nothing to whoever may not watch', { timeout: 90_000 }, async (t) => {
  const { file, watch } = platform(t);
  const server = await startServer(t, {
    env: {
      SHOPCAST_ACCESS__API_TOKEN: 'an-api-token-of-the-end-to-end-tests',
      SHOPCAST_ACCESS__VIEWERS: 'token',
      SHOPCAST_ACCESS__JWT_KEY_FILE: file,
    },
  });
  const cache = await startNginx(t, server);
  const [good, elsewhere] = [watch(STREAM), watch('elsewhere')];
  const get = (name, query = '') => fetch(`${hlsUrl(cache, STREAM, name)}${query}`, { headers: { origin: 'https://shop.example' } });

  await t.test('a stream nobody publishes is not there, with a token that is good for it', async () => {
    await expectProblem(await get('index.m3u8', `?token=${good}`), 404);
    await expectProblem(await get('index.m3u8'), 401);
  });

  publishFfmpeg(t, server.rtmp(STREAM));
  const init = await until('the playlist names its objects', async () => {
    const answer = await get('video.m3u8', `?token=${good}`);
    return answer.ok ? /URI="(v-[^"?]*\.mp4)/.exec(await answer.text())?.[1] : undefined;
  }, { within: 30_000 });
  const kept = async () => (await get(init, `?token=${good}`)).headers.get('x-cache') === 'HIT';
  await until('it is in the cache', kept);

  for (const name of ['video.m3u8', init]) {
    await t.test(`the server says itself why not: ${name}`, async () => {
      const refusals = [['', 401, /token is needed/], [`?token=${good}x`, 401, /./], [`?token=${elsewhere}`, 403, /./]];
      for (const [query, status, about] of refusals) {
        const answer = await get(name, query);
        assert.match(answer.headers.get('www-authenticate'), /^Bearer/);
        assert.equal(answer.headers.get('access-control-allow-origin'), '*', 'a page of another origin can read it');
        await expectProblem(answer, status, about);
      }
      assert.ok(await kept(), 'and whoever may gets it as before');
    });
  }

  await t.test('a page of another origin may ask for it with a header', async () => {
    const preflight = await fetch(hlsUrl(cache, STREAM, 'video.m3u8'), {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    });
    assert.equal(preflight.status, 200, await preflight.text());
    assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/);
    const answer = await fetch(hlsUrl(cache, STREAM, 'video.m3u8'), { headers: { authorization: `Bearer ${good}` } });
    assert.equal(answer.status, 200, await answer.text());
  });
});
