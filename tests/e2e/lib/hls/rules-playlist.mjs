/** Rules on the text and the header of one media playlist: R01 to R19, and R98 of our own. */
import { decimal, word } from './attributes.mjs';
import { rule } from './rule.mjs';

/** Every tag of the draft. Anything else in our own playlists is a misspelling. */
const KNOWN_TAGS = new Set(`EXTM3U EXTINF EXT-X-VERSION EXT-X-INDEPENDENT-SEGMENTS EXT-X-START EXT-X-DEFINE
  EXT-X-TARGETDURATION EXT-X-MEDIA-SEQUENCE EXT-X-DISCONTINUITY-SEQUENCE EXT-X-ENDLIST EXT-X-PLAYLIST-TYPE
  EXT-X-I-FRAMES-ONLY EXT-X-PART-INF EXT-X-SERVER-CONTROL EXT-X-BYTERANGE EXT-X-DISCONTINUITY EXT-X-KEY EXT-X-MAP
  EXT-X-PROGRAM-DATE-TIME EXT-X-GAP EXT-X-BITRATE EXT-X-PART EXT-X-DATERANGE EXT-X-SKIP EXT-X-PRELOAD-HINT
  EXT-X-RENDITION-REPORT EXT-X-MEDIA EXT-X-STREAM-INF EXT-X-I-FRAME-STREAM-INF EXT-X-SESSION-DATA
  EXT-X-SESSION-KEY EXT-X-CONTENT-STEERING`.split(/\s+/));

const ONCE = ['EXT-X-VERSION', 'EXT-X-INDEPENDENT-SEGMENTS', 'EXT-X-TARGETDURATION', 'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-DISCONTINUITY-SEQUENCE', 'EXT-X-ENDLIST', 'EXT-X-PLAYLIST-TYPE', 'EXT-X-PART-INF', 'EXT-X-SERVER-CONTROL',
  'EXT-X-SKIP'];

/** Rules that read the text as it came, so they hold for deltas as well. */
export const textRules = [
  rule('R01', '4.4.1.1', 'extm3u-first-line', function* ({ text }) {
    if (!/^#EXTM3U\r?\n/.test(text)) yield 'the first line is not #EXTM3U';
  }),

  rule('R02', '4.1', 'utf8-without-bom-or-control-characters', function* ({ text }) {
    if (text.startsWith('\uFEFF')) yield 'a byte order mark';
    const bad = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFD]/.exec(text);
    if (bad) yield `character ${bad[0].codePointAt(0).toString(16)} at offset ${bad.index}`;
  }),

  rule('R03', '4.1', 'tags-are-known-and-case-sensitive', function* ({ items }) {
    for (const { name, line } of items) {
      if (name !== undefined && !KNOWN_TAGS.has(name)) yield `line ${line}: #${name}`;
    }
  }),

  rule('R04', '4.2', 'attribute-list-syntax', function* ({ errors }) {
    yield* errors;
  }),

  rule('R05', '4.4.3', 'playlist-tags-at-most-once', function* ({ items }) {
    for (const name of ONCE) {
      const lines = items.filter((item) => item.name === name).map((item) => item.line);
      if (lines.length > 1) yield `#${name} on lines ${lines.join(', ')}`;
    }
  }),

  rule('R06', '4.4.3.2', 'sequence-tags-before-the-first-segment', function* ({ items }) {
    const first = items.findIndex((item) => item.uri !== undefined || item.name === 'EXT-X-PART');
    const discontinuity = items.findIndex((item) => item.name === 'EXT-X-DISCONTINUITY');
    for (const [index, { name, line }] of items.entries()) {
      if (first >= 0 && index > first && /^EXT-X-(MEDIA|DISCONTINUITY)-SEQUENCE$/.test(name)) {
        yield `line ${line}: #${name} after a segment`;
      } else if (discontinuity >= 0 && index > discontinuity && name === 'EXT-X-DISCONTINUITY-SEQUENCE') {
        yield `line ${line}: #${name} after an EXT-X-DISCONTINUITY`;
      }
    }
  }),

  rule('R07', '6.2.5', 'child-uris-carry-no-delivery-directives', function* ({ items }) {
    for (const { line, uri, attrs } of items) {
      const target = uri ?? attrs?.get('URI')?.text ?? '';
      if (/[?&]_HLS_/.test(target)) yield `line ${line}: ${target}`;
    }
  }),

  rule('R08', '8', 'version-knows-the-variables', function* ({ items }) {
    const version = Number(items.find((item) => item.name === 'EXT-X-VERSION')?.value ?? 1);
    for (const { line, attrs } of items.filter((item) => item.name === 'EXT-X-DEFINE')) {
      const needs = attrs.has('QUERYPARAM') ? 11 : 8;
      if (!(version >= needs)) yield `line ${line}: needs version ${needs}, the playlist says ${version}`;
    }
  }),

  rule('R09', '4.4.2.3', 'variables-are-defined-once-and-before-use', function* ({ items }) {
    const defined = new Set();
    for (const { line, name, uri, attrs } of items) {
      for (const variable of references(uri, attrs)) if (!defined.has(variable)) yield `line ${line}: {$${variable}} is not defined`;
      if (name !== 'EXT-X-DEFINE') continue;
      const kinds = ['NAME', 'IMPORT', 'QUERYPARAM'].filter((kind) => attrs.has(kind));
      if (kinds.length !== 1) yield `line ${line}: ${kinds.length} of NAME, IMPORT and QUERYPARAM`;
      const variable = attrs.get(kinds[0])?.text;
      if (defined.has(variable)) yield `line ${line}: ${variable} is defined twice`;
      defined.add(variable);
    }
  }),

  // Ours: a player that was let in by a token needs it for everything the playlist names.
  rule('R98', 'ours', 'a-token-goes-with-every-uri', function* ({ items }) {
    if (!items.some(({ name, attrs }) => name === 'EXT-X-DEFINE' && attrs.get('QUERYPARAM')?.text === 'token')) return;
    for (const { line, uri, attrs } of items) {
      const target = uri ?? attrs?.get('URI')?.text;
      if (target !== undefined && !/[?&]token=\{\$token\}(&|$)/.test(target)) yield `line ${line}: ${target}`;
    }
  }),
];

