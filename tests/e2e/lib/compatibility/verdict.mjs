/** From what a player showed to the words of its cell; null where that says nothing and something is broken. */
import { ENOUGH } from './sighting.mjs';

/** Codes of docs/api.md, Verdicts, by which a broadcaster is told that such players show no picture. */
const NO_PICTURE = { whep: [], hls: ['codec', 'interlaced', 'profile', 'vp8_no_hls'] };

/**
 * @param {import('./rows.mjs').Row} row
 * @param {'whep' | 'hls'} protocol
 * @param {import('./sighting.mjs').Seen} seen
 * @param {{rate: number, codes: string[], repair: string | null, again: {whep: boolean, hls: boolean}}} stream its pictures a
 *   second as they came, its verdicts, and by which protocols another encoding of it is sent
 */
export function verdictOf(row, protocol, seen, stream) {
  if (seen.refusal !== null) return `refused: ${seen.refusal}`;
  const hears = !row.sound || seen.sound;
  const sees = !row.picture || seesEnough(row, seen, stream);
  if (hears && sees) return ['plays', ...notes(row, protocol, stream)].join(', ');
  if (hears && row.isChanging && seen.isBroken && seen.pictures > 0) return 'plays up to the change: FFmpeg takes no second initialisation segment';
  const why = stream.codes.find((code) => NO_PICTURE[protocol].includes(code));
  if (hears && seen.pictures === 0 && why !== undefined) return `sound only: ${why}`;
  return null;
}

const seesEnough = (row, { pictures, seconds, sizes }, { rate }) =>
  seconds >= 0.9 * row.seconds && pictures >= ENOUGH * seconds * rate && row.sizes.every((size) => sizes.includes(size));

function notes(row, protocol, { repair, again }) {
  return [
    ...(row.picture && again[protocol] ? [`encoded again: ${repair}`] : []),
    ...(row.sound ? [] : ['no sound is sent']),
    ...(row.picture ? [] : ['no picture is sent']),
  ];
}

/** Pictures decoded of those that were due. */
export const figureOf = (row, { pictures, seconds, refusal }, { rate }) =>
  (row.picture && refusal === null && pictures > 0 ? `${pictures} of ${Math.round(seconds * rate)}` : '—');

/** What a cell of the document may say. */
export const IS_VERDICT = /^(plays(, (encoded again: [a-z_]+|no sound is sent|no picture is sent))*|plays up to the change: \S.+|refused: \S.+|sound only: [a-z0-9_]+)$/;
