/** Messages in access units (docs/spec/sei.md): the reader of web/packages/cues, where units come from, and FFmpeg's forgeries. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../../web/node_modules/esbuild/lib/main.js';
import { COUNTER, decodeCells } from './barcode.mjs';
import { samplesOf } from './boxes.mjs';
import { slug } from './harness.mjs';
import { cardsAt } from './invariant.mjs';
import { start } from './processes.mjs';
import { scratch } from './scratch.mjs';
import { PYTHON } from './whip-clients.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** `@shopcast/cues`, made for this Node. */
export const { readSei, SEI_UUID } = await bundled('../../../web/packages/cues/src/index.ts');

async function bundled(entry) {
  const { outputFiles } = await build({ entryPoints: [here(entry)], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

export const UUID = Buffer.from(SEI_UUID);

/** The access units of recorded segments: `{pts, bytes, ours}`, `ours` being this server's messages. */
export const unitsOfSegments = (segments) => [...segments.values()].flatMap(({ bytes }) => samplesOf(bytes))
  .map(({ pts, bytes }) => ({ pts, bytes, ours: readSei(bytes, 'h264', 'lengths') }));

/**
 * An aiortc viewer that keeps what it gets. `units()`: `{pts, bytes, ours, pictures, cells}` so far; `k` is the stream's constant.
 * @param {import('node:test').TestContext} t
 */
export function keepUnits(t, endpoint, k) {
  const file = join(scratch(t, 'units'), 'units.jsonl');
  const viewer = start(`${slug(t.name)}.aiortc-units`, PYTHON, [here('./aiortc_units.py'), endpoint, file]);
  t.after(() => viewer.stop());
  const units = () => {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
    return lines.map((line) => JSON.parse(line)).map(({ rtp, hex, pictures, cells }) => {
      const bytes = Buffer.from(hex, 'hex');
      // A stream begins near zero, so its first hours are within 2^32.
      return { pts: (rtp - k + 2 ** 32) % 2 ** 32, bytes, pictures, cells, ours: readSei(bytes, 'h264', 'annexb') };
    });
  };
  return { units, stop: () => viewer.stop() };
}

/**
 * What a viewer would have shown who knows nothing but the pictures: a frame log as `judge` takes it, one frame for each unit
 * that gave a picture. References, which are hashes alone, are looked up among `cues`.
 */
export function framesOfUnits(units, cues) {
  const known = new Map();
  const learn = (message) => {
    if (message.type === 'cue') known.set(message.decoded.cue.seq, message.decoded.cue);
    if (message.type === 'reference') known.set(message.seq, cues.find(({ seq }) => seq === message.seq));
    if (message.type !== 'snapshot') return;
    for (const { cue } of message.cues) known.set(cue.seq, cue);
    for (const { seq } of message.references) known.set(seq, cues.find((one) => one.seq === seq));
  };
  return units.map(({ pts, ours, cells }, n) => {
    ours.forEach(learn);
    const dom = cardsAt([...known.values()], pts);
    const state = { pts, cards: dom.map((id) => ({ card_id: id })) };
    return { t: n, presented: n, counter: cells ? decodeCells(cells, COUNTER) : null, dom, state };
  });
}

/** FFmpeg's argument that puts user data messages into every key frame, by UUID and text: before its slices or behind them. */
export function userData(...messages) {
  const filters = messages.map(({ uuid, text }) => `h264_metadata=sei_user_data=${list(option(`${uuid}+${text}`))}`);
  // It writes only where parameter sets are.
  return ['-bsf:v', ['dump_extra=freq=keyframe', ...filters].join(',')];
}

/** FFmpeg reads the list of filters, and then each one's options. */
const option = (text) => text.replace(/[\\':]/g, '\\$&');
const list = (text) => text.replace(/[\\',]/g, '\\$&');

/** A NAL unit of H.264 with messages, `[type, payload]` each; their bytes must need no escapes. */
export function seiUnit(...messages) {
  const size = (bytes) => [...Array(Math.floor(bytes.length / 255)).fill(255), bytes.length % 255];
  const pieces = messages.map(([type, payload]) => Buffer.concat([Buffer.from([type, ...size(payload)]), payload]));
  const nal = Buffer.concat([Buffer.from([6]), ...pieces, Buffer.from([0x80])]);
  if (nal.includes(Buffer.alloc(2))) throw new Error('two zeros need an escape');
  return nal;
}

/** An FLV file with a NAL unit before those of each picture. @param {(n: number) => Buffer} unitOf of the picture's number */
export function withUnits(flv, unitOf) {
  const out = [flv.subarray(0, 13)];
  let pictures = 0;
  // A tag of 11 bytes and its data, and behind it its size (Video File Format Specification 10.1, annex E.4.1).
  for (let at = 13; at + 15 <= flv.length;) {
    const data = flv.subarray(at + 11, at + 11 + flv.readUIntBE(at + 1, 3));
    const head = Buffer.from(flv.subarray(at, at + 11));
    at += 15 + data.length;
    const isPicture = head[0] === 9 && data[1] === 1;
    const changed = isPicture ? Buffer.concat([data.subarray(0, 5), framed(unitOf(pictures++)), data.subarray(5)]) : data;
    head.writeUIntBE(changed.length, 1, 3);
    out.push(head, changed, be32(changed.length + 11));
  }
  return Buffer.concat(out);
}

function be32(number) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

const framed = (nal) => Buffer.concat([be32(nal.length), nal]);
