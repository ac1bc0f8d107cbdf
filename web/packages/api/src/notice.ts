/**
 * Words for the person in front of the page.
 */

/** Where a page is, and what it says of it. */
export interface Notice<Status extends string> {
  readonly status: Status;
  readonly title: string;
  readonly detail: string | null;
}

export function notice<Status extends string>(
  status: Status,
  title: string,
  detail: string | null = null,
): Notice<Status> {
  return { status, title, detail };
}

/** With a capital and a full stop, so that another sentence can follow. */
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
