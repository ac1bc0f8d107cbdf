/**
 * A media playlist as a plain model (draft-pantos-hls-rfc8216bis-22 §4). Written apart from the server
 * and from every player, so that agreement between them means something. The reader never throws:
 * what it cannot place goes to `errors` and the rules decide.
 */
import { decimal, integer, parseAttributes, quoted, word } from './attributes.mjs';

const ATTRIBUTE_TAGS = new Set([
  'EXT-X-PART-INF', 'EXT-X-SERVER-CONTROL', 'EXT-X-MAP', 'EXT-X-PART', 'EXT-X-DATERANGE', 'EXT-X-SKIP',
  'EXT-X-PRELOAD-HINT', 'EXT-X-RENDITION-REPORT', 'EXT-X-KEY', 'EXT-X-START', 'EXT-X-DEFINE',
  'EXT-X-MEDIA', 'EXT-X-STREAM-INF', 'EXT-X-I-FRAME-STREAM-INF', 'EXT-X-SESSION-DATA',
  'EXT-X-SESSION-KEY', 'EXT-X-CONTENT-STEERING',
]);

/** Splits any playlist into tags and URI lines, with the attribute lists read. */
export function tokenize(text) {
  const items = [];
  const errors = [];
  // A byte order mark is R02's to report; it must not hide the rest of the playlist.
  text.replace(/^\uFEFF/, '').split('\n').forEach((raw, index) => {
    const line = index + 1;
    const content = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (content === '') return;
    if (!content.startsWith('#')) return items.push({ line, uri: content });
    if (!content.startsWith('#EXT')) return; // §4.1: a comment
    const colon = content.indexOf(':');
    const name = content.slice(1, colon < 0 ? undefined : colon);
    const value = colon < 0 ? null : content.slice(colon + 1);
    const tag = { line, name, value, attrs: null };
    if (ATTRIBUTE_TAGS.has(name)) {
      const list = parseAttributes(value ?? '');
      tag.attrs = list.attrs;
      errors.push(...list.errors.map((error) => `line ${line}: ${name}: ${error}`));
    }
    items.push(tag);
  });
  return { items, errors };
}

/** @returns the model of one media playlist, full or delta. */
export function parseMedia(text) {
  const { items, errors } = tokenize(text);
  const playlist = {
    text, items, errors, segments: [], dateRanges: [], preloadHints: [], renditionReports: [],
    version: 1, mediaSequence: 0, discontinuitySequence: 0, endlist: false, independentSegments: false,
    targetDuration: undefined, partTarget: undefined, serverControl: null, skip: null,
  };
  let open = newSegment();
  let map = null;
  for (const item of items) {
    if (item.uri !== undefined) {
      playlist.segments.push({ ...open, uri: item.uri, line: item.line, map });
      open = newSegment();
    } else if (item.name === 'EXT-X-MAP') {
      map = { uri: quoted(item.attrs, 'URI'), byterange: quoted(item.attrs, 'BYTERANGE') ?? null };
      open.tags.push(item);
    } else if (SEGMENT_TAGS[item.name]) {
      SEGMENT_TAGS[item.name](open, item);
      open.tags.push(item);
    } else {
      PLAYLIST_TAGS[item.name]?.(playlist, item);
    }
  }
  // A parent segment still being made: its parts are listed, its EXTINF and URI are not (§4.4.4.9).
  if (open.parts.length > 0) playlist.segments.push({ ...open, uri: null, line: Infinity, map });
  else if (open.tags.length > 0) playlist.dangling = open.tags;
  return number(playlist);
}

function newSegment() {
  return { uri: null, duration: undefined, pdt: undefined, pdtText: undefined, discontinuity: false, gap: false,
    parts: [], tags: [] };
}

