/** Turns playlists as they were fetched into the states that the history rules compare. */
import { mergeDelta } from './delta.mjs';
import { parseMedia } from './playlist.mjs';

/**
 * @typedef {{text: string, at?: number, asked?: {msn: number, part?: number}, skip?: 'YES' | 'v2'}} Fetched
 * @param {Fetched[]} fetched in the order they were answered
 */
export function toStates(fetched) {
  let base = null;
  return fetched.map((entry) => {
    const raw = parseMedia(entry.text);
    const merged = raw.skip && base ? mergeDelta(base, raw) : null;
    // A delta that cannot be merged is judged by the delta rules; the others then compare nothing with it.
    const model = raw.skip ? merged : raw;
    const state = { ...entry, raw, base, model: model ?? raw, merged: raw.skip ? merged !== null : true };
    if (model) base = model;
    return state;
  });
}

/** Consecutive full models. */
export function steps(states) {
  const whole = states.filter((state) => state.merged);
  return whole.slice(1).map((state, index) => [whole[index].model, state.model]);
}
