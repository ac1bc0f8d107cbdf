/** Rules on the segments of one full (or merged) media playlist: R20 to R29. */
import { span } from './playlist.mjs';
import { rule } from './rule.mjs';

/** PROGRAM-DATE-TIME has whole milliseconds, EXTINF five decimals: one of each may be rounded either way. */
const CLOCK_SLACK_MS = 1.5;

export const segmentRules = [
  rule('R20', '4.4.4.1', 'extinf-on-every-segment', function* (p) {
    for (const s of p.segments.filter((s) => s.uri !== null)) {
      const count = s.tags.filter((tag) => tag.name === 'EXTINF').length;
      if (count !== 1) yield `segment ${s.msn} (line ${s.line}) has ${count} EXTINF`;
      else if (Number.isNaN(s.duration)) yield `segment ${s.msn} (line ${s.line}): EXTINF is not "<number>,"`;
    }
  }),

  rule('R21', '4.4.4.5', 'map-before-every-fragmented-mp4-segment', function* (p) {
    for (const s of p.segments) {
      const uri = s.uri ?? s.parts[0]?.uri ?? '';
      if (/\.(mp4|m4s|m4v|m4a|cmfv|cmfa)(\?|$)/.test(uri) && !s.map?.uri) yield `segment ${s.msn}: ${uri}`;
    }
  }),

  rule('R22', '4.4.4.3', 'discontinuity-where-the-map-changes', function* (p) {
    for (const [before, s] of pairs(p.segments)) {
      if (before.map?.uri !== s.map?.uri && !s.discontinuity) {
        yield `segment ${s.msn}: ${before.map?.uri} -> ${s.map?.uri}`;
      }
    }
  }),

  rule('R23', '4.4.4.6', 'program-date-time-format', function* (p) {
    for (const s of p.segments.filter((s) => s.pdtText !== undefined)) {
      // The draft SHOULDs a time zone and millisecond accuracy; without either, cues cannot be placed.
      const good = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,}(Z|[+-]\d\d:?\d\d)$/.test(s.pdtText);
      if (!good || Number.isNaN(s.pdt)) yield `segment ${s.msn}: ${s.pdtText}`;
    }
  }),

  rule('R24', 'App. B', 'program-date-time-first-and-after-a-discontinuity', function* (p) {
    for (const [index, s] of p.segments.entries()) {
      if ((index === 0 || s.discontinuity) && s.pdtText === undefined) yield `segment ${s.msn} has none`;
    }
  }),

  rule('R25', '4.4.4.6', 'program-date-time-linear', function* (p) {
    for (const [before, s] of pairs(p.segments)) {
      const expected = before.clock + span(before) * 1000;
      if (s.discontinuity) {
        // §6.2.1: dates must not overlap; across a discontinuity there may be a gap.
        if (s.clock < expected - CLOCK_SLACK_MS) yield `segment ${s.msn} begins ${expected - s.clock} ms too early`;
      } else if (Math.abs((s.pdt ?? expected) - expected) > CLOCK_SLACK_MS) {
        yield `segment ${s.msn} is ${(s.pdt - expected).toFixed(1)} ms off the line`;
      }
    }
  }),

  // hls.js #6203 maps date ranges by EXTINF sums, so these must be the media's own durations.
  rule('R26', '4.4.4.9', 'extinf-equals-the-sum-of-its-parts', function* (p) {
    for (const s of p.segments.filter((s) => s.uri !== null && s.parts.length > 0)) {
      const total = s.parts.reduce((seconds, part) => seconds + part.duration, 0);
      // Each printed value is rounded to five decimals or cut to them.
      const slack = (s.parts.length + 1) * 1e-5;
      if (Math.abs(total - s.duration) > slack) yield `segment ${s.msn}: parts ${total.toFixed(5)}, EXTINF ${s.duration}`;
    }
  }),

  // Unique names are what lets every cache keep media for ever.
  rule('R27', '6.2.1', 'every-resource-is-named-once', function* (p) {
    const seen = new Map();
    for (const s of p.segments) {
      const own = s.uri === null ? [] : [[s.uri, s.byterange]];
      for (const [uri, range] of [...s.parts.map((part) => [part.uri, part.byterange]), ...own]) {
        const key = `${uri} ${range ?? ''}`;
        if (seen.has(key)) yield `segment ${s.msn}: ${uri} was already named by segment ${seen.get(key)}`;
        seen.set(key, s.msn);
      }
    }
  }),

  rule('R28', '4.1', 'no-segment-tags-without-a-segment', function* (p) {
    for (const tag of p.dangling ?? []) {
      yield `line ${tag.line}: #${tag.name} belongs to nothing`;
    }
  }),

  rule('R29', '4.4.3.4', 'nothing-is-announced-after-endlist', function* (p) {
    if (!p.endlist) return;
    if (p.preloadHints.length > 0) yield `line ${p.preloadHints[0].line}: a preload hint`;
    if (p.segments.at(-1)?.uri === null) yield 'an unfinished segment';
  }),
];

function pairs(list) {
  return list.slice(1).map((item, index) => [list[index], item]);
}
