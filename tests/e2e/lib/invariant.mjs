/**
 * The claim of this product, computed from evidence that no player had a hand in: a card is on the page in the callback
 * of frame f if and only if `state(pts(f))` contains it (docs/spec/cue.md, "The fold").
 *
 * The frame is known by the number burnt into its picture, its pts from the origin's own bytes (counter-table.mjs), the
 * cues from the API, and what the page showed from its DOM.
 */

/** Half a frame at 30 per second, in ticks of 90 kHz: a player further off has named another frame. */
const PTS_SLACK = 1500;

/** @typedef {{seq: number, card_id: string, op: string, pts: number, duration: number | null}} Cue duration in ticks */

/**
 * Cards that hold at `pts`, each with the cue that decides it: a fold over the cues at or before, by (pts, seq).
 * @param {Cue[]} cues
 * @returns {Map<string, {on: boolean, cue: Cue}>}
 */
export function fold(cues, pts) {
  const cards = new Map();
  const due = cues.filter((cue) => cue.pts <= pts).sort((a, b) => a.pts - b.pts || a.seq - b.seq);
  for (const cue of due) {
    const end = cue.duration === null ? Infinity : cue.pts + cue.duration;
    if (cue.op === 'show') cards.set(cue.card_id, { on: pts < end, cue });
    else if (cue.op === 'hide') cards.set(cue.card_id, { on: false, cue });
    else if (cue.op === 'clear') for (const id of cards.keys()) cards.set(id, { on: false, cue });
    // An update changes what a card says, not whether it shows.
  }
  return cards;
}

/** Ids of the cards that hold at `pts`. */
export function cardsAt(cues, pts) {
  return [...fold(cues, pts)].filter(([, { on }]) => on).map(([id]) => id).sort();
}

/**
 * Side-channel messages to the time each cue first reached the page: Map seq -> ms.
 * @param {{t: number, via: string, text: string}[]} arrivals
 */
export function firstArrivals(arrivals, via) {
  const times = new Map();
  for (const { t, text } of arrivals.filter((arrival) => arrival.via === via)) {
    for (const encoded of parse(text)?.cues ?? []) {
      const seq = parse(Buffer.from(encoded, 'base64url').toString('utf8'))?.seq;
      if (seq !== undefined && !times.has(seq)) times.set(seq, t);
    }
  }
  return times;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {{frames: object[], cues: Cue[], table: Map<number, number>, arrivals: Map<number, number>}} evidence
 *   `table` counter -> pts; `arrivals` seq -> ms on the page's clock
 */
export function judge({ frames, cues, table, arrivals }) {
  const verdict = {
    presented: frames.length === 0 ? 0 : frames.at(-1).presented - frames[0].presented + 1,
    calledBack: frames.length, read: 0, unread: {}, violations: [], late: new Map(), shown: new Map(), unseen: [], ptsOff: 0, silent: 0, unplaced: 0,
  };
  for (const frame of frames) {
    const pts = frame.counter === null ? undefined : table.get(frame.counter);
    if (pts === undefined) {
      const why = frame.counter === null ? (frame.skipped ?? 'not legible') : 'not among the recorded segments';
      verdict.unread[why] = (verdict.unread[why] ?? 0) + 1;
      continue;
    }
    verdict.read += 1;
    judgeCards(verdict, frame, pts, cues, arrivals);
    judgeReport(verdict, frame, pts);
  }
  const unseen = cues.filter(({ op, card_id: id }) => op === 'show' && !verdict.shown.has(id));
  verdict.unseen = unseen.map((cue) => howUnseen(cue, frames, table));
  return verdict;
}

/** Around which frames a card's time went by: whether the player jumped over it, or its frames could not be read. */
function howUnseen({ card_id: card, pts, duration }, frames, table) {
  const at = ({ counter }) => table.get(counter);
  const before = frames.findLastIndex((frame) => at(frame) < pts);
  const after = frames.findIndex((frame, i) => i > before && at(frame) >= pts);
  const told = (i) => (i < 0 ? 'none' : `pts ${at(frames[i])} at ${Math.round(frames[i].t)} ms`);
  const unread = Math.max(0, after - before - 1);
  return `"${card}" from pts ${pts} for ${duration}: frames before ${told(before)}, from there on ${told(after)}, ${unread} unread between`;
}

function judgeCards(verdict, frame, pts, cues, arrivals) {
  const state = fold(cues, pts);
  const visible = new Set(frame.dom);
  for (const id of visible) if (!verdict.shown.has(id)) verdict.shown.set(id, frame.counter);
  for (const id of new Set([...state.keys(), ...visible])) {
    const { on = false, cue } = state.get(id) ?? {};
    if (on === visible.has(id)) continue;
    // A cue that reached this page after its frame can only be applied from then on. It is excused until then, and counted.
    if (cue && arrivals.get(cue.seq) > frame.t) {
      const { frames, ms } = verdict.late.get(cue.seq) ?? { frames: 0, ms: 0 };
      verdict.late.set(cue.seq, { frames: frames + 1, ms: Math.max(ms, arrivals.get(cue.seq) - frame.t) });
    } else {
      const what = on ? 'is missing' : 'is on the page';
      verdict.violations.push(`frame ${frame.counter} (pts ${pts}): "${id}" ${what}${cue ? `, cue ${cue.seq} at ${cue.pts}` : ''}`);
    }
  }
}

/** What the player said about the frame in `shopcast:state` must be about this frame and its cards. */
function judgeReport(verdict, frame, pts) {
  if (!frame.state) {
    verdict.silent += 1;
    return;
  }
  // The stream's clock has not reached it: it shows nothing, and only what has not reached it either is excused above.
  if (frame.state.pts === null) {
    verdict.unplaced += 1;
    return;
  }
  const off = Math.abs(frame.state.pts - pts);
  verdict.ptsOff = Math.max(verdict.ptsOff, off);
  if (off >= PTS_SLACK) verdict.violations.push(`frame ${frame.counter}: the player says pts ${frame.state.pts}, it is ${pts}`);
  const said = frame.state.cards.map((card) => card.card_id).sort().join();
  const there = [...frame.dom].sort().join();
  if (said !== there) verdict.violations.push(`frame ${frame.counter}: the player says [${said}], the page has [${there}]`);
}

/** One line for the test's output, so that "no errors" can be seen to come from reading something. */
export function summary(name, v) {
  const late = [...v.late].map(([seq, { frames, ms }]) => `#${seq} by ${frames} frames, ${Math.round(ms)} ms`).join(', ') || 'none';
  return `${name}: ${v.presented} frames presented, ${v.calledBack} called back, ${v.read} read `
    + `(${((100 * v.read) / v.presented).toFixed(1)} %), ${v.shown.size} cards seen, ${v.violations.length} violations, late: ${late}, `
    + `without shopcast:state: ${v.silent}, before its clock was known: ${v.unplaced}, pts off by at most ${v.ptsOff.toFixed(1)} ticks, unread: ${JSON.stringify(v.unread)}`;
}
