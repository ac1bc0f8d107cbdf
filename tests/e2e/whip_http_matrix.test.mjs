/**
 * WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-04) by plain HTTP, row by row, with offers of real clients: what is asked,
 * what is answered. Nothing here speaks ICE.
 *
 * What is not here: tokens (401, `WWW-Authenticate`, who may publish from which origin), and ICE restarts (428, 412, 200 with a
 * new ETag). This server never redirects, and names no ICE servers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectProblem, getJson, offer, waitLive } from './lib/api.mjs';
import { startServer } from './lib/harness.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';
import { until } from './lib/wait.mjs';

const SDP = 'application/sdp';
const PUBLISHERS = ['chromium-156', 'ffmpeg-9-passive', 'ffmpeg-9-active', 'gstreamer-1.22', 'aiortc-1.16', 'obs-32'].map((name) => `whip/${name}`);
const VIEWERS = ['chromium-156', 'gstreamer-1.22', 'aiortc-1.16'].map((name) => `whep/${name}`);

/** Of each `a=setup` that an offer may have, what the answer must have (RFC 8842 section 5.3, RFC 9725 section 4.4.2). */
const SETUP = { actpass: 'passive', active: 'passive', passive: 'active' };

const lines = (sdp, start) => sdp.split(/\r?\n/).filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));

/** Asks without following: no answer is a redirect, and none names ICE servers. */
async function ask(url, method = 'GET', { headers = {}, body } = {}) {
  const response = await fetch(url, { method, headers, body, redirect: 'manual' });
  assert.ok(response.status < 300 || response.status >= 400, `${method} ${url}: ${response.status}`);
  assert.equal(response.headers.get('link'), null);
  return response;
}

const post = (url, body, type = SDP) => ask(url, 'POST', { headers: type ? { 'content-type': type } : {}, body });

/** Makes a session. @returns its address, resolved, and the answer */
async function created(endpoint, sdp, type) {
  const response = await post(endpoint, sdp, type);
  const answer = await response.text();
  assert.equal(response.status, 201, answer);
  assert.equal(response.headers.get('content-type'), SDP);
  const location = response.headers.get('location');
  return { url: new URL(location, endpoint).href, location, answer, etag: response.headers.get('etag'), headers: response.headers };
}

async function empty(response, status) {
  assert.equal(response.status, status);
  assert.equal(await response.text(), '');
}

/** How many sessions wait for their ICE: what a refused offer must not add to. */
async function connecting(server) {
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  return Number(/^shopcast_webrtc_sessions_connecting (\d+)/m.exec(metrics)[1]);
}

