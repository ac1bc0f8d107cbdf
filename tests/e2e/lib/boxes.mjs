/** ISO BMFF boxes, as far as cues in parts are concerned (14496-12 §4.2; 23009-1 §5.10.3.3 for `emsg`). */

/** Top-level boxes, in order: `{type, start, body}`. */
export function boxes(bytes) {
  const found = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (size < 8 || at + size > bytes.length) throw new Error(`box ${type} at ${at} has size ${size} of ${bytes.length - at}`);
    found.push({ type, start: at, body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return found;
}

/** A version 1 event message; other versions throw, since CMAF's ID3 carriage demands 1. */
export function emsg(body) {
  if (body[0] !== 1) throw new Error(`emsg version ${body[0]}`);
  const scheme = cString(body, 24);
  const value = cString(body, scheme.end);
  return {
    timescale: body.readUInt32BE(4), presentationTime: Number(body.readBigUInt64BE(8)), duration: body.readUInt32BE(16),
    id: body.readUInt32BE(20), scheme: scheme.text, value: value.text, data: body.subarray(value.end),
  };
}

function cString(bytes, from) {
  const end = bytes.indexOf(0, from);
  if (end < 0) throw new Error('a string does not end');
  return { text: bytes.toString('utf8', from, end), end: end + 1 };
}

/** User text frames of an ID3v2.4 tag: `{description, text}` (id3v2.4.0-frames §4.2.6). */
export function userTexts(tag) {
  if (tag.toString('latin1', 0, 3) !== 'ID3' || tag[3] !== 4) throw new Error('no ID3v2.4 tag');
  const end = 10 + synchsafe(tag, 6);
  const texts = [];
  for (let at = 10; at + 10 <= end;) {
    const size = synchsafe(tag, at + 4);
    const body = tag.subarray(at + 10, at + 10 + size);
    if (tag.toString('latin1', at, at + 4) === 'TXXX') {
      if (body[0] !== 3) throw new Error(`TXXX in encoding ${body[0]}, not UTF-8`);
      const split = body.indexOf(0, 1);
      texts.push({ description: body.toString('utf8', 1, split), text: body.toString('utf8', split + 1).replace(/\0$/, '') });
    }
    at += 10 + size;
  }
  return texts;
}

const synchsafe = (bytes, at) => (bytes[at] << 21) | (bytes[at + 1] << 14) | (bytes[at + 2] << 7) | bytes[at + 3];

/**
 * The chunks of consecutive segments: `{msn, start, end, events}`, times in ticks of the track, `events` being the `emsg`
 * boxes before the chunk's `moof` with the text in their ID3 tag.
 * @param {[number, Buffer][]} segments media sequence number and bytes
 */
export function chunksOf(segments) {
  const chunks = [];
  for (const [msn, bytes] of segments) {
    let events = [];
    for (const { type, body } of boxes(bytes)) {
      if (type === 'emsg') events.push(read(emsg(body)));
      if (type !== 'moof') continue;
      chunks.push({ msn, start: baseDecodeTime(body), end: Infinity, events });
      events = [];
    }
    if (events.length > 0) throw new Error(`segment ${msn} ends in an emsg that belongs to no chunk`);
  }
  return chunks.map((chunk, i) => ({ ...chunk, end: chunks[i + 1]?.start ?? Infinity }));
}

function read(event) {
  const texts = userTexts(event.data);
  if (texts.length !== 1) throw new Error(`${texts.length} TXXX frames in an event`);
  return { ...event, ...texts[0] };
}

/** `tfdt` of a `moof` with one track fragment (14496-12 §8.8.12). */
function baseDecodeTime(moof) {
  const at = moof.indexOf('tfdt', 0, 'latin1');
  if (at < 0) throw new Error('no tfdt');
  return moof[at + 4] === 1 ? Number(moof.readBigUInt64BE(at + 8)) : moof.readUInt32BE(at + 8);
}

/** `avc1.PPCCLL` from the avcC box anywhere in an init section (RFC 6381 §3.3). */
export function avcCodec(init) {
  const at = init.indexOf('avcC', 0, 'latin1');
  if (at < 0) throw new Error('no avcC');
  return `avc1.${init.toString('hex', at + 5, at + 8)}`;
}

/** The samples of a segment of one track: `{pts, bytes}`, in decode order (14496-12 §8.8.8, as this server writes `trun`). */
export function samplesOf(segment) {
  const samples = [];
  let moof = null;
  for (const { type, body } of boxes(segment)) {
    if (type === 'moof') moof = body;
    if (type !== 'mdat') continue;
    let [time, at] = [baseDecodeTime(moof), 0];
    for (const { duration, size, composition } of runOf(moof)) {
      samples.push({ pts: time + composition, bytes: body.subarray(at, at + size) });
      time += duration;
      at += size;
    }
    if (at !== body.length) throw new Error(`samples of ${at} bytes in an mdat of ${body.length}`);
  }
  return samples;
}

function runOf(moof) {
  const trun = moof.indexOf('trun', 0, 'latin1') + 4;
  // data-offset, and of each sample duration, size, flags and composition.
  if ((moof.readUInt32BE(trun) & 0xffffff) !== 0xf01) throw new Error('another trun');
  return Array.from({ length: moof.readUInt32BE(trun + 4) }, (_, n) => {
    const at = trun + 12 + n * 16;
    return { duration: moof.readUInt32BE(at), size: moof.readUInt32BE(at + 4), composition: moof.readInt32BE(at + 12) };
  });
}
