/**
 * Rules on one rendition fetched again and again: R50 to R65. The subject is a list of states in the order
 * they were answered, `{model, raw, base, at, asked, skip}`: `model` is the full playlist (deltas merged),
 * `raw` what came, `base` the model it was merged onto, `at` the arrival in ms or undefined, `asked` the
 * `{msn, part}` of a blocking request, `skip` the `_HLS_skip` value.
 */
import { canonical } from './attributes.mjs';
import { allParts, compareEdges, edge, span } from './playlist.mjs';
import { steps } from './history-steps.mjs';
import { rule } from './rule.mjs';

const FETCH_NOISE_MS = 1000;

export const historyRules = [
  rule('R50', '6.2.1', 'target-duration-never-changes', function* (states) {
    for (const [a, b] of steps(states)) {
      if (a.targetDuration !== b.targetDuration) yield `${a.targetDuration} -> ${b.targetDuration}`;
    }
  }),

  rule('R51', '4.4.3.7', 'part-target-never-changes', function* (states) {
    for (const [a, b] of steps(states)) {
      if (a.partTarget !== b.partTarget) yield `${a.partTarget} -> ${b.partTarget}`;
    }
  }),

  rule('R52', '4.4.3.8', 'server-control-never-changes', function* (states) {
    for (const [a, b] of steps(states)) {
      const [before, now] = [a, b].map((model) => canonical(model.serverControl ?? new Map()));
      if (before !== now) yield `${before} -> ${now}`;
    }
  }),

  rule('R53', '6.2.2', 'media-sequence-never-decreases', function* (states) {
    for (const [a, b] of steps(states)) {
      if (b.mediaSequence < a.mediaSequence) yield `${a.mediaSequence} -> ${b.mediaSequence}`;
    }
  }),

  rule('R54', '6.2.1', 'the-edge-never-moves-back', function* (states) {
    for (const [a, b] of steps(states)) {
      if (compareEdges(edge(b), edge(a)) < 0) yield `${where(a)} -> ${where(b)}`;
    }
  }),

  rule('R55', '6.2.1', 'a-segment-never-changes', function* (states) {
    for (const [a, b] of steps(states)) {
      for (const [before, now] of common(a, b)) {
        if (before.uri === null || now.uri === null) continue;
        for (const key of ['uri', 'duration', 'discontinuity', 'gap', 'byterange', 'key']) {
          if (before[key] !== now[key]) yield `segment ${now.msn}: ${key} ${before[key]} -> ${now[key]}`;
        }
        if (before.map?.uri !== now.map?.uri) yield `segment ${now.msn}: map ${before.map?.uri} -> ${now.map?.uri}`;
        if (Math.abs(before.clock - now.clock) > 1.5) yield `segment ${now.msn}: date-time moved`;
      }
    }
  }),

  rule('R56', '6.2.1', 'a-part-never-changes', function* (states) {
    for (const [a, b] of steps(states)) {
      for (const [before, now] of common(a, b)) {
        if (now.parts.length === 0) continue;
        for (const [index, part] of before.parts.entries()) {
          const other = now.parts[index];
          if (other && canonical(part.attrs) !== canonical(other.attrs)) yield `part ${now.msn}.${index}`;
        }
      }
    }
  }),

  // Parts leave all together once their segment is far from the edge, never one by one (§6.2.2).
  rule('R57', '6.2.2', 'parts-of-a-segment-only-grow', function* (states) {
    for (const [a, b] of steps(states)) {
      for (const [before, now] of common(a, b)) {
        const dropped = now.parts.length < before.parts.length;
        if (dropped && (now.parts.length > 0 || now.uri === null)) yield `segment ${now.msn} lost parts`;
        const grew = now.parts.length > before.parts.length;
        if (grew && before.uri !== null) yield `segment ${now.msn} gained parts after it was complete`;
      }
    }
  }),

  rule('R58', '4.4.5.3', 'the-hinted-part-is-the-next-one', function* (states) {
    for (const [a, b] of steps(states)) {
      const hint = a.preloadHints.find((h) => h.attrs.get('TYPE')?.raw === 'PART')?.attrs.get('URI')?.text;
      const next = hint && partAfter(a, b);
      if (next && next.uri !== hint) yield `${hint} was hinted, ${next.uri} came`;
    }
  }),

  rule('R59', '4.4.3.3', 'discontinuity-sequence-counts-what-left', function* (states) {
    for (const [a, b] of steps(states)) {
      for (const [before, now] of common(a, b)) {
        if (before.dsn !== now.dsn) yield `segment ${now.msn}: ${before.dsn} -> ${now.dsn}`;
      }
    }
  }),

  rule('R60', '6.2.2', 'window-keeps-three-target-durations', function* (states) {
    for (const [a, b] of steps(states)) {
      const total = b.segments.reduce((seconds, s) => seconds + span(s), 0);
      const removed = b.mediaSequence > a.mediaSequence;
      if (removed && total < 3 * b.targetDuration) yield `${total.toFixed(3)} s left at ${b.mediaSequence}`;
    }
  }),

  rule('R61', '4.4.5.1', 'daterange-same-id-only-gains-attributes', function* (states) {
    for (const [a, b] of steps(states)) {
      const now = new Map(b.dateRanges.map((range) => [range.id, range.attrs]));
      for (const { id, attrs } of a.dateRanges) {
        for (const [name, value] of now.has(id) ? attrs : []) {
          const other = now.get(id).get(name)?.raw;
          if (other !== value.raw) yield `${id}: ${name} ${value.raw} -> ${other}`;
        }
      }
    }
  }),

  rule('R62', '6.2.1', 'daterange-stays-while-its-dates-are-listed', function* (states) {
    for (const [a, b] of steps(states)) {
      const begin = b.segments[0]?.clock;
      const kept = new Set(b.dateRanges.map((range) => range.id));
      for (const range of a.dateRanges) {
        // An open range is judged by its start alone: nothing yet says how long it lasts.
        const listed = (range.end ?? range.start) > begin + 1.5;
        // At the bound of 64 the oldest go first, which R47 watches over.
        if (listed && !kept.has(range.id) && kept.size < 64) yield `${range.id} left too early`;
      }
    }
  }),

  // "a new Partial Segment within one Part Target Duration", give or take how long a fetch may take.
  rule('R63', '6.2.1', 'a-new-part-every-part-target', function* (states) {
    const timed = states.filter((s) => s.at !== undefined && s.model.partTarget);
    let movedAt = timed[0]?.at;
    for (const [index, { model, at }] of timed.entries()) {
      if (index === 0) continue;
      const parts = advanced(timed[index - 1].model, model);
      const allowed = model.partTarget * 1000 * Math.max(1, parts) + FETCH_NOISE_MS;
      const late = at - movedAt > allowed && !model.endlist;
      if (late) yield `${where(model)}: ${parts} parts in ${at - movedAt} ms`;
      if (late || parts > 0) movedAt = at;
    }
  }),

  rule('R64', '6.2.5.2', 'a-blocked-answer-holds-what-was-asked', function* (states) {
    for (const { asked, model, merged } of states) {
      if (!asked || !merged || model.endlist) continue;
      const need = { msn: asked.msn, part: asked.part ?? Infinity };
      const have = edge(model);
      // Without _HLS_part the whole segment must be there, that is: the edge lies past it.
      if (have.msn < need.msn || (have.msn === need.msn && have.part < need.part)) {
        yield `asked for ${asked.msn}.${asked.part ?? 'all'}, got up to ${where(model)}`;
      }
    }
  }),

  rule('R65', '4.4.3.4', 'nothing-changes-after-endlist', function* (states) {
    for (const [a, b] of steps(states)) {
      if (!a.endlist) continue;
      if (!b.endlist) yield 'EXT-X-ENDLIST went away';
      if (compareEdges(edge(a), edge(b)) !== 0) yield `${where(a)} -> ${where(b)}`;
    }
  }),
];

function where(model) {
  const { msn, part } = edge(model);
  return `${msn}.${part}`;
}

/** Segments that two models share, by media sequence number. */
function common(a, b) {
  const known = new Map(a.segments.map((s) => [s.msn, s]));
  return b.segments.filter((s) => known.has(s.msn)).map((s) => [known.get(s.msn), s]);
}

/** The part that follows a's last one, in b; undefined when b does not tell. */
function partAfter(a, b) {
  const { msn, part } = edge(a);
  const own = b.segments.find((s) => s.msn === msn);
  if (own?.parts[part + 1]) return own.parts[part + 1];
  if (own?.uri === null || own === undefined) return undefined;
  return own.parts.length === 0 ? undefined : b.segments.find((s) => s.msn === msn + 1)?.parts[0];
}

/** How many parts b lists past a's edge, for a poll that skipped some. */
function advanced(a, b) {
  const from = edge(a);
  return allParts(b).filter(({ segment, index }) => compareEdges({ msn: segment.msn, part: index }, from) > 0).length;
}
