/**
 * A desk full of devices: what is plugged in, what is open, and what the seller allows.
 */

/** A track as the page sees it; `end` and `pause` are what the system does to it. */
export class FakeTrack {
  readonly kind: "audio" | "video";
  readonly label: string;
  readyState = "live";
  enabled = true;
  contentHint = "";
  onended: (() => void) | null = null;
  onmute: (() => void) | null = null;
  onunmute: (() => void) | null = null;
  readonly #settings: MediaTrackSettings;

  constructor(kind: "audio" | "video", label: string, settings: MediaTrackSettings = {}) {
    this.kind = kind;
    this.label = label;
    this.#settings = settings;
  }

  getSettings(): MediaTrackSettings {
    return this.#settings;
  }

  /** Ours: no event follows. */
  stop(): void {
    this.readyState = "ended";
  }

  /** Theirs: unplugged, or "Stop sharing". */
  end(): void {
    this.readyState = "ended";
    this.onended?.();
  }
}

interface Device {
  readonly kind: "audio" | "video";
  readonly facingMode?: "user" | "environment";
}

export class FakeDevices {
  readonly plugged = new Map<string, Device>();
  readonly opened: FakeTrack[] = [];
  /** What the next requests fail with, by device id. */
  readonly broken = new Map<string, string>();
  /** What sharing gives: the tracks' labels, or the error's name. */
  screen: readonly string[] | string = ["screen"];
  refuses = false;
  requests = 0;

  asMediaDevices(): MediaDevices {
    return this as unknown as MediaDevices;
  }

  live(): string[] {
    return this.opened.filter(({ readyState }) => readyState === "live").map(({ label }) => label);
  }

  track(label: string): FakeTrack {
    const found = this.opened.findLast((track) => track.label === label);
    if (found === undefined) throw new Error(`${label} was never opened`);
    return found;
  }

  async getUserMedia({ video, audio }: MediaStreamConstraints): Promise<unknown> {
    this.requests += 1;
    await Promise.resolve();
    if (this.refuses) throw named("NotAllowedError");
    const tracks: FakeTrack[] = [];
    if (video !== undefined) tracks.push(this.#open("video", video as MediaTrackConstraints));
    if (audio !== undefined) tracks.push(this.#open("audio", audio as MediaTrackConstraints));
    this.opened.push(...tracks);
    return stream(tracks);
  }

  async getDisplayMedia(): Promise<unknown> {
    await Promise.resolve();
    if (typeof this.screen === "string") throw named(this.screen);
    const tracks = this.screen.map(
      (label) => new FakeTrack(label.endsWith("sound") ? "audio" : "video", label),
    );
    this.opened.push(...tracks);
    return stream(tracks);
  }

  #open(kind: "audio" | "video", { deviceId, facingMode }: MediaTrackConstraints): FakeTrack {
    const wantedId = (deviceId as { exact: string } | undefined)?.exact;
    const facing = (facingMode as { ideal: string } | undefined)?.ideal;
    const ofKind = [...this.plugged].filter(([, device]) => device.kind === kind);
    if (ofKind.length === 0) throw named("NotFoundError");
    const chosen =
      wantedId === undefined
        ? (ofKind.find(([, device]) => device.facingMode === facing) ?? ofKind[0])
        : ofKind.find(([id]) => id === wantedId);
    if (chosen === undefined) throw named("OverconstrainedError");
    const [id, device] = chosen;
    const failure = this.broken.get(id);
    if (failure !== undefined) throw named(failure);
    const { facingMode: faces } = device;
    return new FakeTrack(kind, id, { deviceId: id, ...(faces && { facingMode: faces }) });
  }
}

export function named(name: string, message = "no"): Error {
  return Object.assign(new Error(message), { name });
}

/** Lets promises run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const stream = (tracks: readonly FakeTrack[]): unknown => ({
  getVideoTracks: () => tracks.filter(({ kind }) => kind === "video"),
  getAudioTracks: () => tracks.filter(({ kind }) => kind === "audio"),
});