test('whip and whep by http', { timeout: 90_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp('show'), { profile: 'baseline' });
  await waitLive(server, 'show');
  let streams = 0;
  /** Endpoints that take an offer now: a stream of its own for each publisher, the one that is live for viewers. */
  const endpoints = {
    whip: () => `${server.origin}/whip/seller-${streams += 1}`,
    whep: () => `${server.origin}/whep/show`,
  };
  const usual = { whip: 'whip/obs-32', whep: 'whep/chromium-156' };

  for (const name of [...PUBLISHERS, ...VIEWERS]) {
    const kind = name.slice(0, 4);
    await t.test(`H1: the offer of ${name} is answered`, async () => {
      const [endpoint, offered] = [endpoints[kind](), offer(name)];
      const { url, location, answer, etag } = await created(endpoint, offered);
      // OBS puts a relative Location in place of the whole path and loses its query; with both it has to mean the same.
      assert.match(location, new RegExp(`^/${kind}/[\\w-]+/[\\w-]{22,}$`));
      assert.match(etag, /^"[^"]+"$/, 'H6: a strong ETag');
      assert.ok(!/[^\r]\n/.test(answer), 'lines end in CRLF');
      assert.deepEqual(lines(answer, 'a=mid:'), lines(offered, 'a=mid:'));
      assert.deepEqual(lines(answer, 'm=').map((line) => line.split(' ')[0]), lines(offered, 'm=').map((line) => line.split(' ')[0]));
      assert.ok(lines(answer, 'm=').every((line) => !/^\w+ 0 /.test(line)), 'H12: no section is turned down');
      const media = lines(offered, 'm=').filter((line) => !line.startsWith('application')).length;
      assert.equal(lines(answer, kind === 'whip' ? 'a=recvonly' : 'a=sendonly').length, media);
      assert.equal(lines(answer, 'a=rtcp-mux').filter((rest) => rest === '').length, media);
      const [setup] = lines(offered, 'a=setup:');
      assert.deepEqual([...new Set(lines(answer, 'a=setup:'))], [SETUP[setup]], `case 23: ${setup}`);
      assert.ok(lines(answer, 'a=candidate:').length > 0, 'all candidates are in the answer');
      await empty(await ask(url, 'DELETE'), 200);
    });
  }

  for (const kind of ['whip', 'whep']) {
    await t.test(`${kind} H1, case 20: what is no offer is refused`, async () => {
      const [endpoint, before] = [endpoints[kind](), await connecting(server)];
      const good = offer(usual[kind]);
      await expectProblem(await post(endpoint, good, 'application/json'), 415, /application\/sdp/);
      await expectProblem(await post(endpoint, new TextEncoder().encode(good), null), 415, /application\/sdp/);
      await expectProblem(await post(endpoint, ''), 400, /empty/);
      await expectProblem(await post(endpoint, 'hello'), 400, /v=0/);
      await expectProblem(await post(endpoint, new Uint8Array([0x76, 0x3d, 0x30, 0xff, 0xfe])), 400, /UTF-8/);
      await expectProblem(await post(endpoint, good.replace('a=ice-pwd', 'a=nice-pwd').replaceAll('a=ice-pwd', 'a=nice-pwd')), 400, /ice-pwd/);
      await expectProblem(await post(endpoint, good + 'a=x:'.padEnd(1 << 20, 'x')), 413);
      assert.equal(await connecting(server), before, 'no session was made');
    });

    await t.test(`${kind} case 20: lines may end in LF alone, and the type may have parameters`, async () => {
      const { url } = await created(endpoints[kind](), offer(usual[kind]).replaceAll('\r\n', '\n'), 'Application/SDP; charset=utf-8');
      await empty(await ask(url, 'DELETE'), 200);
    });

    await t.test(`${kind} case 22: directions that carry nothing this way are refused`, async () => {
      const [endpoint, before] = [endpoints[kind](), await connecting(server)];
      const right = kind === 'whip' ? 'sendonly' : 'recvonly';
      const wrong = kind === 'whip' ? 'recvonly' : 'sendonly';
      for (const direction of [wrong, 'inactive']) {
        await expectProblem(await post(endpoint, offer(usual[kind]).replaceAll(`a=${right}`, `a=${direction}`)), 400, new RegExp(direction));
      }
      const { url } = await created(endpoint, offer(usual[kind]).replaceAll(`a=${right}`, 'a=sendrecv'));
      await empty(await ask(url, 'DELETE'), 200);
      assert.equal(await connecting(server), before);
    });

    await t.test(`${kind} H2: GET is a success without content, at the endpoint and at the session`, async () => {
      const endpoint = endpoints[kind]();
      await empty(await ask(endpoint), 204);
      await empty(await ask(`${server.origin}/${kind}/nobody-here`), 204);
      const { url } = await created(endpoint, offer(usual[kind]));
      await empty(await ask(url), 204);
      await empty(await ask(url, 'DELETE'), 200);
      await expectProblem(await ask(`${server.origin}/${kind}/not%20a%20name`), 404);
    });

    await t.test(`${kind} H3: OPTIONS says what is taken`, async () => {
      const endpoint = endpoints[kind]();
      const atEndpoint = await ask(endpoint, 'OPTIONS');
      await empty(atEndpoint, 200);
      assert.equal(atEndpoint.headers.get('accept-post'), SDP);
      for (const method of ['GET', 'OPTIONS', 'POST']) assert.match(atEndpoint.headers.get('access-control-allow-methods'), new RegExp(method));
      const { url } = await created(endpoint, offer(usual[kind]));
      const atSession = await ask(url, 'OPTIONS');
      await empty(atSession, 200);
      assert.equal(atSession.headers.get('accept-patch'), 'application/trickle-ice-sdpfrag');
      for (const method of ['GET', 'OPTIONS', 'PATCH', 'DELETE']) assert.match(atSession.headers.get('access-control-allow-methods'), new RegExp(method));
      await empty(await ask(url, 'DELETE'), 200);
      await expectProblem(await ask(endpoint, 'PUT'), 405);
    });

    await t.test(`${kind} H4, case 27: DELETE is 200 once and then 404, whatever its ETag`, async () => {
      const endpoint = endpoints[kind]();
      const { url } = await created(endpoint, offer(usual[kind]));
      await empty(await ask(url, 'DELETE', { headers: { 'if-match': '"something else"' } }), 200);
      await expectProblem(await ask(url, 'DELETE'), 404);
      await expectProblem(await ask(url, 'PATCH', { headers: { 'content-type': 'application/trickle-ice-sdpfrag' }, body: 'a=end-of-candidates\r\n' }), 404);
    });

    await t.test(`${kind} H4, case 27: no other session can be reached by a guess, or from another endpoint`, async () => {
      const [endpoint, before] = [endpoints[kind](), await connecting(server)];
      const { url } = await created(endpoint, offer(usual[kind]));
      const name = url.split('/').at(-1);
      const changed = (at) => name.slice(0, at) + (name[at] === 'A' ? 'B' : 'A') + name.slice(at + 1);
      // The number of the session is in front; the rest proves that the name was given out.
      const guesses = [0, 9, 12, 20].map((at) => `${endpoint}/${changed(at)}`);
      const other = kind === 'whip' ? 'whep' : 'whip';
      const elsewhere = [`${server.origin}/${other}/${endpoint.split('/').at(-1)}/${name}`, `${server.origin}/${kind}/another/${name}`];
      for (const wrong of [...guesses, ...elsewhere]) {
        for (const method of ['DELETE', 'PATCH', 'GET']) await expectProblem(await ask(wrong, method), 404, /session/);
      }
      assert.equal(await connecting(server), before + 1, 'it is still there');
      await empty(await ask(url, 'DELETE'), 200);
      assert.equal(await connecting(server), before);
    });

    await t.test(`${kind} H5: candidates are taken without an answer, what is none is not`, async () => {
      const { url } = await created(endpoints[kind](), offer(usual[kind]));
      const patch = (body, type = 'application/trickle-ice-sdpfrag') => ask(url, 'PATCH', { headers: { 'content-type': type }, body });
      const candidates = ['a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host', 'a=candidate:2 1 sctp 1 no.such.host 9 typ host', 'a=end-of-candidates', ''];
      const taken = await patch(candidates.join('\r\n'));
      assert.equal(taken.headers.get('etag'), null);
      await empty(taken, 204);
      await expectProblem(await patch(candidates.join('\r\n'), SDP), 415, /trickle-ice-sdpfrag/);
      await expectProblem(await patch('hello'), 400);
      await empty(await ask(url, 'DELETE'), 200);
    });
  }

  await t.test('whip H11: a stream that somebody publishes is not to be had: 409 and when to ask again', async () => {
    const response = await post(`${server.origin}/whip/show`, offer(usual.whip));
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    await expectProblem(response, 409);
  });

  await t.test('whep H11: a stream that nobody publishes is not live: 409 and when to ask again', async () => {
    const response = await post(`${server.origin}/whep/nobody`, offer(usual.whep));
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    await expectProblem(response, 409, /live/i);
  });

  await t.test('whip H12, case 21: one section that cannot be taken, and nothing is: 422, no session and no stream', async () => {
    const [endpoint, before] = [endpoints.whip(), await connecting(server)];
    await expectProblem(await post(endpoint, offer(usual.whip).replace('H264/90000', 'H265/90000')), 422, /H\.264/);
    await expectProblem(await post(endpoint, offer(usual.whip).replace('opus/48000/2', 'L16/48000/2')), 422, /opus/i);
    assert.equal(await connecting(server), before);
    const { streams: known } = await getJson(server, '/v1/streams');
    assert.ok(known.every(({ name }) => !endpoint.endsWith(`/${name}`)), 'no stream either');
  });

  await t.test('whep case 21: no codec in common is 406, and no session', async () => {
    const before = await connecting(server);
    await expectProblem(await post(endpoints.whep(), offer(usual.whep).replaceAll('H264/90000', 'H265/90000')), 406, /H\.264/);
    await expectProblem(await post(endpoints.whep(), offer(usual.whep).replaceAll('opus/48000/2', 'L16/48000/2')), 406, /opus/i);
    assert.equal(await connecting(server), before);
  });

  await t.test('whep H14: HEAD tells what this is', async () => {
    const response = await ask(endpoints.whep(), 'HEAD');
    assert.equal(response.headers.get('content-type'), SDP);
    await empty(response, 200);
  });

  await t.test('whep H3, H15: a page of another origin may do all of it, and read what it must', async () => {
    const origin = 'https://shop.example';
    const { url, headers } = await created(endpoints.whep(), offer(usual.whep));
    assert.equal(headers.get('access-control-allow-origin'), '*');
    for (const name of ['Location', 'ETag', 'Link', 'Accept-Patch', 'Retry-After', 'WWW-Authenticate']) {
      assert.match(headers.get('access-control-expose-headers'), new RegExp(`\\b${name}\\b`, 'i'));
    }
    for (const [address, method] of [[endpoints.whep(), 'POST'], [url, 'PATCH'], [url, 'DELETE']]) {
      const preflight = await ask(address, 'OPTIONS', {
        headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,content-type,if-match' },
      });
      assert.ok(preflight.ok);
      assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
      assert.match(preflight.headers.get('access-control-allow-methods'), new RegExp(method));
      for (const name of ['Authorization', 'Content-Type', 'If-Match']) assert.match(preflight.headers.get('access-control-allow-headers'), new RegExp(name, 'i'));
    }
    // Problems can be read as well.
    const problem = await ask(`${server.origin}/whep/nobody/AAAA`, 'DELETE', { headers: { origin } });
    assert.equal(problem.headers.get('access-control-allow-origin'), '*');
    await expectProblem(problem, 404);
    await empty(await ask(url, 'DELETE'), 200);
  });
});

