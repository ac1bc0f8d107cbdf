/**
 * The few things that every page does with its elements.
 */

/** The page's own element of this id. */
export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Sets text only where it changes: a screen reader says again what is set again. */
export function setText(where: Element, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}

/** The server's words as people write them: what it puts between backquotes is put in quotation marks. */
export function prose(text: string): string {
  return text.replace(/`([^`]*)`/g, "“$1”");
}

/** The stream that the page's address names, `/{page}/{stream}`. */
export function streamOf(path: string): string {
  return decodeURIComponent(/^\/[^/]+\/([^/]+)/.exec(path)?.[1] ?? "");
}
