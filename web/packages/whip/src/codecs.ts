/**
 * In which order codecs are offered: what the server passes on to viewers as it is comes first.
 */

/** H.264 with packetization-mode=1 first, constrained baseline before all; the rest as the browser has it. */
export function preferH264(codecs: readonly RTCRtpCodec[]): RTCRtpCodec[] {
  return [...codecs].sort((a, b) => rank(a) - rank(b));
}

/** Whether any of them can be passed on to viewers. */
export function hasH264(codecs: readonly RTCRtpCodec[]): boolean {
  return codecs.some((codec) => rank(codec) < LAST);
}

function rank({ mimeType, sdpFmtpLine = "" }: RTCRtpCodec): number {
  if (mimeType.toLowerCase() !== "video/h264") return LAST;
  // RFC 6184 §6.3: without the parameter it is mode 0, which has no fragments and so no large pictures.
  if (!/(?:^|;)\s*packetization-mode=1(?:;|$)/.test(sdpFmtpLine)) return LAST;
  const [, profile = "42", constraints = "00"] =
    /profile-level-id=([0-9a-f]{2})([0-9a-f]{2})/i.exec(sdpFmtpLine) ?? [];
  if (profile.toLowerCase() !== "42") return 2;
  return (parseInt(constraints, 16) & CONSTRAINED) === 0 ? 1 : 0;
}

/** H.264 Annex A.2.1: constraint_set1_flag makes Baseline the profile that every browser decodes. */
const CONSTRAINED = 0x40;
const LAST = 3;