const SEGMENT_TAGS = {
  EXTINF(segment, item) {
    const match = /^([0-9]+(?:\.[0-9]+)?),/.exec(item.value ?? '');
    segment.duration = match ? Number(match[1]) : NaN;
  },
  'EXT-X-DISCONTINUITY'(segment) { segment.discontinuity = true; },
  'EXT-X-GAP'(segment) { segment.gap = true; },
  'EXT-X-BYTERANGE'(segment, item) { segment.byterange = item.value; },
  'EXT-X-BITRATE'() {},
  'EXT-X-KEY'(segment, item) { segment.key = item.value; },
  'EXT-X-PROGRAM-DATE-TIME'(segment, item) {
    segment.pdtText = item.value;
    segment.pdt = Date.parse(item.value);
  },
  'EXT-X-PART'(segment, item) {
    segment.parts.push({
      line: item.line, attrs: item.attrs, uri: quoted(item.attrs, 'URI'), duration: decimal(item.attrs, 'DURATION'),
      independent: word(item.attrs, 'INDEPENDENT') === 'YES', gap: word(item.attrs, 'GAP') === 'YES',
      byterange: quoted(item.attrs, 'BYTERANGE') ?? null,
    });
  },
};

const PLAYLIST_TAGS = {
  'EXT-X-VERSION'(p, item) { p.version = Number(item.value); },
  'EXT-X-TARGETDURATION'(p, item) { p.targetDuration = /^[0-9]+$/.test(item.value) ? Number(item.value) : NaN; },
  'EXT-X-MEDIA-SEQUENCE'(p, item) { p.mediaSequence = Number(item.value); },
  'EXT-X-DISCONTINUITY-SEQUENCE'(p, item) { p.discontinuitySequence = Number(item.value); },
  'EXT-X-ENDLIST'(p) { p.endlist = true; },
  'EXT-X-INDEPENDENT-SEGMENTS'(p) { p.independentSegments = true; },
  'EXT-X-PART-INF'(p, item) { p.partTarget = decimal(item.attrs, 'PART-TARGET'); },
  'EXT-X-SERVER-CONTROL'(p, item) { p.serverControl = item.attrs; },
  'EXT-X-SKIP'(p, item) { p.skip = { ...item, count: integer(item.attrs, 'SKIPPED-SEGMENTS') }; },
  'EXT-X-PRELOAD-HINT'(p, item) { p.preloadHints.push(item); },
  'EXT-X-RENDITION-REPORT'(p, item) { p.renditionReports.push(item); },
  'EXT-X-DATERANGE'(p, item) { p.dateRanges.push(dateRange(item)); },
};

function dateRange(item) {
  const { attrs, line } = item;
  const start = Date.parse(quoted(attrs, 'START-DATE') ?? '');
  const duration = decimal(attrs, 'DURATION');
  const endDate = attrs.has('END-DATE') ? Date.parse(quoted(attrs, 'END-DATE') ?? '') : undefined;
  const end = endDate ?? (duration === undefined ? undefined : start + duration * 1000);
  return { attrs, line, id: quoted(attrs, 'ID'), start, duration, endDate, end };
}

/**
 * Gives every segment its sequence numbers and, where a PROGRAM-DATE-TIME came before, its wall clock.
 * Called again after a delta was merged.
 */
export function number(playlist) {
  let msn = playlist.mediaSequence + (playlist.skip?.count ?? 0);
  let dsn = playlist.discontinuitySequence;
  let clock;
  for (const segment of playlist.segments) {
    if (segment.discontinuity) {
      dsn += 1;
      clock = undefined;
    }
    clock = segment.pdt ?? clock;
    Object.assign(segment, { msn, dsn, clock });
    if (clock !== undefined) clock += span(segment) * 1000;
    msn += 1;
  }
  return playlist;
}

/** Seconds a segment covers: its EXTINF, or what its parts add up to while it is being made. */
export function span(segment) {
  return segment.uri === null ? sum(segment.parts) : segment.duration || 0;
}

export function sum(parts) {
  return parts.reduce((total, part) => total + (part.duration ?? 0), 0);
}

/** Where the playlist ends: the last part or segment it lists. */
export function edge(playlist) {
  const last = playlist.segments.at(-1);
  if (!last) return { msn: playlist.mediaSequence - 1, part: -1 };
  return last.uri === null ? { msn: last.msn, part: last.parts.length - 1 } : { msn: last.msn + 1, part: -1 };
}

/** Negative when `a` is the older edge. */
export function compareEdges(a, b) {
  return a.msn - b.msn || a.part - b.part;
}

export function allParts(playlist) {
  return playlist.segments.flatMap((segment) => segment.parts.map((part, index) => ({ segment, part, index })));
}
