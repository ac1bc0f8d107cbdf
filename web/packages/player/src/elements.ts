/**
 * Small elements that cards are made of.
 */

export function block(className: string, text = ""): HTMLElement {
  const div = document.createElement("div");
  div.className = className;
  div.textContent = text;
  return div;
}

/** Said, not shown. */
export function hidden(text: string): HTMLElement {
  const span = document.createElement("span");
  span.className = "for-screen-reader";
  span.textContent = text;
  return span;
}
