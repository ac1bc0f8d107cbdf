/**
 * What the HTTP surface answers to what it should not be sent: the status that names whose fault it is, and problem
 * details (RFC 9457) that name the element. One live stream, no browser.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { expectProblem, getJson, insertCue, listCues, offer, postCue, postWhep, product, showCue, waitLive } from './lib/api.mjs';
import { startServer } from './lib/harness.mjs';
import { Follower, getPlaylist, hlsUrl, presentation } from './lib/hls-client.mjs';
import { edge } from './lib/hls/playlist.mjs';
import { publishFfmpeg } from './lib/publishers.mjs';

const STREAM = 'demo';
const payload = (more) => ({ payload: product(1, more) });
const price = (more) => payload({ price: { minor: 1, currency: 'EUR', ...more } });

/** Every field within its limit, together past 1 KiB. */
const LONG = { title: '€'.repeat(120), image: `/${'x'.repeat(500)}`, sku: '€'.repeat(64) };

/** Name, body, status, and what the answer must speak of. */
const BAD_CUES = [
  ['not JSON', '{"card_id": ', 400, /JSON|EOF/i],
  ['not an object', '[]', 400, /./],
  ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, /./],
  ['no card', { op: 'show', ...payload() }, 400, /card_id/],
  ['an unknown field', showCue('c1', { colour: 'red' }), 400, /colour/],
  ['an unknown operation', showCue('c1', { op: 'explode' }), 400, /explode|op/],
  ['an unknown kind', showCue('c1', { kind: 'hologram' }), 400, /hologram|kind/],
  ['a card name with a slash', showCue('a/b'), 400, /card_id/],
  ['a moment nobody knows', showCue('c1', { at: 'soon' }), 400, /at|pts/],
  ['two moments', showCue('c1', { at: { pts: 1, after_ms: 1 } }), 400, /pts|after_ms/],
  ['a date that is none', showCue('c1', { at: { utc: 'yesterday' } }), 400, /utc/],
  ['a moment next week', showCue('c1', { at: { after_ms: 7 * 86_400_000 } }), 400, /./],
  ['no duration at all', showCue('c1', { duration_ms: 0 }), 400, /duration/],
  ['a negative duration', showCue('c1', { duration_ms: -5 }), 400, /duration|integer/],
  ['a show without a payload', showCue('c1', { payload: null }), 400, /payload/],
  ['a hide with a payload', showCue('c1', { op: 'hide' }), 400, /payload/],
  ['a price in fractions', showCue('c1', price({ minor: 12.99 })), 400, /minor|integer|price/],
  ['a negative price', showCue('c1', price({ minor: -1 })), 400, /price/],
  ['a currency of four letters', showCue('c1', price({ currency: 'EURO' })), 400, /currency/],
  ['a currency in small letters', showCue('c1', price({ currency: 'eur' })), 400, /currency/],
  ['another currency before', showCue('c1', payload({ prior_price: { minor: 1, currency: 'USD' } })), 400, /prior_price/],
  ['stock below nothing', showCue('c1', payload({ stock: -1 })), 400, /stock|u32|integer/],
  ['a title that turns around', showCue('c1', payload({ title: 'gra\u202Etis' })), 400, /title/],
  ['a title with a control character', showCue('c1', payload({ title: 'a\u0007b' })), 400, /title/],
  ['a title without end', showCue('c1', payload({ title: 'x'.repeat(121) })), 400, /title/],
  ['a picture by javascript', showCue('c1', payload({ image: 'javascript:alert(1)' })), 400, /image/],
  ['a picture from nowhere safe', showCue('c1', payload({ image: '//evil.example/x.png' })), 400, /image/],
  ['a cue of more than 1 KiB', showCue('c1', payload(LONG)), 400, /1024|bytes|long/],
  ['a body of 1 MiB', showCue('c1', payload({ title: 'x'.repeat(1 << 20) })), 413, /./],
  ['an update of a card that is not shown', showCue('nobody', { op: 'update' }), 409, /nobody|screen/],
  ['a hide of a card that is not shown', { card_id: 'nobody', op: 'hide' }, 409, /nobody|screen/],
  ['a revision that does not exist', showCue('c1', { if_rev: 9 }), 409, /rev/],
];

