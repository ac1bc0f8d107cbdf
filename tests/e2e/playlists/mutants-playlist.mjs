/** One wrong playlist per rule on a single playlist, on several renditions and on the multivariant playlist. */
import { EDGE, GOOD } from './good.mjs';
import { live, RANGES } from './live.mjs';

const { video, audio, index, ended } = GOOD;
const DEFINE = '#EXT-X-DEFINE:QUERYPARAM="token"\n';

/** Replaces exactly one thing, and says so when the text has moved away from under the mutant. */
function swap(text, from, to) {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`nothing to replace: ${from}`);
  return changed;
}

const one = (rule, text, also) => ({ rule, also, files: { '': text } });
const inVideo = (rule, from, to, also) => one(rule, swap(video, from, to), also);
const inIndex = (rule, from, to, also) => one(rule, swap(index, from, to), also);
const withToken = (rule, kind, from, to, also) => one(rule, swap(GOOD[`token-${kind}`], from, to), also);
const set = (rule, files, also) => ({ rule, also, files: { index, video, audio, ...files } });

const PART = (n, i) => `#EXT-X-PART:DURATION=0.33333,URI="v1-${n}.${i}.m4s"`;
const many = Array.from({ length: 65 }, (_, n) => RANGES[0].replace('demo-1-7', `demo-1-${100 + n}`));

