/** Rules on EXT-X-DATERANGE in one full (or merged) media playlist: R40 to R47. Cues are mirrored there. */
import { canonical, decimal, quoted } from './attributes.mjs';
import { rule } from './rule.mjs';

const STANDARD = new Set(['ID', 'CLASS', 'START-DATE', 'CUE', 'END-DATE', 'DURATION', 'PLANNED-DURATION',
  'END-ON-NEXT', 'SCTE35-CMD', 'SCTE35-OUT', 'SCTE35-IN']);

/** Ours, not the draft's: playlists are fetched several times a second. */
const RANGES_MAX = 64;

export const dateRangeRules = [
  rule('R40', '4.4.5.1', 'daterange-id-and-start-date', function* (p) {
    for (const { id, attrs, start, line } of p.dateRanges) {
      if (!id) yield `line ${line}: ID is missing`;
      const text = quoted(attrs, 'START-DATE') ?? '';
      // START-DATE is REQUIRED; ours are always UTC with milliseconds so that a frame can be found from them.
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) || Number.isNaN(start)) {
        yield `line ${line}: START-DATE="${text}"`;
      }
    }
  }),

  rule('R41', '4.4.5.1', 'daterange-end-follows-start', function* (p) {
    for (const { attrs, start, duration, endDate, line } of p.dateRanges) {
      if (attrs.has('DURATION') && duration === undefined) yield `line ${line}: DURATION is not a decimal`;
      if (endDate !== undefined && !(endDate >= start)) yield `line ${line}: END-DATE before START-DATE`;
      const both = endDate !== undefined && duration !== undefined;
      if (both && Math.abs(start + duration * 1000 - endDate) > 1) yield `line ${line}: END-DATE != START-DATE + DURATION`;
    }
  }),

  rule('R42', '4.4.5.1', 'daterange-end-on-next-alone-with-class', function* (p) {
    for (const { attrs, line } of p.dateRanges.filter((range) => range.attrs.has('END-ON-NEXT'))) {
      if (attrs.get('END-ON-NEXT').raw !== 'YES') yield `line ${line}: END-ON-NEXT must be YES`;
      if (!attrs.has('CLASS')) yield `line ${line}: END-ON-NEXT without CLASS`;
      if (attrs.has('DURATION') || attrs.has('END-DATE')) yield `line ${line}: END-ON-NEXT with DURATION or END-DATE`;
    }
  }),

  rule('R43', '4.4.5.1', 'daterange-needs-program-date-time', function* (p) {
    if (p.dateRanges.length > 0 && !p.segments.some((s) => s.pdt !== undefined)) {
      yield `${p.dateRanges.length} date ranges, no EXT-X-PROGRAM-DATE-TIME`;
    }
  }),

  rule('R44', '4.4.5.1', 'daterange-client-attributes-begin-with-x', function* (p) {
    for (const { attrs, line } of p.dateRanges) {
      for (const name of attrs.keys()) {
        if (!STANDARD.has(name) && !name.startsWith('X-')) yield `line ${line}: ${name}`;
      }
    }
  }),

  rule('R45', '4.4.5.1', 'daterange-client-values-are-strings-hex-or-numbers', function* (p) {
    for (const { attrs, line } of p.dateRanges) {
      for (const [name, value] of attrs) {
        if (!name.startsWith('X-') || value.quoted || decimal(attrs, name) !== undefined) continue;
        if (!/^0[xX][0-9A-F]+$/.test(value.raw)) yield `line ${line}: ${name}=${value.raw}`;
      }
    }
  }),

  rule('R46', '4.4.5.1', 'daterange-same-id-same-attributes', function* (p) {
    const seen = new Map();
    for (const { id, attrs, line } of p.dateRanges) {
      for (const [name, value] of attrs) {
        const before = seen.get(id)?.get(name);
        if (before !== undefined && before !== value.raw) yield `line ${line}: ${id}: ${name} was ${before}`;
      }
      const known = seen.get(id) ?? new Map();
      for (const [name, value] of attrs) known.set(name, value.raw);
      seen.set(id, known);
    }
  }),

  rule('R47', 'ours', 'dateranges-at-most-64', function* (p) {
    const distinct = new Set(p.dateRanges.map(({ attrs }) => canonical(attrs)));
    if (distinct.size > RANGES_MAX) yield `${distinct.size} date ranges`;
  }),
];