/** Query of a media playlist, and the status; `M` is the segment being made. */
const DIRECTIVES = [
  ['_HLS_part=0', 400], ['_HLS_msn=-1', 400], ['_HLS_msn=abc', 400], ['_HLS_msn=1.5', 400], ['_HLS_msn=', 400], ['_HLS_msn=%2B1', 400],
  ['_HLS_msn=1&_HLS_msn=1', 400], ['_HLS_msn=9223372036854775808', 400], ['_HLS_msn=99999999', 400], ['_HLS_msn=M+4', 400],
  ['_HLS_msn=M&_HLS_part=500', 400], ['_HLS_msn=M&_HLS_part=x', 400], ['_HLS_msn=M&_HLS_part=0&_HLS_part=0', 400],
  ['_HLS_msn=0', 200], ['_HLS_msn=0&_HLS_part=3', 200], ['_HLS_unknown=1', 200], ['_HLS_skip=maybe', 200], ['camera=a%20b&_HLS_msn=0', 200], ['token=secret&_HLS_msn=0', 200],
];

/** Method, path, headers and body, status. */
const PATHS = [
  ['GET', '/nothing/here', 404], ['GET', '/v1/streams/nobody', 404], ['GET', '/v1/streams/nobody/cues', 404],
  ['GET', '/v1/streams/nobody/state', 404], ['GET', '/v1/streams/nobody/events', 404], ['GET', `/v1/streams/${STREAM}/cues/999999`, 404],
  ['GET', `/v1/streams/${STREAM}/cues/first`, 404], ['GET', `/v1/streams/${STREAM}/state?pts=abc`, 400],
  ['GET', `/v1/streams/${STREAM}/cues?after=-1`, 400], ['GET', '/hls/nobody/index.m3u8', 404], ['GET', `/hls/${STREAM}/v-x-0.m4s`, 404],
  ['PUT', `/v1/streams/${STREAM}/cues`, 405], ['PATCH', `/v1/streams/${STREAM}`, 405], ['POST', `/hls/${STREAM}/index.m3u8`, 405],
  ['DELETE', `/whep/${STREAM}/AAAAAAAAAABMj-PBV0Xy7m_k-E_4XeUa`, 404], ['GET', '/v1/streams/..%2Fetc', 404],
];

test('bad input', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  publishFfmpeg(t, server.rtmp(STREAM), { mark: 'none' });
  await waitLive(server, STREAM);

  await t.test('cues that cannot be', async (cues) => {
    for (const [name, body, status, about] of BAD_CUES) {
      await cues.test(name, async () => expectProblem(await postCue(server, STREAM, body), status, about));
    }
    await cues.test('another content type', async () => {
      await expectProblem(await postCue(server, STREAM, 'x', { headers: { 'content-type': 'text/plain' } }), 415);
    });
    await cues.test('nobody’s stream', async () => expectProblem(await postCue(server, 'nobody', showCue('c1')), 404, /nobody/));
    await cues.test('a key that is none', async () => {
      const response = await postCue(server, STREAM, showCue('c1'), { key: 'x'.repeat(300) });
      await expectProblem(response, 400, /Idempotency-Key/);
    });
    await cues.test('none of them left a trace', async () => assert.deepEqual(await listCues(server, STREAM), []));
  });

  await t.test('the same request twice is one cue, another request with its key none', async () => {
    const key = randomUUID();
    const body = showCue('once', { duration_ms: 500 });
    const first = await insertCue(server, STREAM, body, { key });
    assert.deepEqual(await insertCue(server, STREAM, body, { key }), first);
    await expectProblem(await postCue(server, STREAM, showCue('twice'), { key }), 422, /[Ii]dempotency/);
    assert.deepEqual((await listCues(server, STREAM)).map((cue) => cue.seq), [first.seq]);
    await expectProblem(await postCue(server, STREAM, { ...body, if_rev: 0 }), 409, /rev/);
    assert.equal((await insertCue(server, STREAM, { ...body, if_rev: first.rev })).rev, first.rev + 1);
  });

  await t.test('delivery directives', () => directives(server));
  await t.test('paths and methods', async () => {
    for (const [method, path, status] of PATHS) {
      const response = await fetch(`${server.origin}${path}`, { method });
      await expectProblem(response, status).catch((error) => assert.fail(`${method} ${path}: ${error.message}`));
    }
  });
  await t.test('WHEP', (whep) => whepRefusals(whep, server));
  await t.test('more cues than the rate allows', async () => {
    // Each in a moment of its own, so that nothing but the rate stands against them.
    const cue = (n) => showCue(`many-${n}`, { at: { after_ms: 1000 + 100 * n }, duration_ms: 50 });
    const answers = await Promise.all(Array.from({ length: 80 }, (_, n) => postCue(server, STREAM, cue(n))));
    const refused = answers.filter((answer) => answer.status === 429);
    assert.ok(refused.length >= 10 && refused.length <= 40, `${refused.length} of 80 refused`);
    assert.ok(answers.every((answer) => answer.status === 201 || answer.status === 429), `${answers.map((a) => a.status)}`);
    assert.match(refused[0].headers.get('retry-after'), /^[1-9]\d*$/);
    await expectProblem(refused[0], 429);
  });

  // After all that the show goes on.
  assert.equal((await getJson(server, `/v1/streams/${STREAM}`)).state, 'live');
});

