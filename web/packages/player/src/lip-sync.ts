/**
 * Keeps sound and picture together more closely than a browser does by itself.
 *
 * libwebrtc moves the two only when they are more than 30 ms apart by its own estimate, which is itself some 20 ms off:
 * they may stay 40 ms apart for a whole show. What is ahead is held back with `jitterBufferTarget` (WebRTC Extensions
 * §2.1) until `estimatedPlayoutTimestamp` of both agrees. Browsers without either keep their own ways.
 */

/** What the last second of a session was like, in milliseconds. */
export interface Playout {
  /** Sound ahead of the picture; negative when behind. */
  skew: number;
  /** What the browser's jitter buffers aim at. */
  audioTarget: number;
  videoTarget: number;
}

/** `jitterBufferTarget` of both receivers: null leaves it to the browser. */
export interface Targets {
  audio: number | null;
  video: number | null;
}

export class LipSync {
  #skews: number[] = [];
  #targets: Targets = { audio: null, video: null };

  /** Takes a second's figures; gives targets when they are to change. */
  observe({ skew, audioTarget, videoTarget }: Playout): Targets | null {
    this.#skews.push(skew);
    if (this.#skews.length < SECONDS) return null;
    const steady = median(this.#skews);
    this.#skews = [];
    if (Math.abs(steady) <= SKEW_MS_MIN) return null;
    const { audio, video } = this.#targets;
    // To let go of what is held comes first, however far apart they are: it may be what holds them apart.
    if (steady > 0 && video !== null) {
      this.#targets = { audio, video: release(video, steady) };
    } else if (steady < 0 && audio !== null) {
      this.#targets = { audio: release(audio, -steady), video };
    } else if (Math.abs(steady) > SKEW_MS_MAX) {
      // No offset but a stream that is starting, or a browser that is starved.
      return null;
    } else if (steady > 0) {
      this.#targets = { audio: hold(audio ?? audioTarget, steady), video };
    } else {
      this.#targets = { audio, video: hold(video ?? videoTarget, -steady) };
    }
    return this.#targets;
  }
}

const hold = (target: number, by: number): number =>
  Math.min(Math.round(target + by), TARGET_MS_MAX);

const release = (target: number, by: number): number | null =>
  target - by < TARGET_MS_MIN ? null : Math.round(target - by);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Reads a session's statistics once a second and sets what comes of them; the returned function stops it. */
export function keepInSync(pc: RTCPeerConnection): () => void {
  const sync = new LipSync();
  let before: Reading | null = null;
  const timer = setInterval(() => {
    void (async () => {
      const now = reading(await pc.getStats());
      const playout = now && before && between(before, now);
      before = now;
      const targets = playout ? sync.observe(playout) : null;
      if (targets) apply(pc, targets);
    })();
  }, 1000);
  return () => {
    clearInterval(timer);
  };
}

interface Buffer {
  playout: number;
  /** Cumulative, in seconds and in samples or frames. */
  target: number;
  emitted: number;
}

interface Reading {
  audio: Buffer;
  video: Buffer;
}

function reading(report: RTCStatsReport): Reading | null {
  const buffers: Partial<Record<string, Buffer>> = {};
  report.forEach((stats: RTCInboundRtpStreamStats) => {
    if (stats.type !== "inbound-rtp" || stats.estimatedPlayoutTimestamp === undefined) return;
    buffers[stats.kind] = {
      playout: stats.estimatedPlayoutTimestamp,
      target: stats.jitterBufferTargetDelay ?? 0,
      emitted: stats.jitterBufferEmittedCount ?? 0,
    };
  });
  const { audio, video } = buffers;
  return audio && video ? { audio, video } : null;
}

function between(before: Reading, now: Reading): Playout | null {
  const audioTarget = targetOf(before.audio, now.audio);
  const videoTarget = targetOf(before.video, now.video);
  if (audioTarget === null || videoTarget === null) return null;
  return { skew: now.audio.playout - now.video.playout, audioTarget, videoTarget };
}

/** Null when nothing was played: a muted element, a page in the background, a stall. */
function targetOf(before: Buffer, now: Buffer): number | null {
  const emitted = now.emitted - before.emitted;
  return emitted > 0 ? ((now.target - before.target) / emitted) * 1000 : null;
}

function apply(pc: RTCPeerConnection, targets: Targets): void {
  for (const receiver of pc.getReceivers()) {
    if (!("jitterBufferTarget" in receiver)) continue;
    receiver.jitterBufferTarget = receiver.track.kind === "audio" ? targets.audio : targets.video;
  }
}

const SECONDS = 5;
/** Nobody notices less (ITU-R BT.1359-1: from 45 ms of sound ahead). */
const SKEW_MS_MIN = 12;
const SKEW_MS_MAX = 200;
const TARGET_MS_MIN = 20;
const TARGET_MS_MAX = 400;
