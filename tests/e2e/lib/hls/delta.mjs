/** Putting a delta update back together (§4.4.5.2, §6.3.7), as a player must before it can use one. */
import { quoted } from './attributes.mjs';
import { number } from './playlist.mjs';

/**
 * @param base the last full model this client holds
 * @param delta a model with EXT-X-SKIP
 * @returns a full model, or null when the base lacks a skipped segment and the client must reload in full
 */
export function mergeDelta(base, delta) {
  if (!(delta.skip.count >= 1)) return null;
  const from = delta.mediaSequence;
  const until = from + delta.skip.count;
  const skipped = base.segments.filter((s) => s.msn >= from && s.msn < until && s.uri !== null);
  if (skipped.length !== until - from) return null;
  // A MAP that took effect inside the skipped part still applies to what follows it.
  const inherited = skipped.at(-1)?.map ?? null;
  const merged = {
    ...delta,
    skip: null,
    segments: [...skipped, ...delta.segments.map((s) => ({ ...s, map: s.map ?? inherited }))].map((s) => ({ ...s })),
    dateRanges: mergeDateRanges(base, delta),
  };
  return number(merged);
}

/** `_HLS_skip=v2` leaves out date ranges the client has and names those that left; plain YES lists all. */
function mergeDateRanges(base, delta) {
  const removed = quoted(delta.skip.attrs, 'RECENTLY-REMOVED-DATERANGES');
  if (removed === undefined) return delta.dateRanges;
  const gone = new Set(removed.split('\t'));
  const listed = new Set(delta.dateRanges.map((range) => range.id));
  const kept = base.dateRanges.filter((range) => !gone.has(range.id) && !listed.has(range.id));
  return [...kept, ...delta.dateRanges];
}
