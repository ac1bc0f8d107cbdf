/**
 * How much a browser may send.
 */

/** The limits of one video track. */
export function videoLimits(track: MediaStreamTrack | null): RTCRtpEncodingParameters {
  const { width, height } = track?.getSettings() ?? {};
  return { maxBitrate: videoBitrateMax(width, height), maxFramerate: FRAME_RATE_MAX };
}

/** Chromium sends Opus at 64 kbit/s in stereo, which is thin under music. */
export const AUDIO_LIMITS: RTCRtpEncodingParameters = { maxBitrate: 96_000 };

/** Bits per second for a picture of this size, whichever way it is turned. */
export function videoBitrateMax(width: number = 1280, height: number = 720): number {
  const row = BITRATES.find(({ pixels }) => width * height <= pixels);
  return row?.bps ?? BITRATE_MOST;
}

/**
 * Sets the limits of what is sent from now on. A picture that is scaled down and up again as the network
 * allows changes its size for every viewer, and LL-HLS players stumble over it: fewer frames are better.
 */
export async function limitVideo(sender: RTCRtpSender): Promise<void> {
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings;
  if (encoding === undefined) return;
  Object.assign(encoding, videoLimits(sender.track));
  parameters.degradationPreference = "maintain-resolution";
  // A browser that refuses keeps the limits of the transceiver's start.
  await sender.setParameters(parameters).catch(() => undefined);
}

/** What hardware encoders of phones and OpenH264 need for a picture without blocks, at 30 frames a second. */
const BITRATES = [
  { pixels: 640 * 360, bps: 800_000 },
  { pixels: 854 * 480, bps: 1_200_000 },
  { pixels: 960 * 540, bps: 1_600_000 },
  { pixels: 1280 * 720, bps: 2_500_000 },
  { pixels: 1920 * 1080, bps: 4_500_000 },
] as const;
const BITRATE_MOST = 6_000_000;
const FRAME_RATE_MAX = 30;
