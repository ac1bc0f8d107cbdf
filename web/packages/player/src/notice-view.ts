/**
 * The notice over the picture.
 */

import type { Notice } from "./notice.ts";

export class NoticeView {
  /** Always there: a screen reader only tells what changes inside a region that it knows. */
  readonly element = document.createElement("div");
  readonly #box = document.createElement("div");
  readonly #title = document.createElement("strong");
  readonly #detail = document.createElement("p");

  constructor() {
    this.element.setAttribute("role", "status");
    this.#box.className = "notice";
    this.#box.hidden = true;
    const pulse = document.createElement("span");
    pulse.className = "pulse";
    this.#box.append(pulse, this.#title, this.#detail);
    this.element.append(this.#box);
  }

  show({ status, title, detail }: Notice): void {
    this.#box.dataset["status"] = status;
    this.#title.textContent = title;
    this.#detail.textContent = detail ?? "";
    this.#detail.hidden = detail === null;
    this.#box.hidden = title === "";
  }
}