/** Names of the variables that a URI line or a tag's quoted strings refer to. */
function references(uri, attrs) {
  const texts = [uri ?? '', ...[...(attrs?.values() ?? [])].filter((value) => value.quoted).map((value) => value.text)];
  return texts.flatMap((text) => [...text.matchAll(/\{\$([A-Za-z0-9_-]+)\}/g)].map(([, name]) => name));
}

export const playlistRules = [
  rule('R10', '4.4.3.1', 'target-duration-required', function* (p) {
    if (!(p.targetDuration > 0)) yield 'no EXT-X-TARGETDURATION with a positive decimal-integer';
  }),

  rule('R11', '6.2.1', 'extinf-rounded-at-most-target-duration', function* (p) {
    for (const s of p.segments) {
      if (Math.round(s.duration) > p.targetDuration) yield `segment ${s.msn}: ${s.duration} > ${p.targetDuration}`;
    }
  }),

  rule('R12', '4.4.1.2', 'version-covers-what-is-used', function* (p) {
    const needs = [[3, p.segments.some((s) => !Number.isInteger(s.duration ?? 0)), 'a fractional EXTINF'],
      [6, p.segments.some((s) => s.map), 'EXT-X-MAP'],
      [9, p.items.some((i) => i.name === 'EXT-X-SKIP'), 'EXT-X-SKIP'],
      [10, p.items.some((i) => i.attrs?.has('RECENTLY-REMOVED-DATERANGES')), 'RECENTLY-REMOVED-DATERANGES']];
    for (const [version, used, what] of needs) {
      if (used && !(p.version >= version)) yield `${what} needs version ${version}, the playlist says ${p.version}`;
    }
  }),

  rule('R13', '4.4.3.7', 'part-inf-when-there-are-parts', function* (p) {
    const parts = p.segments.some((s) => s.parts.length > 0) || p.preloadHints.length > 0;
    if (parts && !(p.partTarget > 0)) yield 'parts without EXT-X-PART-INF:PART-TARGET';
  }),

  rule('R14', '4.4.3.8', 'part-hold-back-required-with-parts', function* (p) {
    if (p.partTarget && decimal(p.serverControl, 'PART-HOLD-BACK') === undefined) yield 'PART-HOLD-BACK is missing';
  }),

  // The draft says MUST >= 2x, SHOULD >= 3x; Apple's authoring specification §14.3 makes 3x a MUST.
  rule('R15', '4.4.3.8', 'part-hold-back-at-least-three-part-targets', function* (p) {
    const hold = decimal(p.serverControl, 'PART-HOLD-BACK');
    if (hold < 3 * p.partTarget - 1e-9) yield `PART-HOLD-BACK ${hold} < 3 x ${p.partTarget}`;
  }),

  rule('R16', '4.4.3.8', 'hold-back-at-least-three-target-durations', function* (p) {
    const hold = decimal(p.serverControl, 'HOLD-BACK');
    if (hold < 3 * p.targetDuration) yield `HOLD-BACK ${hold} < 3 x ${p.targetDuration}`;
  }),

  rule('R17', '4.4.3.8', 'can-skip-until-at-least-six-target-durations', function* (p) {
    const skip = decimal(p.serverControl, 'CAN-SKIP-UNTIL');
    if (skip < 6 * p.targetDuration) yield `CAN-SKIP-UNTIL ${skip} < 6 x ${p.targetDuration}`;
  }),

  rule('R18', '4.4.3.8', 'can-skip-dateranges-needs-can-skip-until', function* (p) {
    const control = p.serverControl;
    if (control?.has('CAN-SKIP-DATERANGES') && !control.has('CAN-SKIP-UNTIL')) yield 'CAN-SKIP-UNTIL is missing';
  }),

  rule('R19', 'App. B', 'can-block-reload', function* (p) {
    if (p.partTarget && word(p.serverControl, 'CAN-BLOCK-RELOAD') !== 'YES') yield 'CAN-BLOCK-RELOAD=YES is missing';
  }),
];
