/**
 * The fold: what is on screen is a function of pts, and of nothing else.
 *
 * `state(pts)` folds every cue at or before `pts` in the order (pts, seq): show puts the card up in place
 * of what it was, update replaces its payload (and its end, if it has a duration), hide takes it down,
 * clear takes all down, cancel takes back a cue of the same threshold; an end is exclusive. Seek, pause, late join and replay are then one thing. The
 * Rust `cues::Fold` is the same fold; docs/spec/vectors holds both.
 *
 * A viewer may lack any part of the log. Each snapshot that came, by whatever carrier, is a state to fold on from: what
 * was missed before it is made good there.
 */

import type { Cue, CueHead } from "./cue.ts";
import type { Content } from "./payload.ts";

/** A card on screen. */
export type ActiveCard = OnScreen & Content;

interface OnScreen {
  readonly card_id: string;
  /** Of the cue whose payload shows. */
  readonly seq: number;
  readonly rev: number;
  /** Threshold of the show that put it up. */
  readonly since: number;
  /** First pts at which it is gone by itself; null until hidden or cleared. */
  readonly until: number | null;
}

export class Timeline {
  /** In the order of (pts, seq), each once. */
  #cues: Cue[] = [];
  readonly #bySeq = new Map<number, Cue>();
  /** Taken back, whether they have come or not. */
  readonly #cancelled = new Set<number>();
  /** By `from`, each once. */
  #settled: Settled[] = [];
  /** Where the newest settled state that is complete from there on begins. */
  #horizon = -Infinity;

  /** How many cues are held. */
  get size(): number {
    return this.#cues.length;
  }

  /** The cue of this number, if it is held. */
  get(seq: number): Cue | undefined {
    return this.#bySeq.get(seq);
  }

