/** One FLV file made of two encodings of the same film, for an encoder that changes its settings in mid-stream. */

const HEADER_BYTES = 13; // with the size of the tag before the first, which is 0
const TAG_HEADER_BYTES = 11;
const [SOUND, VIDEO] = [8, 9];
/** AVCPacketType of a sequence header (Video File Format 10.1 section E.4.3.1). */
const SEQUENCE_HEADER = 0;

/** @returns {{type: number, ms: number, bytes: Buffer, isHeader: boolean}[]} the file's tags, `bytes` with what is around them */
function tagsOf(file) {
  const tags = [];
  for (let at = HEADER_BYTES; at + TAG_HEADER_BYTES < file.length;) {
    const body = file.readUIntBE(at + 1, 3);
    const end = at + TAG_HEADER_BYTES + body + 4;
    const type = file[at] & 0x1f;
    tags.push({
      type, ms: file.readUIntBE(at + 4, 3) + file[at + 7] * 2 ** 24, bytes: file.subarray(at, end),
      isHeader: type === VIDEO && file[at + TAG_HEADER_BYTES + 1] === SEQUENCE_HEADER,
    });
    at = end;
  }
  return tags;
}

/**
 * @param {Buffer[]} files two encodings, with key frames at the same times and no B-frames
 * @param {number} everyMs how long each goes on; a whole number of groups
 * @returns {Buffer} pictures of the one and the other in turn, behind the sequence header of each; the first one's sound
 */
export function alternate(files, everyMs) {
  const films = files.map(tagsOf);
  const headers = films.map((tags) => tags.find(({ isHeader }) => isHeader));
  const turnOf = ({ ms }) => Math.floor(ms / everyMs);
  const rest = films[0].filter((tag) => tag.type !== VIDEO);
  const pictures = films.flatMap((tags, n) => tags.filter((tag) => tag.type === VIDEO && !tag.isHeader && turnOf(tag) % films.length === n));
  // Sound that stands with a picture goes behind it, as encoders have it.
  const order = (tag) => (tag.type === SOUND ? 1 : 0);
  const all = [...rest, ...pictures].sort((a, b) => a.ms - b.ms || order(a) - order(b));
  const out = [files[0].subarray(0, HEADER_BYTES)];
  let turn = -1;
  for (const tag of all) {
    if (tag.type === VIDEO && turnOf(tag) !== turn) {
      turn = turnOf(tag);
      out.push(at(headers[turn % films.length].bytes, tag.ms));
    }
    out.push(tag.bytes);
  }
  return Buffer.concat(out);
}

/** A tag at another time. */
function at(bytes, ms) {
  const copy = Buffer.from(bytes);
  copy.writeUIntBE(ms % 2 ** 24, 4, 3);
  copy[7] = Math.floor(ms / 2 ** 24);
  return copy;
}
