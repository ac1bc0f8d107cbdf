/**
 * The seller's token, out of the page's address: `/golive/show#token=…`.
 */

/**
 * Takes the token out of the address bar, which a shared screen would show to everybody, and keeps it for
 * as long as the tab is open, so that the page can be loaded again. A fragment never reaches a server or
 * its logs.
 */
export function takeToken(
  { hash, pathname, search }: Pick<Location, "hash" | "pathname" | "search">,
  history: Pick<History, "replaceState">,
  storage: Pick<Storage, "getItem" | "setItem"> | null,
): string | null {
  const key = `token ${pathname}`;
  const given = /[#&]token=([^&]*)/.exec(hash)?.[1];
  if (given === undefined) return storage?.getItem(key) ?? null;
  history.replaceState(null, "", pathname + search);
  const token = decoded(given);
  // RFC 6750 §2.1 allows fewer characters; any other could not even be sent.
  if (!/^[\x21-\x7e]+$/.test(token)) return null;
  storage?.setItem(key, token);
  return token;
}

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
