/** An LL-HLS client that keeps what it was given: playlists for the checker, segments for the counter table. */
import assert from 'node:assert/strict';
import { edge, parseMedia } from './hls/playlist.mjs';
import { parseMultivariant, renditionUris } from './hls/rules-multivariant.mjs';
import { quoted } from './hls/attributes.mjs';
import { mergeDelta } from './hls/delta.mjs';

export const hlsUrl = (server, stream, name) => `${server.origin}/hls/${stream}/${name}`;

/** @returns {Promise<{status: number, text: string, headers: Headers, at: number}>} */
export async function getPlaylist(url) {
  const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
  return { status: response.status, text: await response.text(), headers: response.headers, at: performance.now() };
}

export async function getBytes(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200, `GET ${url}: ${response.status}`);
  return { bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers };
}

/** The multivariant playlist and the names of its media playlists, the video one first. */
export async function presentation(server, stream) {
  const { text, headers, status } = await getPlaylist(hlsUrl(server, stream, 'index.m3u8'));
  assert.equal(status, 200);
  const multivariant = parseMultivariant(text);
  const audio = multivariant.media.map((m) => quoted(m.attrs, 'URI'));
  return { text, headers, multivariant, uris: renditionUris(multivariant), video: multivariant.variants[0].uri, audio: audio[0] };
}

/** How many discontinuities the origin has published so far in a media playlist, those that have left the window included. */
export async function discontinuities(server, stream, uri) {
  const { text } = await getPlaylist(hlsUrl(server, stream, uri));
  const gone = Number(/#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0);
  return gone + (text.match(/^#EXT-X-DISCONTINUITY\r?$/gm) ?? []).length;
}

/** One rendition, followed by blocking reloads as a player does. */
export class Follower {
  constructor(server, stream, uri) {
    this.url = hlsUrl(server, stream, uri);
    /** Everything answered so far, as `checkHistory` takes it. */
    this.fetched = [];
    this.model = null;
  }

  /** One plain reload. */
  async full() {
    return this.#take(await getPlaylist(this.url), {});
  }

  /**
   * Waits for the next part.
   * @param {{skip?: 'YES' | 'v2', patient?: boolean}} options `skip` asks for a delta; `patient`: null where none came in time
   */
  async next({ skip, patient } = {}) {
    if (!this.model) return this.full();
    const { msn, part } = edge(this.model);
    const asked = { msn, part: part + 1 };
    const query = `_HLS_msn=${asked.msn}&_HLS_part=${asked.part}${skip ? `&_HLS_skip=${skip}` : ''}`;
    const answer = await getPlaylist(`${this.url}?${query}`);
    if (patient && answer.status === 503) return null;
    return this.#take(answer, { asked, skip });
  }

  #take(answer, { asked, skip }) {
    assert.equal(answer.status, 200, `${this.url} ${JSON.stringify(asked)}: ${answer.status} ${answer.text.slice(0, 300)}`);
    this.fetched.push({ text: answer.text, at: answer.at, asked, skip });
    const raw = parseMedia(answer.text);
    this.model = raw.skip ? mergeDelta(this.model, raw) : raw;
    assert.ok(this.model, `a delta that does not fit:\n${answer.text}`);
    return answer;
  }
}

/** Downloads every segment of the video rendition until stopped, and each of its parts if told so. */
export class SegmentRecorder {
  #stopping = false;
  #withParts;

  /** @param {{parts?: boolean}} options */
  constructor(server, stream, uri, { parts = false } = {}) {
    this.#withParts = parts;
    this.follower = new Follower(server, stream, uri);
    /** @type {Map<number, {uri: string, map: string, bytes: Buffer}>} by media sequence number */
    this.segments = new Map();
    this.inits = new Map();
    /** @type {Map<string, {msn: number, duration: number, bytes: Buffer}>} by name, in order */
    this.parts = new Map();
    this.done = this.#run();
    // A failure is reported by stop(); until then it must not end the process.
    this.done.catch(() => {});
  }

  /** Waits until the segment that is being made now has been recorded as well. */
  async stop() {
    this.#stopping = true;
    await this.done;
    return this;
  }

  async #run() {
    const { follower } = this;
    await follower.full();
    let until = Infinity;
    while (edge(follower.model).msn <= until) {
      if (this.#stopping && until === Infinity) until = edge(follower.model).msn;
      // Nothing comes while the publisher is away.
      if (!(await follower.next({ patient: true }))) continue;
      await this.#download(follower.model);
      if (follower.model.endlist) return;
    }
  }

  async #download(model) {
    const url = (name) => new URL(name, this.follower.url).href;
    for (const { msn, uri, map, parts } of model.segments) {
      for (const { uri: name, duration } of this.#withParts ? parts : []) {
        if (!this.parts.has(name)) this.parts.set(name, { msn, duration, bytes: (await getBytes(url(name))).bytes });
      }
      if (uri === null || this.segments.has(msn)) continue;
      if (!this.inits.has(map.uri)) this.inits.set(map.uri, (await getBytes(url(map.uri))).bytes);
      this.segments.set(msn, { uri, map: map.uri, bytes: (await getBytes(url(uri))).bytes });
    }
  }
}
