/** The playlists every rule must accept. A history's files are `<set>/<n>`; their last line says how each was fetched. */
import { INDEX, live, RANGES } from './live.mjs';

/** Where the mutants' playlist ends: segment 108 with three parts. */
export const EDGE = { first: 100, msn: 108, parts: 3 };

export const fetched = (text, { at, asked, skip } = {}) => {
  const notes = [at !== undefined && `at=${at}`, asked && `asked=${asked}`, skip && `skip=${skip}`].filter(Boolean);
  return `${text}# fetched ${notes.join(' ')}\n`;
};

export const SKIP = '#EXT-X-SKIP:SKIPPED-SEGMENTS=2';
export const SKIP_V2 = `${SKIP},RECENTLY-REMOVED-DATERANGES="demo-1-6"`;

const OLD_RANGE = RANGES[0].replace('demo-1-7', 'demo-1-6').replace('12:03:26.500', '12:02:00.000').replace('X-SEQ=7', 'X-SEQ=6');

/** Blocking reloads over the end of a segment, a removal, a new epoch, a plain delta and a v2 delta. */
export const history = {
  1: fetched(live('video', EDGE, { ranges: [OLD_RANGE, ...RANGES] }), { at: 0 }),
  2: fetched(live('video', { ...EDGE, parts: 4 }, { ranges: RANGES }), { at: 340, asked: '108.3' }),
  3: fetched(live('video', { first: 101, msn: 109, parts: 0 }, { ranges: RANGES, epoch2: 109 }), { at: 1010, asked: '108.5' }),
  4: fetched(live('video', { first: 101, msn: 109, parts: 1 }, { ranges: RANGES, epoch2: 109, skip: SKIP, skipped: 2 }),
    { at: 1340, asked: '109.0', skip: 'YES' }),
  5: fetched(live('video', { first: 101, msn: 109, parts: 1 }, { ranges: RANGES, epoch2: 109 }), { at: 1350 }),
  6: fetched(live('video', { first: 101, msn: 109, parts: 2 }, { ranges: RANGES.slice(1), epoch2: 109, skip: SKIP_V2, skipped: 2 }),
    { at: 1680, asked: '109.1', skip: 'v2' }),
};

/** The same as it is for a viewer who asks with a token. */
const withToken = (text) => text.replace(/^#EXT-X-VERSION:.*$/m, '#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM="token"')
  .replace(/URI="([^"]*)"/g, 'URI="$1?token={$$token}"').replace(/^([^#\n].*)$/gm, '$1?token={$$token}');

export const GOOD = {
  index: INDEX,
  'token-index': withToken(INDEX),
  'token-video': withToken(live('video', EDGE, { ranges: RANGES })),
  video: live('video', EDGE, { ranges: RANGES }),
  audio: live('audio', EDGE, { ranges: RANGES }),
  ended: live('video', EDGE, { ranges: RANGES, ended: true }),
  'two-epochs': live('video', EDGE, { epoch2: 104, dsn: 0 }),
  ...Object.fromEntries(Object.entries(history).map(([n, text]) => [`history/${n}`, text])),
};
