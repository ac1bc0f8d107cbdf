/** What one player showed of one stream, judged by the stream's own clock: a busy machine may take as long as it likes. */

const TICKS = 90_000;
/** What a WebRTC viewer is sent when it joins comes at once, and is decoded before it is presented. */
const SETTLE_MS = 1_000;
/** Seconds of sound after which a picture is no longer waited for. */
const SOUND_ALONE_S = 5;
/** Of the pictures that were due in the time that a player got through. Unrepaired B-frames are one in twelve. */
export const ENOUGH = 0.75;
/** The notice of a player that will not play this: the server refused it, or the browser cannot. */
const REFUSALS = ['refused', 'unsupported'];

/**
 * @typedef {object} Seen
 * @property {number} pictures decoded @property {number} seconds in which by the stream's clock
 * @property {boolean} sound @property {string[]} sizes
 * @property {string | null} refusal why it is not played, with the status of the answer where there was one
 * @property {boolean} [isBroken] its decoder said that it could not decode what came
 * @property {unknown} last for whoever has to find out what went wrong
 */

/** Follows one player of a page by what `__observe` says of it. */
export class Sighting {
  #row;
  #shown = null;
  #first = null;
  #heard = null;
  #last = null;
  #sizes = new Set();

  constructor(row) {
    this.#row = row;
  }

  note(now) {
    // Where a player stalls it is asked in vain how much it decoded.
    this.#last = { ...now, sound: Math.max(now.sound, this.#last?.sound ?? 0) };
    if (now.size) this.#sizes.add(now.size);
    if (now.pts !== null && now.pictures > 0) this.#shown ??= now;
    if (this.#shown !== null && now.at - this.#shown.at >= SETTLE_MS) this.#first ??= now;
    // Too few: whatever kept the machine busy may have passed.
    if (this.#first !== null && this.#seconds >= this.#row.seconds && !this.#sawEnough) this.#first = now;
    if (now.sound > 0) this.#heard ??= this.#last;
  }

  get isDone() {
    if (this.#last === null) return false;
    if (REFUSALS.includes(this.#last.status)) return true;
    const { picture, sound, seconds, sizes } = this.#row;
    const heardEnough = !sound || (this.#hears && this.#soundSeconds >= seconds);
    if (!picture) return heardEnough;
    if (this.#shown === null) return this.#soundSeconds >= SOUND_ALONE_S;
    return heardEnough && this.#seconds >= seconds && this.#sawEnough && sizes.every((size) => this.#sizes.has(size));
  }

  /** @returns {Seen} */
  get result() {
    const pictures = this.#first === null ? 0 : this.#last.pictures - this.#first.pictures;
    return { pictures, seconds: this.#seconds, sound: this.#hears, sizes: [...this.#sizes], refusal: this.#refusal, last: this.#last };
  }

  get #sawEnough() {
    return this.#last.pictures - this.#first.pictures >= ENOUGH * this.#seconds * this.#row.fps;
  }

  get #seconds() {
    return this.#first === null ? 0 : (this.#last.pts - this.#first.pts) / TICKS;
  }

  get #soundSeconds() {
    return this.#heard === null ? 0 : this.#last.time - this.#heard.time;
  }

  get #hears() {
    return this.#heard !== null && this.#last.sound > this.#heard.sound;
  }

  get #refusal() {
    if (this.#last === null || this.#last.status === 'playing') return null;
    const { problem, notice, status } = this.#last;
    if (problem) return refusalOf(problem);
    return REFUSALS.includes(status) ? notice[0] : null;
  }
}

/** In the words of the server (RFC 9457). */
export const refusalOf = ({ status, title, detail }) => `${status}, ${detail ?? title}`;
