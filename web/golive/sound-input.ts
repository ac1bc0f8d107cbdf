/**
 * Where the sound comes from: a microphone, a shared screen, or both mixed.
 */

import { paused, troubleOf, unplugged, type Trouble } from "./trouble.ts";

/** Stereo where there is any; the browser cleans the voice, as calls have taught everybody to expect. */
export function microphoneConstraints(deviceId: string | null): MediaTrackConstraints {
  return {
    channelCount: { ideal: 2 },
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(deviceId === null ? {} : { deviceId: { exact: deviceId } }),
  };
}

/** One track out of several. */
export interface Mix {
  readonly track: MediaStreamTrack;
  close(): void;
}

export class SoundInput {
  readonly #devices: MediaDevices;
  readonly #mixer: (tracks: readonly MediaStreamTrack[]) => Mix;
  readonly #onChange: () => void;
  #microphone: MediaStreamTrack | null = null;
  #screen: MediaStreamTrack | null = null;
  #mix: Mix | null = null;
  #deviceId: string | null = null;
  #trouble: Trouble | null = null;
  #isMuted = false;
  #asked = 0;

  /** `onChange` is called when a track, the trouble or the muting has changed. */
  constructor(
    devices: MediaDevices,
    mixer: (tracks: readonly MediaStreamTrack[]) => Mix,
    onChange: () => void,
  ) {
    this.#devices = devices;
    this.#mixer = mixer;
    this.#onChange = onChange;
  }

  /** What is to be sent. A microphone alone is sent as it is, without the detour through a mixer. */
  get track(): MediaStreamTrack | null {
    return this.#mix?.track ?? this.#microphone ?? this.#screen;
  }

  get microphone(): MediaStreamTrack | null {
    return this.#microphone;
  }

  get deviceId(): string | null {
    return this.#deviceId;
  }

  get trouble(): Trouble | null {
    return this.#trouble;
  }

  get isMuted(): boolean {
    return this.#isMuted;
  }

  /** Uses a microphone that is open already. */
  adopt(track: MediaStreamTrack): void {
    this.#microphone = track;
    this.#deviceId = track.getSettings().deviceId ?? this.#deviceId;
    this.#trouble = null;
    track.enabled = !this.#isMuted;
    track.onended = () => {
      if (track !== this.#microphone) return;
      this.#microphone = null;
      this.#trouble = unplugged("microphone");
      this.#changed();
    };
    track.onmute = () => {
      if (track === this.#microphone) this.fail(paused("microphone"));
    };
    track.onunmute = () => {
      if (track === this.#microphone) this.fail(null);
    };
    this.#changed();
  }

  fail(trouble: Trouble | null): void {
    this.#trouble = trouble;
    this.#onChange();
  }

  /** Uses another microphone. The one before goes on until the new one is there. */
  async openMicrophone(deviceId: string | null = this.#deviceId): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const audio = microphoneConstraints(deviceId);
      const [track] = (await this.#devices.getUserMedia({ audio })).getAudioTracks();
      if (track === undefined) return;
      if (asked !== this.#asked) return track.stop();
      this.#microphone?.stop();
      this.adopt(track);
    } catch (error) {
      if (asked === this.#asked) this.fail(troubleOf(error, "microphone"));
    }
  }

  /** Adds the sound of a shared screen until that ends; null takes it away. */
  setScreen(track: MediaStreamTrack | null): void {
    if (track === this.#screen) return;
    this.#screen?.stop();
    this.#screen = track;
    if (track !== null) {
      track.onended = () => {
        if (track === this.#screen) this.setScreen(null);
      };
    }
    this.#changed();
  }

  /** Only the microphone: a shared screen has its own volume. */
  setMuted(isMuted: boolean): void {
    this.#isMuted = isMuted;
    if (this.#microphone !== null) this.#microphone.enabled = !isMuted;
    this.#onChange();
  }

  /** Devices came or went: a microphone that was unplugged may be back. */
  devicesChanged(ids: readonly string[]): void {
    if (this.#microphone === null && this.#deviceId !== null && ids.includes(this.#deviceId)) {
      void this.openMicrophone();
    }
  }

  #changed(): void {
    this.#mix?.close();
    const tracks = [this.#microphone, this.#screen].filter((track) => track !== null);
    this.#mix = tracks.length > 1 ? this.#mixer(tracks) : null;
    this.#onChange();
  }
}
