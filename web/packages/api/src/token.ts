/**
 * What a viewer or a seller may, as the server takes it: in a header, or in the query where a browser sends
 * no header of ours (EventSource) or a header would cost a preflight for each address (LL-HLS across origins).
 */

/** Says what the token is now: it may be renewed at any time. Null for none. */
export type TokenSource = () => string | null;

/** The token in a text, if it could be sent at all: RFC 6750 §2.1 allows fewer characters still. */
export function parseToken(text: string | null): string | null {
  const token = text?.trim() ?? "";
  return /^[\x21-\x7e]+$/.test(token) ? token : null;
}

/** RFC 6750 §2.1; nothing without a token. */
export function bearer(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** The address with `?token=` in place of any it had. */
export function withToken(url: string, token: string | null): string {
  const [path = "", query = ""] = url.split(/\?(.*)/s);
  const fields = query.split("&").filter((field) => field !== "" && !/^token(=|$)/.test(field));
  if (token !== null) fields.push(`token=${encodeURIComponent(token)}`);
  return fields.length === 0 ? path : `${path}?${fields.join("&")}`;
}