async function directives(server) {
  const { video } = await presentation(server, STREAM);
  const follower = new Follower(server, STREAM, video);
  for (const [query, status] of DIRECTIVES) {
    await follower.full();
    const { msn } = edge(follower.model);
    const filled = query.replace(/M\+(\d)/, (_, n) => `${msn + Number(n)}`).replace('M', `${msn}`);
    const asked = performance.now();
    const answer = await getPlaylist(`${hlsUrl(server, STREAM, video)}?${filled}`);
    assert.equal(answer.status, status, `${filled}: ${answer.status} ${answer.text.slice(0, 200)}`);
    // Neither a mistake nor the past is worth waiting for.
    assert.ok(performance.now() - asked < 1_000, `${filled} took ${performance.now() - asked} ms`);
    if (status === 400) assert.match(answer.headers.get('content-type'), /problem\+json/);
    else assert.ok(!answer.text.includes('_HLS_'), `${filled} came back in a URI`);
    if (filled.startsWith('camera')) assert.match(answer.text, /\.m4s\?camera=a%20b/, 'other parameters stay on the URIs');
    if (filled.startsWith('token')) assert.ok(!answer.text.includes('secret') && /\.m4s\?token=\{\$token\}/.test(answer.text), 'a variable stands for the token');
  }
}

async function whepRefusals(t, server) {
  const sdp = { 'content-type': 'application/sdp' };
  const vp8 = offer().replace(/H264\/90000/g, 'VP8/90000').replace(/a=fmtp:\d+ level-asymmetry.*\r\n/g, '');
  const cases = [
    ['another content type', offer(), { 'content-type': 'text/plain' }, 415],
    ['nothing', '', sdp, 400],
    ['no SDP', 'hello', sdp, 400],
    ['1 MiB', `${offer()}a=x:${'x'.repeat(1 << 20)}\r\n`, sdp, 413],
    ['an offer to send', offer().replaceAll('a=recvonly', 'a=sendonly'), sdp, 400],
    ['no common codec', vp8, sdp, 406],
  ];
  for (const [name, body, headers, status] of cases) {
    await t.test(name, async () => expectProblem(await postWhep(server, STREAM, body, headers), status));
  }
  await t.test('nobody publishes', async () => {
    const response = await postWhep(server, 'nobody');
    assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
    await expectProblem(response, 409);
  });
  await t.test('GET is not an error, OPTIONS tells what is taken', async () => {
    const look = await fetch(`${server.origin}/whep/${STREAM}`);
    assert.ok(look.ok && (await look.text()) === '', `${look.status}`);
    const options = await fetch(`${server.origin}/whep/${STREAM}`, { method: 'OPTIONS', headers: { origin: 'https://shop.example' } });
    assert.ok(options.ok, `${options.status}`);
    assert.match(options.headers.get('accept-post'), /application\/sdp/);
    assert.equal(options.headers.get('access-control-allow-origin'), '*');
    assert.match(options.headers.get('access-control-allow-methods'), /POST/);
  });
  await t.test('a session ends once', async () => {
    const created = await postWhep(server, STREAM);
    assert.equal(created.status, 201);
    assert.equal(created.headers.get('content-type'), 'application/sdp');
    assert.match(created.headers.get('etag'), /^"[^"]+"$/);
    const session = new URL(created.headers.get('location'), created.url);
    const wrongType = await fetch(session, { method: 'PATCH', headers: { 'content-type': 'text/plain' }, body: 'x' });
    await expectProblem(wrongType, 415);
    // WHIP §4.2: an ETag on DELETE is ignored.
    assert.equal((await fetch(session, { method: 'DELETE', headers: { 'if-match': '"other"' } })).status, 200);
    await expectProblem(await fetch(session, { method: 'DELETE' }), 404);
  });
}
