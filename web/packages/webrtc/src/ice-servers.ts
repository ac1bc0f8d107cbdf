/**
 * STUN and TURN servers that a server names in its answer, RFC 9725 §4.6.
 */

/** Reads `Link` (RFC 8288 §3), as `fetch` gives it: several headers joined by commas. */
export function parseIceServers(link: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const [, url = "", parameters = ""] of (link ?? "").slice(0, CHARS_MAX).matchAll(LINK)) {
    const server = iceServer(url.trim(), readParameters(parameters));
    if (server !== null && servers.length < SERVERS_MAX) servers.push(server);
  }
  return servers;
}

function iceServer(url: string, parameters: ReadonlyMap<string, string>): RTCIceServer | null {
  const relations = (parameters.get("rel") ?? "").toLowerCase().split(/\s+/);
  if (!relations.includes("ice-server")) return null;
  if (/^stuns?:/i.test(url)) return { urls: url };
  const username = parameters.get("username");
  const credential = parameters.get("credential");
  // A browser throws at TURN without both, and then knows none of the others either.
  if (!/^turns?:/i.test(url) || username === undefined || credential === undefined) return null;
  return { urls: url, username, credential };
}

function readParameters(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", quoted, token] of text.matchAll(PARAMETER)) {
    const value = quoted === undefined ? (token ?? "") : quoted.replace(/\\(.)/g, "$1");
    // RFC 8288 §3.3: of several `rel`, all but the first are ignored.
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
  }
  return found;
}

const PARAMETER = /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))/g;
const LINK = /<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))*)/g;
const CHARS_MAX = 8192;
/** Browsers warn from five on: each makes gathering slower. */
const SERVERS_MAX = 4;
