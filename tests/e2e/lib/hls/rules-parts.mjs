/** Rules on parts, preload hints and rendition reports of one full (or merged) media playlist: R30 to R39. */
import { integer, quoted, word } from './attributes.mjs';
import { allParts, span } from './playlist.mjs';
import { rule } from './rule.mjs';

/** "at least 85% of the Part Target Duration" (§4.4.4.9). */
const PART_FLOOR = 0.85;

const BEFORE_PARTS = ['EXT-X-MAP', 'EXT-X-DISCONTINUITY', 'EXT-X-KEY', 'EXT-X-PROGRAM-DATE-TIME'];

export const partRules = [
  rule('R30', '4.4.4.9', 'part-has-uri-and-duration', function* (p) {
    for (const { segment, part, index } of allParts(p)) {
      if (!part.uri || part.duration === undefined) yield `part ${segment.msn}.${index} (line ${part.line})`;
    }
  }),

  rule('R31', '4.4.4.9', 'part-duration-at-most-part-target', function* (p) {
    for (const { segment, part, index } of allParts(p)) {
      if (part.duration > p.partTarget + 1e-9) yield `part ${segment.msn}.${index}: ${part.duration} > ${p.partTarget}`;
    }
  }),

  rule('R32', '4.4.4.9', 'part-duration-85-percent', function* (p) {
    const parts = allParts(p);
    for (const [at, { segment, part, index }] of parts.entries()) {
      const next = parts[at + 1];
      // The last listed part of an unfinished segment may turn out to be the segment's last one.
      const last = index === segment.parts.length - 1;
      const excused = part.independent || part.gap || next?.part.gap || last;
      if (!excused && part.duration < PART_FLOOR * p.partTarget - 1e-9) {
        yield `part ${segment.msn}.${index}: ${part.duration} < 85% of ${p.partTarget}`;
      }
    }
  }),

  rule('R33', '4.4.4.9', 'segment-tags-before-the-first-part', function* (p) {
    for (const s of p.segments) {
      const first = s.tags.findIndex((tag) => tag.name === 'EXT-X-PART');
      for (const tag of first < 0 ? [] : s.tags.slice(first)) {
        if (BEFORE_PARTS.includes(tag.name)) yield `line ${tag.line}: #${tag.name} after a part of segment ${s.msn}`;
      }
    }
  }),

  // With EXT-X-INDEPENDENT-SEGMENTS every segment starts with an IDR, so its first part is independent (§4.4.2.1);
  // hls.js joins at such parts only.
  rule('R34', '4.4.4.9', 'first-part-of-a-segment-independent', function* (p) {
    for (const s of p.independentSegments ? p.segments : []) {
      const first = s.parts[0];
      if (first && !first.independent && !first.gap) yield `segment ${s.msn}: ${first.uri}`;
    }
  }),

  rule('R35', '6.2.2', 'parts-only-near-the-edge', function* (p) {
    let fromEnd = 0;
    for (const s of [...p.segments].reverse()) {
      if (s.parts.length > 0 && fromEnd > 3 * p.targetDuration) {
        yield `segment ${s.msn} still lists parts ${fromEnd.toFixed(3)} s from the end`;
      }
      fromEnd += span(s);
    }
  }),

  rule('R36', '4.4.5.3', 'one-preload-hint-per-type', function* (p) {
    const types = p.preloadHints.map((hint) => word(hint.attrs, 'TYPE'));
    for (const [index, type] of types.entries()) {
      if (type !== 'PART' && type !== 'MAP') yield `line ${p.preloadHints[index].line}: TYPE=${type}`;
      else if (types.indexOf(type) !== index) yield `line ${p.preloadHints[index].line}: a second TYPE=${type}`;
      if (!quoted(p.preloadHints[index].attrs, 'URI')) yield `line ${p.preloadHints[index].line}: no URI`;
    }
  }),

  rule('R37', '4.4.5.3', 'hinted-part-is-not-listed-yet', function* (p) {
    const listed = new Set([...allParts(p).map(({ part }) => part.uri), ...p.segments.map((s) => s.uri)]);
    for (const hint of p.preloadHints) {
      if (hint.attrs.has('BYTERANGE-START')) continue; // the same resource, further on
      if (listed.has(quoted(hint.attrs, 'URI'))) yield `line ${hint.line}: ${quoted(hint.attrs, 'URI')}`;
    }
  }),

  // Without it hls.js goes round in a loop, and the low-latency profile requires it.
  rule('R38', 'App. B', 'preload-hint-while-live', function* (p) {
    if (p.endlist || !p.partTarget) return;
    if (!p.preloadHints.some((hint) => word(hint.attrs, 'TYPE') === 'PART')) yield 'no TYPE=PART hint';
  }),

  rule('R39', '4.4.5.4', 'rendition-report-complete', function* (p) {
    for (const { attrs, line } of p.renditionReports) {
      const uri = quoted(attrs, 'URI');
      if (!uri || /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(uri)) yield `line ${line}: URI must be relative: ${uri}`;
      if (integer(attrs, 'LAST-MSN') === undefined) yield `line ${line}: no LAST-MSN`;
      if (p.partTarget && integer(attrs, 'LAST-PART') === undefined) yield `line ${line}: no LAST-PART`;
    }
  }),
];
