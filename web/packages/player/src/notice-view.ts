/**
 * The notice over the picture.
 */

import type { Notice } from "./notice.ts";

export class NoticeView {
  readonly element = document.createElement("div");
  readonly #title = document.createElement("strong");
  readonly #detail = document.createElement("p");

  constructor() {
    this.element.className = "notice";
    this.element.setAttribute("role", "status");
    const pulse = document.createElement("span");
    pulse.className = "pulse";
    this.element.append(pulse, this.#title, this.#detail);
    this.element.hidden = true;
  }

  show({ status, title, detail }: Notice): void {
    this.element.hidden = title === "";
    this.element.dataset["status"] = status;
    this.#title.textContent = title;
    this.#detail.textContent = detail ?? "";
    this.#detail.hidden = detail === null;
  }
}
