/**
 * What is changed in the descriptions on their way. The browser itself gets its own offer unchanged.
 */

/** The browser's offer as the server is to read it. */
export function offerForServer(sdp: string): string {
  // RFC 7587 §6.1: `sprop-stereo` says that the sender is likely to send stereo.
  return withoutOrientation(withOpus(sdp, ["stereo=1", "sprop-stereo=1"]));
}

/**
 * The server's answer as the browser is to read it. Browsers send mono unless the answer says `stereo=1`;
 * RFC 7587 §6.1 lets them send stereo to anyone, and a server that does not want it says `stereo=0`.
 */
export function answerForBrowser(sdp: string): string {
  return withOpus(sdp, ["stereo=1"]);
}

/** Adds to Opus' parameters those that are not there yet. */
function withOpus(sdp: string, wanted: readonly string[]): string {
  const [rtpmap, payloadType] = /^a=rtpmap:(\d+) opus\/48000\/2$/im.exec(sdp) ?? [];
  if (rtpmap === undefined || payloadType === undefined) return sdp;
  const fmtp = new RegExp(`^a=fmtp:${payloadType} (.*)$`, "m").exec(sdp);
  if (fmtp === null) {
    return sdp.replace(rtpmap, () => `${rtpmap}\r\na=fmtp:${payloadType} ${wanted.join(";")}`);
  }
  const given = (fmtp[1] ?? "").split(";").map((parameter) => parameter.trim());
  const missing = wanted.filter(
    (parameter) => !given.some((other) => name(other) === name(parameter)),
  );
  return sdp.replace(fmtp[0], (line) => [line, ...missing].join(";"));
}

/**
 * A phone that is held upright sends its pictures lying down and says in a header extension which way is
 * up. LL-HLS cannot carry that. Not offered, the browser turns the pictures before it encodes them.
 */
function withoutOrientation(sdp: string): string {
  return sdp.replace(/^a=extmap:\d+(?:\/\w+)? urn:3gpp:video-orientation\b.*\r?\n/gm, "");
}

const name = (parameter: string): string => parameter.split("=", 1)[0] ?? "";
