/**
 * What really leaves the browser, out of `RTCPeerConnection.getStats()`.
 */

/** Null is what the browser or the server does not say (yet). */
export interface Uplink {
  /** Of picture and sound with their headers, since the reading before. */
  readonly bitrateBps: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
  readonly roundTripMs: number | null;
  /** Of the packets of the server's newest report, the worse of picture and sound. */
  readonly lossPercent: number | null;
  /** Why fewer or worse pictures leave than were taken. */
  readonly limitedBy: "cpu" | "bandwidth" | null;
}

export class UplinkMeter {
  #before: { readonly atMs: number; readonly bytes: number } | null = null;

  /** Reads the values of a report; each reading is against the one before. */
  read(report: Iterable<unknown>): Uplink {
    const stats = [...report] as Stats[];
    const sent = stats.filter(({ type }) => type === "outbound-rtp");
    const heard = stats.filter(({ type }) => type === "remote-inbound-rtp");
    const video = sent.find(({ kind }) => kind === "video");
    const roundTrip =
      most(heard, "roundTripTime") ?? most(chosenPairs(stats), "currentRoundTripTime");
    const lost = most(heard, "fractionLost");
    const reason = video?.["qualityLimitationReason"];
    return {
      bitrateBps: this.#bitrate(sent),
      width: number(video, "frameWidth"),
      height: number(video, "frameHeight"),
      frameRate: number(video, "framesPerSecond"),
      roundTripMs: roundTrip === null ? null : roundTrip * 1000,
      lossPercent: lost === null ? null : Math.max(lost, 0) * 100,
      limitedBy: reason === "cpu" || reason === "bandwidth" ? reason : null,
    };
  }

  #bitrate(sent: readonly Stats[]): number | null {
    const bytes = sent.reduce(
      (sum, one) => sum + (number(one, "bytesSent") ?? 0) + (number(one, "headerBytesSent") ?? 0),
      0,
    );
    const atMs = most(sent, "timestamp");
    const before = this.#before;
    this.#before = atMs === null ? null : { atMs, bytes };
    // Counters begin again with every session.
    if (atMs === null || before === null || atMs <= before.atMs || bytes < before.bytes)
      return null;
    return ((bytes - before.bytes) * 8000) / (atMs - before.atMs);
  }
}

type Stats = Readonly<Record<string, unknown>>;

const chosenPairs = (stats: readonly Stats[]): Stats[] =>
  stats.filter(({ type, nominated }) => type === "candidate-pair" && nominated === true);

function most(stats: readonly Stats[], key: string): number | null {
  const values = stats.map((one) => number(one, key)).filter((value) => value !== null);
  return values.length === 0 ? null : Math.max(...values);
}

function number(stats: Stats | undefined, key: string): number | null {
  const value = stats?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
