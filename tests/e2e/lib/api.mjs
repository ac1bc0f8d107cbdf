/** The HTTP API as a platform uses it: cues in, states out, problems by RFC 9457. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { until } from './wait.mjs';

export async function getJson(server, path) {
  const response = await fetch(`${server.origin}${path}`);
  assert.equal(response.status, 200, `GET ${path}: ${response.status}`);
  return response.json();
}

/** `GET /v1/streams/{stream}`, once the stream is known. */
export const streamInfo = (server, stream) => getJson(server, `/v1/streams/${stream}`);

/** Waits until the stream is live with the tracks asked for, and its playlist can be had. */
export async function waitLive(server, stream, { kinds = ['video', 'audio'], within = 30_000 } = {}) {
  const info = await until(`${stream} is live with ${kinds}`, async () => {
    const current = await streamInfo(server, stream);
    return current.state === 'live' && kinds.every((kind) => current[kind]) && current;
  }, { within });
  await until(`${stream} has a playlist`, async () => (await fetch(`${server.origin}/hls/${stream}/index.m3u8`)).ok, { within });
  return info;
}

/** A product payload within the limits of the encoded cue. */
export const product = (n, more = {}) => ({
  sku: `SKU-${n}`, title: `Product ${n}`, price: { minor: 1000 + n, currency: 'EUR' }, prior_price: null, image: null, stock: 5, ...more,
});

/** A cue request; `more` overrides any member. */
export const showCue = (card, more = {}) => ({
  card_id: card, kind: 'product', op: 'show', at: 'now', duration_ms: null, payload: product(1), ...more,
});

export function postCue(server, stream, body, { key = randomUUID(), headers = {} } = {}) {
  return fetch(`${server.origin}/v1/streams/${stream}/cues`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'idempotency-key': key }), ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

/** Inserts a cue that must be accepted. @returns `{seq, rev, pts, utc, late_by_ms}` */
export async function insertCue(server, stream, body, options) {
  const response = await postCue(server, stream, body, options);
  const text = await response.text();
  assert.equal(response.status, 201, `cue ${JSON.stringify(body)}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** The cues after a number, decoded from the bytes every carrier has (docs/spec/cue.md); `duration` in ticks. */
export async function listCues(server, stream, after = 0) {
  const { cues } = await getJson(server, `/v1/streams/${stream}/cues?after=${after}`);
  return cues.map(decodeCue);
}

export const decodeCue = (base64url) => JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));

/** One cue as the API shows it, with `frame_pts` once its frame is known. */
export const getCue = (server, stream, seq) => getJson(server, `/v1/streams/${stream}/cues/${seq}`);

/** Card ids of `GET /v1/streams/{stream}/state?pts=`. */
export async function cardsByApi(server, stream, pts) {
  const { cards } = await getJson(server, `/v1/streams/${stream}/state?pts=${pts}`);
  return cards.map((card) => card.card_id).sort();
}

/** Asserts an RFC 9457 answer and returns its body. */
export async function expectProblem(response, status, about = /./) {
  const text = await response.text();
  assert.equal(response.status, status, `${response.status} ${text}`);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/, text);
  const problem = JSON.parse(text);
  assert.equal(typeof problem.title, 'string');
  assert.equal(typeof problem.type, 'string');
  assert.equal(problem.status, status);
  assert.match(`${problem.title} ${problem.detail}`, about);
  return problem;
}

/**
 * An offer as a real client made it (lib/offers), with ICE credentials of its own.
 * @param {string} name e.g. `whip/obs-32`
 */
export function offer(name = 'whep/chromium-156') {
  const recorded = readFileSync(new URL(`./offers/${name}.sdp`, import.meta.url), 'utf8');
  const [ufrag, pwd] = [randomBytes(3).toString('hex'), randomBytes(12).toString('hex')];
  return recorded.replaceAll(/a=ice-ufrag:.*\r\n/g, `a=ice-ufrag:${ufrag}\r\n`).replaceAll(/a=ice-pwd:.*\r\n/g, `a=ice-pwd:${pwd}\r\n`);
}

export function postWhep(server, stream, sdp = offer(), headers = { 'content-type': 'application/sdp' }) {
  return fetch(`${server.origin}/whep/${stream}`, { method: 'POST', headers, body: sdp });
}
