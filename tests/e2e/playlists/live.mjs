/**
 * A correct LL-HLS origin in a page: writes the playlists that the mutants are made from. 30 frames per second,
 * segments of 60 frames, parts of 10; AAC at 48 kHz beside it, in parts of 15 frames. It shares no code with the
 * checker.
 */

const TARGET = 2;
const PART_TARGET = 0.33334;
const ANCHOR = Date.parse('2026-11-21T12:00:00.000Z');
/** The publisher was away this long before the second epoch. */
const EPOCH_GAP_MS = 5000;

const CONTROL = 'CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES,PART-HOLD-BACK=1.00002,HOLD-BACK=6';

const TRACKS = {
  video: { unit: 1 / 30, part: 10, prefix: 'v', total: (msn) => 60 * msn },
  // The audio frames that have begun when video segment `msn` begins.
  audio: { unit: 1024 / 48000, part: 15, prefix: 'a', total: (msn) => Math.ceil((2 * msn * 48000) / 1024) },
};

/**
 * @param {'video' | 'audio'} kind
 * @param {{first: number, msn: number, parts: number}} window first listed segment, the unfinished one, its parts
 * @param {{ranges?: string[], epoch2?: number, dsn?: number, skip?: string, skipped?: number, ended?: boolean}} more
 */
export function live(kind, { first, msn, parts }, more = {}) {
  const { ranges = [], epoch2 = Infinity, dsn = 0, skip, skipped = 0, ended = false } = more;
  const control = ended ? [] : [`#EXT-X-SERVER-CONTROL:${CONTROL}`, `#EXT-X-PART-INF:PART-TARGET=${PART_TARGET}`];
  const out = ['#EXTM3U', `#EXT-X-VERSION:${skip ? 10 : 9}`, '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-TARGETDURATION:${TARGET}`, ...control, `#EXT-X-MEDIA-SEQUENCE:${first}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${dsn}`];
  if (skip) out.push(skip);
  const end = secondsUpTo(kind, msn, parts);
  for (let n = first + skipped; n <= msn; n += 1) {
    if (n === msn && (parts === 0 || ended)) break;
    const s = segment(kind, n, n >= epoch2 ? 2 : 1);
    if (n === epoch2) out.push('#EXT-X-DISCONTINUITY');
    if (n === first || n === epoch2) out.push(`#EXT-X-MAP:URI="${s.map}"`);
    out.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(s.clock).toISOString()}`);
    const near = end - secondsUpTo(kind, n + 1, 0) <= 3 * TARGET;
    if (near && !ended) out.push(...s.parts.slice(0, n === msn ? parts : undefined));
    if (n < msn) out.push(`#EXTINF:${s.duration.toFixed(5)},`, s.uri);
  }
  // Date ranges are playlist metadata and may stand anywhere; here after the segments, before the hint.
  out.push(...ranges);
  if (ended) return [...out, '#EXT-X-ENDLIST', ''].join('\n');
  out.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${nextPart(kind, msn, parts, epoch2)}"`);
  const other = kind === 'video' ? 'audio' : 'video';
  out.push(`#EXT-X-RENDITION-REPORT:URI="${other}.m3u8",LAST-MSN=${msn},LAST-PART=${Math.max(parts - 1, 0)}`);
  return [...out, ''].join('\n');
}

function segment(kind, msn, epoch) {
  const { unit, part, prefix, total } = TRACKS[kind];
  const [from, until] = [total(msn), total(msn + 1)];
  const parts = [];
  for (let at = from; at < until; at += part) {
    const frames = Math.min(part, until - at);
    const independent = kind === 'audio' || at === from ? ',INDEPENDENT=YES' : '';
    parts.push(`#EXT-X-PART:DURATION=${(frames * unit).toFixed(5)},URI="${prefix}${epoch}-${msn}.${parts.length}.m4s"${independent}`);
  }
  const clock = ANCHOR + Math.floor(from * unit * 1000) + (epoch === 2 ? EPOCH_GAP_MS : 0);
  return { parts, duration: (until - from) * unit, uri: `${prefix}${epoch}-${msn}.m4s`, map: `${prefix}${epoch}-init.mp4`, clock };
}

function nextPart(kind, msn, parts, epoch2) {
  const count = segment(kind, msn, 1).parts.length;
  const [n, index] = parts < count ? [msn, parts] : [msn + 1, 0];
  return `${TRACKS[kind].prefix}${n >= epoch2 ? 2 : 1}-${n}.${index}.m4s`;
}

function secondsUpTo(kind, msn, parts) {
  const { unit, part, total } = TRACKS[kind];
  return (total(msn) + parts * part) * unit;
}

export const RANGES = [
  '#EXT-X-DATERANGE:ID="demo-1-7",CLASS="com.shopcast.cue",START-DATE="2026-11-21T12:03:26.500Z",DURATION=4.000,X-SEQ=7,X-CARD-ID="mug"',
  '#EXT-X-DATERANGE:ID="demo-1-8",CLASS="com.shopcast.cue",START-DATE="2026-11-21T12:03:34.100Z",X-SEQ=8,X-CARD-ID="lamp",X-HASH=0x0AF3',
];

export const INDEX = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="main",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1400000,AVERAGE-BANDWIDTH=1200000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"
video.m3u8
`;
