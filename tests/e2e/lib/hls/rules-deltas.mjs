/** Rules on delta updates, over the same states as the history rules: R70 to R75. */
import { canonical, decimal } from './attributes.mjs';
import { compareEdges, edge, span } from './playlist.mjs';
import { rule } from './rule.mjs';

export const deltaRules = [
  rule('R70', '4.4.5.2', 'skip-counts-and-stands-before-the-segments', function* (states) {
    for (const { raw } of states.filter((state) => state.raw.skip)) {
      if (!(raw.skip.count >= 1)) yield `line ${raw.skip.line}: SKIPPED-SEGMENTS=${raw.skip.count}`;
      const first = raw.segments[0]?.tags[0]?.line ?? Infinity;
      if (first < raw.skip.line) yield `line ${raw.skip.line}: EXT-X-SKIP after segment tags`;
    }
  }),

  rule('R71', '6.2.5.1', 'skip-only-when-asked-and-offered', function* (states) {
    for (const { raw, skip } of states.filter((state) => state.raw.skip)) {
      if (!skip) yield `line ${raw.skip.line}: nobody asked for a delta`;
      if (!raw.serverControl?.has('CAN-SKIP-UNTIL')) yield `line ${raw.skip.line}: no CAN-SKIP-UNTIL`;
      if (raw.endlist) yield `line ${raw.skip.line}: a delta after EXT-X-ENDLIST`;
    }
  }),

  rule('R72', '6.2.5.1', 'delta-keeps-everything-past-the-skip-boundary', function* (states) {
    for (const { raw } of states.filter((state) => state.raw.skip)) {
      const kept = raw.segments.reduce((seconds, s) => seconds + span(s), 0);
      const boundary = decimal(raw.serverControl, 'CAN-SKIP-UNTIL');
      if (kept < boundary - 1e-3) yield `${kept.toFixed(3)} s kept, CAN-SKIP-UNTIL=${boundary}`;
    }
  }),

  rule('R73', '6.2.5.1', 'v2-delta-names-the-removed-dateranges', function* (states) {
    for (const { raw, skip } of states.filter((state) => state.raw.skip)) {
      const names = raw.skip.attrs.has('RECENTLY-REMOVED-DATERANGES');
      // Only v2 leaves date ranges out, and then MUST say which were removed (the list may be empty).
      if (skip === 'v2' && raw.serverControl?.get('CAN-SKIP-DATERANGES')?.raw === 'YES' && !names) {
        yield `line ${raw.skip.line}: no RECENTLY-REMOVED-DATERANGES`;
      }
      if (skip === 'YES' && names) yield `line ${raw.skip.line}: RECENTLY-REMOVED-DATERANGES in a plain delta`;
    }
  }),

  rule('R74', '6.3.7', 'delta-fits-the-playlist-before-it', function* (states) {
    for (const { raw, base } of states.filter((state) => state.raw.skip?.count >= 1 && !state.merged)) {
      const have = base ? `${base.segments[0]?.msn}..${base.segments.at(-1)?.msn}` : 'nothing';
      yield `skips ${raw.skip.count} from ${raw.mediaSequence}; the client holds ${have}`;
    }
  }),

  rule('R75', '6.2.5.1', 'delta-merged-equals-the-full-playlist', function* (states) {
    for (const [index, state] of states.entries()) {
      const full = states[index + 1];
      if (!state.raw.skip || !state.merged || !full || full.raw.skip) continue;
      const same = compareEdges(edge(state.model), edge(full.model)) === 0;
      // Only two answers about one moment can be equal; a test fetches the pair again when the edge moved between.
      if (!same || state.model.mediaSequence !== full.model.mediaSequence) continue;
      const [merged, whole] = [state.model, full.model].map(lines);
      for (let i = 0; i < Math.max(merged.length, whole.length); i += 1) {
        if (merged[i] !== whole[i]) yield `${merged[i] ?? 'nothing'} instead of ${whole[i] ?? 'nothing'}`;
      }
    }
  }),
];

/** Everything a player takes from the media part of a playlist, one comparable line each. */
function lines(model) {
  const segments = model.segments.map((s) => {
    const parts = s.parts.map((part) => canonical(part.attrs)).join(';');
    return `segment ${s.msn} ${s.uri} ${s.duration} dsn ${s.dsn} map ${s.map?.uri} pdt ${s.pdtText} parts ${parts}`;
  });
  return [...segments, ...model.dateRanges.map((range) => `daterange ${canonical(range.attrs)}`).sort()];
}