test('whip and whep when full', { timeout: 60_000 }, async (t) => {
  const server = await startServer(t, { env: { SHOPCAST_WEBRTC__VIEWERS_MAX: '2', SHOPCAST_WEBRTC__CONNECTING_MAX: '2' } });
  publishFfmpeg(t, server.rtmp('show'), { profile: 'baseline' });
  await waitLive(server, 'show');
  const whep = `${server.origin}/whep/show`;

  await t.test('H11, case 28: viewers past the limit get 503 and when to ask again', async () => {
    const sessions = [await created(whep, offer()), await created(whep, offer())];
    const response = await post(whep, offer());
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    await expectProblem(response, 503);
    await empty(await ask(sessions[0].url, 'DELETE'), 200);
    sessions[0] = await created(whep, offer());
  });

  await t.test('viewers do not take a publisher’s place', async () => {
    const sellers = [await created(`${server.origin}/whip/seller`, offer('whip/obs-32')), await created(`${server.origin}/whip/seller-2`, offer('whip/obs-32'))];
    assert.equal(await connecting(server), 4, 'two viewers, two publishers');
    for (const { url } of sellers) await empty(await ask(url, 'DELETE'), 200);
  });

  await t.test('case 28: who never connects is forgotten', async () => {
    await until('their places are free again', async () => await connecting(server) === 0, { within: 25_000 });
    await created(whep, offer());
  });
});
