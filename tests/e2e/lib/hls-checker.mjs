/**
 * An LL-HLS rule checker (draft-pantos-hls-rfc8216bis-22), independent of the server and of every player.
 *
 * Each rule has a number, the section that makes it and a name, e.g. `R32 4.4.4.9 part-duration-85-percent`.
 * Every check returns a list of `{rule, message}`; an empty list means that nothing is wrong. Rules are proved by
 * playlists/bad: for each there is at least one committed playlist that it alone must reject.
 */
import { toStates } from './hls/history-steps.mjs';
import { parseMedia } from './hls/playlist.mjs';
import { run } from './hls/rule.mjs';
import { dateRangeRules } from './hls/rules-dateranges.mjs';
import { deltaRules } from './hls/rules-deltas.mjs';
import { historyRules } from './hls/rules-history.mjs';
import { multivariantRules, parseMultivariant } from './hls/rules-multivariant.mjs';
import { partRules } from './hls/rules-parts.mjs';
import { playlistRules, textRules } from './hls/rules-playlist.mjs';
import { renditionRules } from './hls/rules-renditions.mjs';
import { segmentRules } from './hls/rules-segments.mjs';

const modelRules = [...playlistRules, ...segmentRules, ...partRules, ...dateRangeRules];

/** Every rule there is, in the order of the numbers. */
export const RULES = [...textRules, ...modelRules, ...historyRules, ...deltaRules, ...renditionRules, ...multivariantRules];

/** One full media playlist. */
export function checkMedia(text) {
  const playlist = parseMedia(text);
  return run([...textRules, ...modelRules], playlist);
}

/**
 * One rendition's playlists in the order they were answered, deltas among them. Every playlist is also checked
 * for itself: a delta's text as it came, and the full playlist it merges to.
 * @param {import('./hls/history-steps.mjs').Fetched[]} fetched
 */
export function checkHistory(fetched) {
  const states = toStates(fetched);
  const each = states.flatMap((state, index) => {
    const models = state.merged ? [...run(textRules, state.raw), ...run(modelRules, state.model)] : run(textRules, state.raw);
    return models.map(({ rule, message }) => ({ rule, message: `#${index + 1}: ${message}` }));
  });
  return [...each, ...run([...historyRules, ...deltaRules], states)];
}

export function checkMultivariant(text) {
  return run([...textRules, ...multivariantRules], parseMultivariant(text));
}

/**
 * Several renditions of one presentation, fetched as close together as a client can.
 * @param {{multivariant: string, media: Record<string, string>}} texts by the URI in the multivariant playlist
 */
export function checkRenditions({ multivariant, media }) {
  const models = new Map(Object.entries(media).map(([uri, text]) => [uri, parseMedia(text)]));
  return run(renditionRules, { multivariant: parseMultivariant(multivariant), media: models });
}

/** A readable list for an assertion's message. */
export function describe(violations) {
  return violations.map(({ rule, message }) => `${rule}: ${message}`).join('\n');
}