  /**
   * Adds a cue; false when it is known (the same one comes by two or more carriers) or lies at or before
   * the horizon, where everything is settled: a show whose hide is forgotten would come back to life.
   * `evenSettled` lets the rest of a snapshot in.
   */
  insert(cue: Cue, evenSettled = false): boolean {
    const isSettled = cue.pts <= this.#horizon;
    // States before the horizon, for who seeks back, may still want it.
    const isNew = this.#add(cue);
    if (isSettled && evenSettled) this.#settle(this.#horizon, [cue]);
    if (isSettled && !evenSettled) return false;
    if (this.#cues.length > CUES_MAX) this.#trim();
    return isNew;
  }

  /**
   * Takes a snapshot: `cues` fold to the state at `from` and are complete past it. Returns those that
   * were not known. States before `from` are no longer asked for. Of the numbers up to `complete` there are no others
   * past `from`: what was told and is not there went with a server that was killed before it could keep it.
   */
  insertSnapshot(from: number, cues: readonly Cue[], complete = 0): Cue[] {
    const told = new Set(cues.map((cue) => cue.seq));
    this.#drop((cue) => cue.pts > from && cue.seq <= complete && !told.has(cue.seq));
    this.#unsettle(from);
    this.#settle(
      from,
      cues.filter((cue) => cue.pts <= from),
    );
    this.#horizon = from;
    return cues.filter((cue) => this.#add(cue));
  }

  /**
   * Takes what media say of the state at `pts`: exactly `cues`, none of them later. Any other cue at or before `pts` has
   * no effect from there on, and nothing is said of what follows. Returns those that were not known.
   */
  insertState(pts: number, cues: readonly Cue[]): Cue[] {
    this.#unsettle(pts);
    this.#settle(pts, cues);
    return cues.filter((cue) => this.insert(cue));
  }

  /** Forgets everything: the stream has begun anew. */
  reset(): void {
    this.#cues = [];
    this.#bySeq.clear();
    this.#cancelled.clear();
    this.#settled = [];
    this.#horizon = -Infinity;
  }

  /** The cards on screen at `pts`, oldest show first. */
  state(pts: number): ActiveCard[] {
    const cards = new Map<string, ActiveCard>();
    for (const cue of this.#acting(pts)) apply(cards, cue);
    return [...cards.values()].filter((card) => isUp(card, pts));
  }

  /** The cues that the state at `pts` is folded of: what was settled last, and what came after. */
  #acting(pts: number): Cue[] {
    const { from, cues } = this.#settled.findLast((state) => state.from <= pts) ?? NOTHING_SETTLED;
    const acting = [...cues];
    for (const cue of this.#cues) {
      if (cue.pts > pts) break;
      if (cue.pts > from) acting.push(cue);
    }
    return acting.filter((cue) => !this.#cancelled.has(cue.seq));
  }

  #add(cue: Cue): boolean {
    if (this.#bySeq.has(cue.seq)) return false;
    this.#bySeq.set(cue.seq, cue);
    if (cue.kind === "cue") this.#cancelled.add(cue.payload.seq);
    put(this.#cues, cue);
    return true;
  }

  /** Adds to the state at `from`. */
  #settle(from: number, cues: readonly Cue[]): void {
    let state = this.#settled.find((other) => other.from === from);
    if (state === undefined) {
      state = { from, cues: [] };
      this.#settled.push(state);
      this.#settled.sort((a, b) => a.from - b.from);
      if (this.#settled.length > SETTLED_MAX) this.#settled.shift();
    }
    for (const cue of cues) {
      if (!state.cues.some(({ seq }) => seq === cue.seq)) put(state.cues, cue);
    }
  }

  #drop(isGone: (cue: Cue) => boolean): void {
    const gone = this.#cues.filter(isGone);
    if (gone.length === 0) return;
    const stays = (cue: Cue): boolean => !gone.includes(cue);
    this.#cues = this.#cues.filter(stays);
    this.#settled = this.#settled.map(({ from, cues }) => ({ from, cues: cues.filter(stays) }));
    for (const cue of gone) {
      this.#bySeq.delete(cue.seq);
      if (cue.kind === "cue") this.#cancelled.delete(cue.payload.seq);
    }
  }

  #unsettle(from: number): void {
    this.#settled = this.#settled.filter((state) => state.from !== from);
  }

  /**
   * Bounds memory through a show of any length: of the older half only those cues stay that still act
   * on a card at its end: the show, what prolonged it, and the newest update.
   */
  #trim(): void {
    const before = this.#cues[Math.floor(this.#cues.length / 2)]?.pts ?? 0;
    const up = new Map(this.state(before).map((card) => [card.card_id, card]));
    const acts = (cue: Cue): boolean => {
      const card = up.get(cue.card_id);
      if (card === undefined || cue.pts < card.since || !hasContent(cue)) return false;
      return cue.seq === card.seq || cue.op === "show" || cue.duration !== null;
    };
    const acting = this.#acting(before).filter(acts);
    const kept = [...acting, ...this.#cues.filter((cue) => cue.pts > before)];
    const settled = this.#settled.filter((state) => state.from > before);
    this.reset();
    for (const cue of kept) this.#add(cue);
    this.#settled = settled;
    this.#settle(before, acting);
    this.#horizon = before;
  }
}

/** A state that is known as a whole, whatever else lies before it. */
interface Settled {
  readonly from: number;
  /** In the order of (pts, seq). */
  readonly cues: Cue[];
}

const NOTHING_SETTLED: Settled = { from: -Infinity, cues: [] };

/** Cues nearly always come in order, so the place is looked for from the end. */
function put(cues: Cue[], cue: Cue): void {
  let at = cues.length;
  while (at > 0 && order(cue, cues[at - 1] ?? cue) < 0) at -= 1;
  cues.splice(at, 0, cue);
}

function apply(cards: Map<string, ActiveCard>, cue: Cue): void {
  switch (cue.op) {
    case "show":
      if (hasContent(cue)) show(cards, cue, cue);
      return;
    case "update":
      if (hasContent(cue)) update(cards, cue, cue);
      return;
    case "hide":
      cards.delete(cue.card_id);
      return;
    case "clear":
      cards.clear();
      return;
    case "cancel":
  }
}

function show(cards: Map<string, ActiveCard>, cue: Cue, content: Content): void {
  const { card_id, seq, rev, pts } = cue;
  cards.delete(card_id); // A Map keeps a key's first place; a card shown again is the newest.
  cards.set(card_id, { card_id, seq, rev, since: pts, until: endOf(cue), ...only(content) });
}

function update(cards: Map<string, ActiveCard>, cue: Cue, content: Content): void {
  const card = cards.get(cue.card_id);
  if (card === undefined || !isUp(card, cue.pts)) return;
  const { card_id, seq, rev } = cue;
  const until = endOf(cue) ?? card.until;
  cards.set(card_id, { card_id, seq, rev, since: card.since, until, ...only(content) });
}

function hasContent(cue: Cue): cue is CueHead & Content {
  return cue.kind !== null && cue.kind !== "cue";
}

/** Of a cue only what its card says. */
function only({ kind, payload }: Content): Content {
  return { kind, payload } as Content;
}

function endOf(cue: Cue): number | null {
  return cue.duration === null ? null : cue.pts + cue.duration;
}

function isUp(card: ActiveCard, pts: number): boolean {
  return card.until === null || pts < card.until;
}

function order(a: Cue, b: Cue): number {
  return a.pts - b.pts || a.seq - b.seq;
}

/** An hour of a cue every two seconds; past it only the newer half can be sought in. */
const CUES_MAX = 2048;
/** Segments of two minutes and more: what players keep behind them, and more than the usual window. */
const SETTLED_MAX = 128;
