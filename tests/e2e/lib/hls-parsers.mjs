/**
 * One media playlist as three readers see it: ours and two public parsers, each reduced to the same summary. A
 * playlist that they read differently is one that some player reads wrongly.
 */
import { isDeepStrictEqual } from 'node:util';
import hlsParser from 'hls-parser';
import { Parser } from 'm3u8-parser';
import { parseMedia } from './hls/playlist.mjs';

// It prints what it finds wrong; the checker says that better, and hls-parser counts segments where the draft counts seconds.
hlsParser.setOptions({ silent: true });

/**
 * @typedef {{targetDuration: number, mediaSequence: number, segments: string[], durations: string[],
 *   parts: string[], hint: string | undefined, discontinuities: number, dateRanges: number}} Summary
 */

/** @returns {Summary} */
export function byOurs(text) {
  const p = parseMedia(text);
  const whole = p.segments.filter((s) => s.uri !== null);
  return {
    targetDuration: p.targetDuration,
    mediaSequence: p.mediaSequence,
    segments: whole.map((s) => s.uri),
    durations: whole.map((s) => s.duration.toFixed(5)),
    parts: p.segments.flatMap((s) => s.parts.map((part) => part.uri)),
    hint: p.preloadHints.find((hint) => hint.attrs.get('TYPE').raw === 'PART')?.attrs.get('URI').text,
    discontinuities: p.segments.filter((s) => s.discontinuity).length,
    dateRanges: p.dateRanges.length,
  };
}

/** @returns {Summary} */
export function byM3u8Parser(text) {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  const { manifest } = parser;
  // It lists the unfinished segment's parts as a last segment without a URI.
  const segments = [...manifest.segments, ...(manifest.preloadSegment ? [manifest.preloadSegment] : [])];
  const whole = segments.filter((s) => s.uri);
  return {
    targetDuration: manifest.targetDuration,
    mediaSequence: manifest.mediaSequence,
    segments: whole.map((s) => s.uri),
    durations: whole.map((s) => s.duration.toFixed(5)),
    parts: segments.flatMap((s) => (s.parts ?? []).map((part) => part.uri)),
    hint: manifest.preloadSegment?.preloadHints?.find((hint) => hint.type === 'PART')?.uri,
    discontinuities: segments.filter((s) => s.discontinuity).length,
    dateRanges: manifest.dateRanges?.length ?? 0,
  };
}

/** @returns {Omit<Summary, 'dateRanges'>} it keeps at most one date range per segment, so these are not compared */
export function byHlsParser(text) {
  const p = hlsParser.parse(text);
  const whole = p.segments.filter((s) => s.uri);
  // The hinted part is listed as one more part, marked.
  const parts = p.segments.flatMap((s) => s.parts ?? []).concat(p.prefetchSegments ?? []);
  return {
    targetDuration: p.targetDuration,
    mediaSequence: p.mediaSequenceBase,
    segments: whole.map((s) => s.uri),
    durations: whole.map((s) => s.duration.toFixed(5)),
    parts: parts.filter((part) => !part.hint).map((part) => part.uri),
    hint: parts.find((part) => part.hint)?.uri,
    discontinuities: p.segments.filter((s) => s.discontinuity).length,
  };
}

/** Null when the three readers agree, else what differs. */
export function disagreement(text) {
  const ours = byOurs(text);
  const { dateRanges: _, ...common } = ours;
  if (!isDeepStrictEqual(byM3u8Parser(text), ours)) return { ours, m3u8Parser: byM3u8Parser(text) };
  if (!isDeepStrictEqual(byHlsParser(text), common)) return { ours: common, hlsParser: byHlsParser(text) };
  return null;
}
