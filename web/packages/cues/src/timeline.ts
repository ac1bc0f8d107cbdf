/**
 * The fold: what is on screen is a function of pts, and of nothing else.
 *
 * `state(pts)` folds every cue at or before `pts` in the order (pts, seq): show puts the card up in place
 * of what it was, update replaces its payload (and its end, if it has a duration), hide takes it down,
 * clear takes all down, cancel takes back a cue of the same threshold; an end is exclusive. Seek, pause, late join and replay are then one thing. The
 * Rust `cues::Fold` is the same fold; docs/spec/vectors holds both.
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
  #seqs = new Set<number>();
  /** Taken back, whether they have come or not. */
  #cancelled = new Set<number>();
  #horizon = -Infinity;

  /** How many cues are held. */
  get size(): number {
    return this.#cues.length;
  }

  /**
   * Adds a cue; false when it is known (the same one comes by two or more carriers) or lies at or before
   * the horizon, where everything is settled: a show whose hide is forgotten would come back to life.
   * `evenSettled` lets the rest of a snapshot in.
   */
  insert(cue: Cue, evenSettled = false): boolean {
    if (cue.pts <= this.#horizon && !evenSettled) return false;
    if (!this.#add(cue)) return false;
    if (this.#cues.length > CUES_MAX) this.#trim();
    return true;
  }

  /**
   * Takes a snapshot: `cues` fold to the state at `from` and are complete past it. Returns those that
   * were not known. States before `from` are no longer asked for.
   */
  insertSnapshot(from: number, cues: readonly Cue[]): Cue[] {
    const known = this.#seqs;
    this.#keep(this.#cues.filter((cue) => cue.pts > from));
    this.#horizon = from;
    for (const cue of cues) this.#add(cue);
    return cues.filter((cue) => !known.has(cue.seq));
  }

  /** Forgets everything: the stream has begun anew. */
  reset(): void {
    this.#keep([]);
    this.#horizon = -Infinity;
  }

  /** The cards on screen at `pts`, oldest show first. */
  state(pts: number): ActiveCard[] {
    const cards = new Map<string, ActiveCard>();
    for (const cue of this.#cues) {
      if (cue.pts > pts) break;
      if (!this.#cancelled.has(cue.seq)) apply(cards, cue);
    }
    return [...cards.values()].filter((card) => isUp(card, pts));
  }

  #add(cue: Cue): boolean {
    if (this.#seqs.has(cue.seq)) return false;
    this.#seqs.add(cue.seq);
    if (cue.kind === "cue") this.#cancelled.add(cue.payload.seq);
    // Cues nearly always come in order, so the place is looked for from the end.
    let at = this.#cues.length;
    while (at > 0 && order(cue, this.#cues[at - 1] ?? cue) < 0) at -= 1;
    this.#cues.splice(at, 0, cue);
    return true;
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
      if (this.#cancelled.has(cue.seq)) return false;
      return cue.seq === card.seq || cue.op === "show" || cue.duration !== null;
    };
    this.#keep(this.#cues.filter((cue) => cue.pts > before || acts(cue)));
    this.#horizon = before;
  }

  #keep(cues: Cue[]): void {
    this.#cues = cues;
    this.#seqs = new Set(cues.map((cue) => cue.seq));
    this.#cancelled = new Set(cues.flatMap((cue) => (cue.kind === "cue" ? [cue.payload.seq] : [])));
  }
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
