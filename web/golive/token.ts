/**
 * The seller's stream key: typed into the page, or given with the link, `/golive/show#token=…`. It is kept for as
 * long as the tab is open, so that the page can be loaded again, and stands in no address.
 */

import { parseToken } from "@shopcast/api";

/**
 * The key that the link gave, or that was kept. It is taken out of the address bar, which a shared screen would show
 * to everybody. A fragment never reaches a server or its logs.
 */
export function takeToken(
  { hash, pathname, search }: Pick<Location, "hash" | "pathname" | "search">,
  history: Pick<History, "replaceState">,
  storage: TokenStorage | null,
): string | null {
  const given = /[#&]token=([^&]*)/.exec(hash)?.[1];
  if (given === undefined) return storage?.getItem(place(pathname)) ?? null;
  history.replaceState(null, "", pathname + search);
  const token = parseToken(decoded(given));
  if (token !== null) keepToken(pathname, token, storage);
  return token;
}

/** Keeps the key for the tab; null forgets it. */
export function keepToken(
  pathname: string,
  token: string | null,
  storage: TokenStorage | null,
): void {
  if (token === null) storage?.removeItem(place(pathname));
  else storage?.setItem(place(pathname), token);
}

/** What of the tab's storage is needed. */
export type TokenStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const place = (pathname: string): string => `token ${pathname}`;

/** The tab's storage; null where the seller has forbidden it. */
export function tabStorage(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
