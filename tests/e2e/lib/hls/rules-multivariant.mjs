/** Rules on the multivariant playlist: R90 to R97. The subject is what `parseMultivariant` returns. */
import { integer, quoted, word } from './attributes.mjs';
import { tokenize } from './playlist.mjs';
import { rule } from './rule.mjs';

/** RFC 6381 forms of what this product can carry. */
const VIDEO = /^(avc[13]\.[0-9A-Fa-f]{6}|(hvc1|hev1)\..+|av01\..+|vp09\..+)$/;
const AUDIO = /^(mp4a\.40\.[0-9]+|[Oo]pus|ac-3|ec-3)$/;

const MEDIA_ONLY = /^(EXTINF|EXT-X-(TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY|PART|SERVER-CONTROL|MAP|PROGRAM).*)$/;

/** @returns {{text, items, errors, variants: {attrs, uri, line}[], media: {attrs, line}[]}} */
export function parseMultivariant(text) {
  const { items, errors } = tokenize(text);
  const variants = [];
  for (const [index, item] of items.entries()) {
    if (item.name !== 'EXT-X-STREAM-INF') continue;
    variants.push({ attrs: item.attrs, uri: items[index + 1]?.uri, line: item.line });
  }
  return { text, items, errors, variants, media: items.filter((item) => item.name === 'EXT-X-MEDIA') };
}

/** URIs of every media playlist it names, without query. */
export function renditionUris({ variants, media }) {
  const uris = [...variants.map((v) => v.uri), ...media.map((m) => quoted(m.attrs, 'URI'))];
  return [...new Set(uris.filter(Boolean).map((uri) => uri.split('?')[0]))];
}

export const multivariantRules = [
  rule('R90', '4.4.6.2', 'stream-inf-bandwidth', function* ({ variants }) {
    if (variants.length === 0) yield 'no EXT-X-STREAM-INF';
    for (const { attrs, line } of variants) {
      const peak = integer(attrs, 'BANDWIDTH');
      if (!(peak > 0)) yield `line ${line}: BANDWIDTH=${attrs.get('BANDWIDTH')?.raw}`;
      if (integer(attrs, 'AVERAGE-BANDWIDTH') > peak) yield `line ${line}: AVERAGE-BANDWIDTH above BANDWIDTH`;
    }
  }),

  rule('R91', '4.4.6.2', 'stream-inf-codecs-names-every-format', function* ({ variants, media }) {
    for (const { attrs, line } of variants) {
      const codecs = (quoted(attrs, 'CODECS') ?? '').split(',').map((codec) => codec.trim());
      for (const codec of codecs) if (!VIDEO.test(codec) && !AUDIO.test(codec)) yield `line ${line}: "${codec}"`;
      const group = quoted(attrs, 'AUDIO');
      const hasAudio = media.some((m) => word(m.attrs, 'TYPE') === 'AUDIO' && quoted(m.attrs, 'GROUP-ID') === group);
      if (group && hasAudio && !codecs.some((codec) => AUDIO.test(codec))) yield `line ${line}: the audio group's codec`;
      if (attrs.has('RESOLUTION') && !codecs.some((codec) => VIDEO.test(codec))) yield `line ${line}: the video codec`;
    }
  }),

  rule('R92', '4.4.6.2', 'stream-inf-resolution-and-frame-rate-of-video', function* ({ variants }) {
    for (const { attrs, line } of variants) {
      const video = (quoted(attrs, 'CODECS') ?? '').split(',').some((codec) => VIDEO.test(codec));
      if (!video) continue;
      if (!/^[1-9][0-9]*x[1-9][0-9]*$/.test(word(attrs, 'RESOLUTION') ?? '')) yield `line ${line}: RESOLUTION`;
      // "rounded to three decimal places"
      if (!/^[0-9]+(\.[0-9]{1,3})?$/.test(word(attrs, 'FRAME-RATE') ?? '')) yield `line ${line}: FRAME-RATE`;
    }
  }),

  rule('R93', '4.4.6.2.1', 'stream-inf-group-exists', function* ({ variants, media }) {
    for (const { attrs, line } of variants) {
      for (const type of ['AUDIO', 'VIDEO', 'SUBTITLES']) {
        const group = quoted(attrs, type);
        const found = media.some((m) => word(m.attrs, 'TYPE') === type && quoted(m.attrs, 'GROUP-ID') === group);
        if (attrs.has(type) && !found) yield `line ${line}: ${type}="${group}"`;
      }
    }
  }),

  rule('R94', '4.4.6.1', 'media-type-group-and-name', function* ({ media }) {
    const names = new Set();
    for (const { attrs, line } of media) {
      const [type, group, name] = [word(attrs, 'TYPE'), quoted(attrs, 'GROUP-ID'), quoted(attrs, 'NAME')];
      if (!type || !group || !name) yield `line ${line}: TYPE, GROUP-ID and NAME are required`;
      const key = `${type} ${group} ${name}`;
      if (names.has(key)) yield `line ${line}: NAME="${name}" twice in ${group}`;
      names.add(key);
    }
  }),

  rule('R95', '4.4.6.1', 'media-default-implies-autoselect', function* ({ media }) {
    for (const { attrs, line } of media) {
      if (word(attrs, 'DEFAULT') === 'YES' && word(attrs, 'AUTOSELECT') === 'NO') yield `line ${line}`;
    }
  }),

  rule('R96', '4.4.6.2', 'stream-inf-is-followed-by-its-uri', function* ({ variants }) {
    for (const { uri, line } of variants) if (uri === undefined) yield `line ${line}`;
  }),

  rule('R97', '4.1', 'no-media-playlist-tags', function* ({ items }) {
    for (const { name, line } of items) if (MEDIA_ONLY.test(name ?? '')) yield `line ${line}: #${name}`;
  }),
];
