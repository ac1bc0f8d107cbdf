/**
 * The operator's view, behind `?operator`: asks the server each second how the stream is, and what should be changed.
 *
 * A token that is typed in is kept in this page's memory alone. It stands in no address, no storage and no history.
 */

import { Client, parseToken, type Verdict } from "@shopcast/api";

import { element, setText } from "../page/dom.ts";
import { ASKING, answered, failed, pieces, type Desk, type Fact } from "./operator.ts";

/** `given` is what this viewer may, if anything: often that is enough. */
export function openOperatorView(stream: string, given: string | null): void {
  element("operator").hidden = false;
  // Another page around this one could lay itself over the field.
  if (window.self !== window.top) {
    setText(element("operator-note"), "Open this page by itself to see what operators see.");
    return;
  }
  new OperatorView(stream, given).start();
}

class OperatorView {
  readonly #stream: string;
  readonly #client: Client;
  #token: string | null;
  #typed = false;
  #desk: Desk = ASKING;
  #timer: number | undefined;

  constructor(stream: string, given: string | null) {
    this.#stream = stream;
    this.#token = given;
    this.#client = new Client("", { token: () => this.#token });
  }

  start(): void {
    element("operator-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#takeToken();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.#desk.wantsToken) void this.#ask();
    });
    this.#show(ASKING);
    void this.#ask();
  }

  #takeToken(): void {
    const field = element("operator-token") as HTMLInputElement;
    const token = parseToken(field.value);
    if (token === null) return;
    this.#token = token;
    this.#typed = true;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    const token = this.#token;
    const desk = await this.#client
      .stream(this.#stream)
      .then(answered, (error: unknown) => failed(this.#desk, error, this.#typed));
    // Another token was typed meanwhile, and is asked with.
    if (token !== this.#token) return;
    this.#show(desk);
    // A wrong token asked with again and again would look like somebody who guesses.
    if (desk.wantsToken || document.hidden) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), desk.pauseMs);
  }

  #show(desk: Desk): void {
    const wanted = desk.wantsToken && !this.#desk.wantsToken;
    this.#desk = desk;
    setText(element("operator-note"), desk.note);
    element("operator-form").hidden = !desk.wantsToken;
    const field = element("operator-token") as HTMLInputElement;
    if (!desk.wantsToken) field.value = "";
    else if (wanted) field.focus();
    field.setAttribute("aria-invalid", String(desk.wantsToken && this.#typed));
    element("operator-view").hidden = desk.facts === null;
    showFacts(desk.facts ?? []);
    showVerdicts(desk.verdicts);
    setText(element("operator-none"), desk.verdicts.length === 0 ? "All is well." : "");
  }
}

function showFacts(facts: readonly Fact[]): void {
  const list = element("operator-facts");
  if (list.childElementCount !== facts.length) {
    list.replaceChildren(
      ...facts.map(([name]) => {
        const group = document.createElement("div");
        group.append(withText("dt", "", name), document.createElement("dd"));
        return group;
      }),
    );
  }
  facts.forEach(([, value], n) => {
    const shown = list.children[n]?.lastElementChild;
    if (shown) setText(shown, value);
  });
}

/** Lines stay while they hold, so that a screen reader says what is new and not every number that moves. */
function showVerdicts(verdicts: readonly Verdict[]): void {
  const list = element("operator-verdicts");
  const lines = new Map(
    Array.from(list.children, (line) => [(line as HTMLElement).dataset["code"], line]),
  );
  const wanted = verdicts.map((verdict) => lines.get(verdict.code) ?? item(verdict));
  for (const [code, line] of lines) {
    if (!verdicts.some((verdict) => verdict.code === code)) line.remove();
  }
  wanted.forEach((line, n) => {
    if (list.children[n] !== line) list.insertBefore(line, list.children[n] ?? null);
    const verdict = verdicts[n];
    if (verdict) showVerdict(line as HTMLElement, verdict);
  });
}

/** In place: a text that changes is not said, an element that comes is. */
function showVerdict(line: HTMLElement, verdict: Verdict): void {
  TEXTS.forEach((name, n) => {
    const text = verdict[name];
    const shown = line.children[n] as HTMLElement | undefined;
    if (shown === undefined || shown.dataset["text"] === text) return;
    shown.dataset["text"] = text;
    shown.replaceChildren(...nodes(text));
  });
}

function item(verdict: Verdict): HTMLElement {
  const line = document.createElement("li");
  line.dataset["code"] = verdict.code;
  for (const name of TEXTS) {
    const shown = withText("p", name, verdict[name]);
    shown.dataset["text"] = verdict[name];
    line.append(shown);
  }
  return line;
}

const TEXTS = ["found", "cost", "remedy"] as const;

/** An element with a text in it, where what stands between backquotes is code. */
function withText(name: string, className: string, text: string): HTMLElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...nodes(text));
  return made;
}

function nodes(text: string): (Node | string)[] {
  return pieces(text).map((piece) => {
    if (!piece.isCode) return piece.text;
    const code = document.createElement("code");
    code.textContent = piece.text;
    return code;
  });
}
