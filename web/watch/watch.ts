/**
 * The watch page, /watch/{stream}?protocol=whep|hls|both&token=…&operator: players side by side, a button that inserts
 * the next sample card, the cues as they arrive, and for an operator what is to be said of the stream.
 *
 * The token stays in the address: the server wants it again when the page is loaded again.
 */

import { ApiError, Client, parseToken } from "@shopcast/api";
import type { Cue } from "@shopcast/cues";
import type { Protocol, ShopcastPlayer } from "@shopcast/player";

import { formatPrice } from "@shopcast/player/price";
import { element, streamOf } from "../page/dom.ts";
import { openOperatorView } from "./operator-view.ts";
import { SAMPLES, SHOWN_MS, type Sample } from "./samples.ts";

const stream = streamOf(location.pathname);
const token = parseToken(new URLSearchParams(location.search).get("token"));
const client = new Client("", { token: () => token });

function main(): void {
  document.title = `${stream} · Shopcast`;
  element("stream").textContent = stream;
  element("credit").hidden = stream !== "demo";
  const protocols = chosenProtocols();
  const grid = element("players");
  grid.dataset["count"] = String(protocols.length);
  const panes = protocols.map((protocol) => new Pane(protocol));
  for (const pane of panes) grid.append(pane.element);
  setInterval(() => {
    for (const pane of panes) pane.refresh();
    showHint(panes);
  }, 500);
  document.addEventListener("shopcast:cues", (event) => {
    for (const cue of (event as HTMLElementEventMap["shopcast:cues"]).detail.cues) logCue(cue);
  });
  offerCards();
  if (new URLSearchParams(location.search).has("operator")) openOperatorView(stream, token);
}

/** One player with its name and numbers. */
class Pane {
  readonly element = document.createElement("figure");
  readonly player: ShopcastPlayer = document.createElement("shopcast-player");
  readonly #latency = document.createElement("b");
  readonly #frames = document.createElement("b");
  readonly #late = document.createElement("b");
  #smoothMs: number | null = null;

  constructor(protocol: Protocol) {
    this.player.setAttribute("protocol", protocol);
    this.player.setAttribute("stream", stream);
    this.player.token = token;
    const caption = document.createElement("figcaption");
    const title = document.createElement("h2");
    title.textContent = TITLES[protocol];
    const numbers = document.createElement("div");
    numbers.className = "numbers";
    numbers.append(labelled(this.#latency, "latency"), labelled(this.#frames, "frames"));
    numbers.append(labelled(this.#late, "late cues"));
    caption.append(title, numbers);
    this.element.append(caption, this.player);
    this.refresh();
  }

  refresh(): void {
    const { latencyMs, framesPresented, cuesLate } = this.player;
    this.#latency.textContent = this.#smoothed(latencyMs);
    this.#frames.textContent = String(framesPresented);
    this.#late.textContent = String(cuesLate);
    if (this.#late.parentElement !== null) this.#late.parentElement.hidden = cuesLate === 0;
  }

  /** A reading of each frame flickers; the mean of about the last two seconds can be read. */
  #smoothed(latencyMs: number | null): string {
    // An element that its script has not come for yet has no readings at all.
    if (typeof latencyMs !== "number") {
      this.#smoothMs = null;
      return "–";
    }
    const before = this.#smoothMs ?? latencyMs;
    const jumped = Math.abs(latencyMs - before) > 1000;
    this.#smoothMs = jumped ? latencyMs : before + (latencyMs - before) / 4;
    return this.#smoothMs < 1000
      ? `${String(Math.round(this.#smoothMs))} ms`
      : `${(this.#smoothMs / 1000).toFixed(2)} s`;
  }
}

/** Without a show, what to type into OBS, or where to go live without it. */
function showHint(panes: readonly Pane[]): void {
  const hint = element("hint");
  const waiting = panes.every(({ player }) => player.status === "waiting");
  if (waiting && hint.childElementCount === 0) {
    hint.append("To go live, in OBS under Settings, Stream choose Custom. Server ");
    hint.append(code(`rtmp://${location.hostname}:1935/live`), ", stream key ", code(stream), ". ");
    const link = document.createElement("a");
    link.href = `/golive/${encodeURIComponent(stream)}`;
    link.textContent = "go live from this browser";
    hint.append("Or ", link, ".");
  }
  hint.hidden = !waiting;
}

function offerCards(): void {
  const button = element("insert") as HTMLButtonElement;
  let next = 0;
  const current = (): Sample => SAMPLES[next % SAMPLES.length] as Sample;
  showSample(current());
  button.addEventListener("click", () => {
    button.disabled = true;
    void insert(current())
      .then((inserted) => {
        if (!inserted) return;
        next += 1;
        showSample(current());
      })
      .finally(() => {
        button.disabled = false;
      });
  });
}

async function insert({ cardId, content }: Sample): Promise<boolean> {
  const answer = element("answer");
  try {
    const { seq, pts, late_by_ms } = await client.insertCue(stream, {
      card_id: cardId,
      op: "show",
      at: "now",
      duration_ms: SHOWN_MS,
      ...content,
    });
    answer.classList.remove("problem");
    const late = late_by_ms > 0 ? `, ${String(late_by_ms)} ms after it was asked for` : "";
    answer.textContent = `Cue ${String(seq)} holds from pts ${String(pts)}${late}.`;
    return true;
  } catch (error) {
    answer.classList.add("problem");
    answer.textContent =
      error instanceof ApiError
        ? error.message
        : "The server could not be reached. Nothing was inserted.";
    return false;
  }
}

function showSample({ title: name, image: picture, content }: Sample): void {
  const image = document.createElement("img");
  image.hidden = picture === null;
  image.src = picture ?? "";
  image.alt = "";
  const title = document.createElement("div");
  title.className = "title";
  title.textContent = name;
  const price = document.createElement("div");
  price.className = "price";
  if ("price" in content.payload) {
    price.textContent = formatPrice(content.payload.price, navigator.language);
  }
  const text = document.createElement("div");
  text.append(title, price);
  element("next").replaceChildren(image, text);
}

const logged = new Set<number>();

/** Newest first; two players report the same cue, one line is enough. */
function logCue({ seq, op, card_id, pts }: Cue): void {
  if (logged.has(seq)) return;
  logged.add(seq);
  const line = document.createElement("li");
  line.dataset["seq"] = String(seq);
  line.append(
    cell("seq", `#${String(seq)}`),
    cell("op", op),
    cell("card", card_id),
    cell("pts", String(pts)),
  );
  const list = element("cues");
  list.prepend(line);
  while (list.childElementCount > LOG_MAX) list.lastElementChild?.remove();
  element("empty").hidden = true;
}

function chosenProtocols(): Protocol[] {
  const protocol = new URLSearchParams(location.search).get("protocol");
  return protocol === "whep" || protocol === "hls" ? [protocol] : ["whep", "hls"];
}

function labelled(value: HTMLElement, name: string): HTMLElement {
  const span = document.createElement("span");
  span.append(`${name} `, value);
  return span;
}

function cell(className: string, text: string): HTMLElement {
  const span = document.createElement("span");
  span.className = className;
  span.textContent = text;
  return span;
}

function code(text: string): HTMLElement {
  const element = document.createElement("code");
  element.textContent = text;
  return element;
}

const TITLES: Readonly<Record<Protocol, string>> = { whep: "WebRTC", hls: "LL-HLS" };
const LOG_MAX = 50;

main();