export const playlistMutants = [
  inVideo('R01', '#EXTM3U\n', ''),
  inVideo('R02', '#EXTM3U', '\uFEFF#EXTM3U', ['R01']),
  inVideo('R02', 'X-CARD-ID="mug"', 'X-CARD-ID="m\u0007ug"'),
  inVideo('R03', '#EXT-X-PRELOAD-HINT', '#EXT-X-PRELOAD_HINT', ['R38']),
  inVideo('R03', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-Independent-Segments'),
  inVideo('R04', 'CAN-SKIP-UNTIL=12,', 'CAN-SKIP-UNTIL=12, '),
  inVideo('R04', 'TYPE=PART,', 'TYPE=PART,TYPE=PART,'),
  inVideo('R04', 'X-CARD-ID="lamp"', 'X-CARD-ID="l"amp"'),
  inVideo('R05', '#EXT-X-TARGETDURATION:2\n', '#EXT-X-TARGETDURATION:2\n#EXT-X-TARGETDURATION:2\n'),
  inVideo('R06', 'v1-100.m4s\n', 'v1-100.m4s\n#EXT-X-MEDIA-SEQUENCE:100\n', ['R05']),
  inVideo('R07', '"audio.m3u8"', '"audio.m3u8?_HLS_msn=108"'),
  withToken('R08', 'video', '#EXT-X-VERSION:11', '#EXT-X-VERSION:10'),
  withToken('R08', 'index', '#EXT-X-VERSION:11\n', ''),
  withToken('R09', 'video', DEFINE, ''),
  withToken('R09', 'video', DEFINE, DEFINE + DEFINE),
  withToken('R09', 'index', DEFINE, DEFINE.replace('QUERY', 'NAME="n",QUERY')),
  withToken('R09', 'index', 'AUDIO="audio"', 'AUDIO="audio",NAME="{$other}"'),

  inVideo('R10', '#EXT-X-TARGETDURATION:2\n', ''),
  inVideo('R10', '#EXT-X-TARGETDURATION:2\n', '#EXT-X-TARGETDURATION:2.0\n'),
  inVideo('R11', '#EXT-X-TARGETDURATION:2\n', '#EXT-X-TARGETDURATION:1\n', ['R35']),
  inVideo('R12', '#EXT-X-VERSION:9', '#EXT-X-VERSION:5'),
  inVideo('R12', '#EXT-X-VERSION:9\n', ''),
  inVideo('R13', /#EXT-X-PART-INF.*\n/, ''),
  inVideo('R14', 'PART-HOLD-BACK=1.00002,', ''),
  inVideo('R15', 'PART-HOLD-BACK=1.00002', 'PART-HOLD-BACK=0.83335'),
  inVideo('R16', ',HOLD-BACK=6', ',HOLD-BACK=4'),
  inVideo('R17', 'CAN-SKIP-UNTIL=12', 'CAN-SKIP-UNTIL=10'),
  inVideo('R18', 'CAN-SKIP-UNTIL=12,', ''),
  inVideo('R19', 'CAN-BLOCK-RELOAD=YES,', ''),

  inVideo('R20', '#EXTINF:2.00000,\nv1-102.m4s', 'v1-102.m4s', ['R25']),
  inVideo('R20', '#EXTINF:2.00000,\nv1-102.m4s', '#EXTINF:2.00000\nv1-102.m4s', ['R25']),
  inVideo('R21', /#EXT-X-MAP.*\n/, ''),
  inVideo('R22', PART(107, 0), `#EXT-X-MAP:URI="v1-init-2.mp4"\n${PART(107, 0)}`),
  inVideo('R23', '12:03:28.000Z', '12:03:28Z'),
  inVideo('R23', '12:03:28.000Z', '12:03:28.000'),
  inVideo('R24', /#EXT-X-PROGRAM.*\n/, ''),
  one('R24', swap(GOOD['two-epochs'], '#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:03:33.000Z\n', '')),
  // One segment re-dated from the wall clock, 40 ms off the line.
  inVideo('R25', '12:03:24.000Z', '12:03:24.040Z'),
  one('R25', swap(GOOD['two-epochs'], /12:03:33.000Z/, '12:03:26.000Z'), []),
  inVideo('R26', '#EXTINF:2.00000,\nv1-107.m4s', '#EXTINF:1.99000,\nv1-107.m4s', ['R25']),
  inVideo('R27', 'v1-103.m4s', 'v1-102.m4s'),
  one('R28', swap(live('video', { ...EDGE, parts: 0 }), '#EXT-X-PRELOAD', '#EXT-X-DISCONTINUITY\n#EXT-X-PRELOAD')),
  one('R29', swap(ended, '#EXT-X-ENDLIST', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="v1-108.0.m4s"\n#EXT-X-ENDLIST'), ['R13']),

  inVideo('R30', 'DURATION=0.33333,URI="v1-108.1.m4s"', 'DURATION=0.33333'),
  inVideo('R31', 'DURATION=0.33333,URI="v1-108.1.m4s"', 'DURATION=0.36667,URI="v1-108.1.m4s"'),
  // Ten frames declared as a 24 frames per second stream would cut them: 83 % of the target.
  inVideo('R32', 'DURATION=0.33333,URI="v1-108.1.m4s"', 'DURATION=0.27778,URI="v1-108.1.m4s"'),
  inVideo('R33', /(#EXT-X-PROGRAM-DATE-TIME:.*\n)(#EXT-X-PART:.*v1-108\.0.*\n)/, '$2$1'),
  inVideo('R34', 'URI="v1-107.0.m4s",INDEPENDENT=YES', 'URI="v1-107.0.m4s"'),
  inVideo('R35', '#EXTINF:2.00000,\nv1-103.m4s', partsOf(103)),
  inVideo('R36', /#EXT-X-PRELOAD-HINT.*\n/, '$&#EXT-X-PRELOAD-HINT:TYPE=PART,URI="v1-108.4.m4s"\n'),
  inVideo('R37', 'HINT:TYPE=PART,URI="v1-108.3.m4s"', 'HINT:TYPE=PART,URI="v1-108.2.m4s"'),
  inVideo('R38', /#EXT-X-PRELOAD-HINT.*\n/, ''),
  inVideo('R39', 'LAST-MSN=108,', ''),
  inVideo('R39', 'URI="audio.m3u8"', 'URI="https://127.0.0.1/audio.m3u8"'),

  inVideo('R40', 'ID="demo-1-7",', ''),
  inVideo('R40', '12:03:26.500Z', '12:03:26Z'),
  inVideo('R41', 'DURATION=4.000', 'END-DATE="2026-11-21T12:03:20.000Z"'),
  inVideo('R41', 'DURATION=4.000', 'DURATION=4.000,END-DATE="2026-11-21T12:03:31.500Z"'),
  inVideo('R42', 'DURATION=4.000', 'DURATION=4.000,END-ON-NEXT=YES'),
  one('R43', live('video', EDGE, { ranges: RANGES }).replace(/#EXT-X-PROGRAM.*\n/g, ''), ['R24']),
  inVideo('R44', 'X-SEQ=7', 'SEQ=7'),
  inVideo('R45', 'X-HASH=0x0AF3', 'X-HASH=0AF3'),
  inVideo('R46', RANGES[0], `${RANGES[0]}\n${RANGES[0].replace('mug', 'cup')}`),
  inVideo('R47', RANGES[0], many.join('\n')),

  set('R80', { audio: swap(audio, '#EXT-X-TARGETDURATION:2', '#EXT-X-TARGETDURATION:3') }),
  set('R81', { audio: swap(audio, 'PART-HOLD-BACK=1.00002', 'PART-HOLD-BACK=1.2') }),
  set('R82', { audio: live('audio', EDGE).replace(/#EXT-X-PROGRAM.*\n/g, '') }),
  set('R83', { audio: swap(audio, '#EXT-X-DISCONTINUITY-SEQUENCE:0', '#EXT-X-DISCONTINUITY-SEQUENCE:1') }),
  set('R84', { audio: swap(audio, /#EXT-X-RENDITION-REPORT.*\n/, '') }),
  set('R85', { audio: live('audio', EDGE, { ranges: RANGES.slice(1) }) }),
  set('R86', {
    index: swap(index, '#EXT-X-INDEPENDENT-SEGMENTS\n', ''),
    video: swap(video, '#EXT-X-INDEPENDENT-SEGMENTS\n', ''),
  }),

  inIndex('R90', 'BANDWIDTH=1400000', 'BANDWIDTH=1100000'),
  inIndex('R90', 'BANDWIDTH=1400000,AVERAGE-', 'AVERAGE-'),
  inIndex('R91', ',mp4a.40.2', ''),
  inIndex('R91', 'avc1.4d401e', 'h264'),
  inIndex('R92', ',RESOLUTION=640x360', ''),
  inIndex('R92', 'FRAME-RATE=30.000', 'FRAME-RATE=29.97003'),
  inIndex('R93', 'AUDIO="audio"\n', 'AUDIO="sound"\n'),
  inIndex('R94', 'NAME="main",', ''),
  inIndex('R95', 'AUTOSELECT=YES', 'AUTOSELECT=NO'),
  inIndex('R96', '\nvideo.m3u8', '\n'),
  withToken('R98', 'video', 'URI="v1-108.1.m4s?token={$token}"', 'URI="v1-108.1.m4s"'),
  withToken('R98', 'index', 'video.m3u8?token={$token}', 'video.m3u8?tokens={$token}'),
  inIndex('R97', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:2'),
];

function partsOf(msn) {
  const parts = Array.from({ length: 6 }, (_, i) => `${PART(msn, i)}${i === 0 ? ',INDEPENDENT=YES' : ''}`);
  return `${parts.join('\n')}\n#EXTINF:2.00000,\nv1-${msn}.m4s`;
}
