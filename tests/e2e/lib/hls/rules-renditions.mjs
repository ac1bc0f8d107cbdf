/**
 * Rules across the media playlists of one presentation: R80 to R86. The subject is
 * `{multivariant, media: Map<uri, model>}`, the playlists fetched as close together as a client can.
 */
import { canonical, quoted } from './attributes.mjs';
import { rule } from './rule.mjs';

export const renditionRules = [
  rule('R80', '6.2.4', 'same-target-duration-in-every-rendition', function* ({ media }) {
    yield* differing(media, (p) => `${p.targetDuration}`);
  }),

  rule('R81', '4.4.3.8', 'same-server-control-in-every-rendition', function* ({ media }) {
    yield* differing(media, (p) => canonical(p.serverControl ?? new Map()));
  }),

  rule('R82', '6.2.4', 'program-date-time-in-all-or-none', function* ({ media }) {
    yield* differing(media, (p) => `dated: ${p.segments.some((s) => s.pdt !== undefined)}`);
  }),

  // Segments of two renditions that hold the same instant must belong to the same discontinuity.
  rule('R83', '6.2.4', 'same-discontinuity-sequence-at-the-same-time', function* ({ media }) {
    const [[firstUri, first], ...others] = media;
    for (const [uri, other] of others) {
      for (const s of other.segments) {
        const middle = s.clock + ((s.duration ?? 0) * 1000) / 2;
        const twin = first.segments.find((t) => t.clock <= middle && middle < t.clock + (t.duration ?? 0) * 1000);
        if (twin && twin.dsn !== s.dsn) yield `${uri} ${s.msn}: ${s.dsn}, ${firstUri} ${twin.msn}: ${twin.dsn}`;
      }
    }
  }),

  rule('R84', '4.4.5.4', 'a-report-for-every-other-rendition', function* ({ media }) {
    const names = [...media.keys()];
    for (const [uri, p] of media) {
      if (p.endlist || !p.partTarget) continue;
      const reported = p.renditionReports.map((report) => (quoted(report.attrs, 'URI') ?? '').split('?')[0]);
      for (const other of names.filter((name) => name !== uri)) {
        if (!reported.includes(other)) yield `${uri} does not report ${other}`;
      }
      for (const name of reported) if (!names.includes(name)) yield `${uri} reports ${name}, which is no rendition`;
    }
  }),

  rule('R85', '6.2.4', 'same-dateranges-wherever-there-are-any', function* ({ media }) {
    const dated = new Map([...media].filter(([, p]) => p.dateRanges.length > 0));
    yield* differing(dated, (p) => p.dateRanges.map((range) => canonical(range.attrs)).sort().join(' | '));
  }),

  // Ours start every segment with an IDR, and joining fast depends on players knowing it.
  rule('R86', '4.4.2.1', 'independent-segments-is-said', function* ({ multivariant, media }) {
    if (multivariant.items.some((item) => item.name === 'EXT-X-INDEPENDENT-SEGMENTS')) return;
    for (const [uri, p] of media) if (!p.independentSegments) yield `neither the multivariant playlist nor ${uri} says it`;
  }),
];

function* differing(media, read) {
  const [first, ...others] = [...media].map(([uri, p]) => [uri, read(p)]);
  for (const [uri, value] of others) {
    if (value !== first[1]) yield `${first[0]}: ${first[1]}; ${uri}: ${value}`;
  }
}
