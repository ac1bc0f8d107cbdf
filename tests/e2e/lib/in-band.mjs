/** docs/spec/cue.md, "In band", held against what was recorded: the `emsg` boxes of parts, and the playlist's date ranges. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { decodeCue } from './api.mjs';
import { cardsAt } from './invariant.mjs';

/** Of a `show` that is longer, a date range has no more than the hash. */
const RANGE_CUE_BYTES_MAX = 300;

/**
 * Each cue stands once, in the chunk whose interval holds its pts; each segment begins with a snapshot that folds to the state there.
 * @param {ReturnType<import('./boxes.mjs').chunksOf>} chunks
 * @param {object[]} cues all of the stream's, as `listCues` has them
 * @returns how many snapshots there were
 */
export function assertEvents(chunks, cues) {
  const events = chunks.flatMap((chunk) => chunk.events.map((event) => ({ ...event, chunk })));
  for (const event of events) {
    assert.equal(event.scheme, 'https://aomedia.org/emsg/ID3');
    assert.equal(event.timescale, 90_000);
    const { start, end } = event.chunk;
    assert.ok(start <= event.presentationTime && event.presentationTime < end, `${event.presentationTime} in ${start}..${end}`);
  }
  for (const cue of cues) {
    const [event, ...others] = events.filter(({ value, id }) => value === 'dev.shopcast.cue' && id === cue.seq);
    assert.ok(event && others.length === 0, `cue ${cue.seq} is carried ${event ? 1 + others.length : 0} times`);
    assert.equal(event.presentationTime, cue.pts);
    assert.equal(event.text, JSON.stringify(cue), 'the bytes made at the origin');
  }
  const heads = chunks.filter((chunk, i) => chunk.msn !== chunks[i - 1]?.msn);
  for (const { msn, start, events: [first] } of heads) {
    assert.equal(first?.value, 'dev.shopcast.snapshot', `segment ${msn}`);
    assert.equal(first.presentationTime, start);
    const snapshot = JSON.parse(first.text);
    // A cue accepted after the segment began lies past its start, so the whole list folds to what was true then.
    assert.deepEqual(cardsAt(snapshot.cues.map(decodeCue), start), cardsAt(cues, start), `segment ${msn}`);
  }
  return heads.length;
}

/**
 * Each cue has one date range, at the wall clock that PROGRAM-DATE-TIME gives its pts, with the cue's own words and hash.
 * @param {ReturnType<import('./hls/playlist.mjs').parseMedia>} playlist whose window holds all of the cues
 * @param {(msn: number) => number} startOf pts of a segment's first frame
 */
export function assertDateRanges(playlist, cues, startOf) {
  const dated = playlist.segments.find(({ pdt }) => pdt !== undefined);
  for (const cue of cues) {
    const [range, ...others] = playlist.dateRanges.filter(({ id }) => id === `cue-${cue.epoch}-${cue.seq}`);
    assert.ok(range && others.length === 0, `cue ${cue.seq} has ${range ? 1 + others.length : 0} date ranges`);
    const said = (name) => range.attrs.get(`X-DEV-SHOPCAST-${name}`)?.text;
    const bytes = JSON.stringify(cue);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16).toUpperCase();
    assert.deepEqual(
      { op: said('OP'), card: said('CARD-ID'), seq: said('SEQ'), rev: said('REV'), pts: said('PTS'), hash: said('HASH') },
      { op: cue.op, card: cue.card_id, seq: `${cue.seq}`, rev: `${cue.rev}`, pts: `${cue.pts}`, hash: `0x${hash}` },
    );
    const whole = cue.op === 'show' && Buffer.byteLength(bytes) <= RANGE_CUE_BYTES_MAX;
    assert.equal(said('CUE'), whole ? Buffer.from(bytes).toString('base64url') : undefined, `cue ${cue.seq}`);
    // Both dates are rounded down to milliseconds.
    const expected = dated.pdt + (cue.pts - startOf(dated.msn)) / 90;
    assert.ok(Math.abs(range.start - expected) <= 1, `cue ${cue.seq} at ${range.start}, by the segments at ${expected}`);
    const seconds = { show: cue.duration, update: cue.duration, hide: 0, clear: 0 }[cue.op];
    if (seconds !== null) assert.ok(Math.abs(range.duration - seconds / 90_000) < 0.00001, `cue ${cue.seq} lasts ${range.duration} s`);
  }
}
