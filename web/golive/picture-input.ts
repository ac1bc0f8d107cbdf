/**
 * Where the picture comes from: one camera, or the screen.
 */

import { paused, troubleOf, unplugged, type Trouble } from "./trouble.ts";

/** Which way a phone's camera looks, in the words of `facingMode`. */
export type Facing = "user" | "environment";

/** Which camera; none of both is any. */
export interface CameraChoice {
  readonly deviceId?: string;
  readonly facing?: Facing;
}

/** 720p at 30 frames a second, as near as the camera comes. An upright phone turns it by itself. */
export function cameraConstraints({ deviceId, facing }: CameraChoice): MediaTrackConstraints {
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
    ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }),
    ...(facing === undefined ? {} : { facingMode: { ideal: facing } }),
  };
}

export class PictureInput {
  readonly #devices: MediaDevices;
  readonly #onChange: () => void;
  /** Opened again after a shared screen. */
  #choice: CameraChoice = {};
  #source: "camera" | "screen" | null = null;
  #track: MediaStreamTrack | null = null;
  #trouble: Trouble | null = null;
  #isUnplugged = false;
  /** Counts what was asked for, so that an answer that comes late is known. */
  #asked = 0;

  /** `onChange` is called when the track, the trouble or the source has changed. */
  constructor(devices: MediaDevices, onChange: () => void) {
    this.#devices = devices;
    this.#onChange = onChange;
  }

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  get source(): "camera" | "screen" | null {
    return this.#source;
  }

  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** Of the camera in use; null where it does not say, as most that are no phone's. */
  get facing(): Facing | null {
    const facing = this.#source === "camera" ? this.#track?.getSettings().facingMode : undefined;
    return facing === "user" || facing === "environment" ? facing : null;
  }

  /** The camera in use, or the one that was before a screen. */
  get deviceId(): string | null {
    return this.#choice.deviceId ?? null;
  }

  /** Uses a camera that is open already. */
  adopt(track: MediaStreamTrack): void {
    this.#take("camera", track);
  }

  fail(trouble: Trouble | null): void {
    this.#trouble = trouble;
    this.#onChange();
  }

  /**
   * Uses another camera. The one before is closed first: many phones open only one at a time. If the new
   * one fails, the one before comes back.
   */
  async openCamera(choice: CameraChoice = this.#choice): Promise<void> {
    const before = this.#choice;
    const asked = this.#release();
    try {
      await this.#open(choice, asked);
    } catch (error) {
      if (asked !== this.#asked) return;
      const trouble = troubleOf(error, "camera");
      if (before !== choice) await this.#open(before, asked).catch(() => undefined);
      if (asked === this.#asked) this.fail(trouble);
    }
  }

  /** From the front camera to the back one, or the other way. */
  async flip(): Promise<void> {
    await this.openCamera({ facing: this.facing === "environment" ? "user" : "environment" });
  }

  /** Shows the screen instead of the camera, and gives its sound if there is any. */
  async shareScreen(): Promise<MediaStreamTrack | null> {
    let stream: MediaStream;
    try {
      stream = await this.#devices.getDisplayMedia(SCREEN);
    } catch (error) {
      this.fail(troubleOf(error, "screen") ?? this.#trouble);
      return null;
    }
    this.#release();
    const [picture] = stream.getVideoTracks();
    const [sound = null] = stream.getAudioTracks();
    if (picture !== undefined) this.#take("screen", picture);
    return sound;
  }

  /** Devices came or went: a camera that was unplugged may be back. */
  devicesChanged(ids: readonly string[]): void {
    const { deviceId } = this.#choice;
    if (this.#isUnplugged && deviceId !== undefined && ids.includes(deviceId)) {
      void this.openCamera();
    }
  }

  async #open(choice: CameraChoice, asked: number): Promise<void> {
    const stream = await this.#devices.getUserMedia({ video: cameraConstraints(choice) });
    const [track] = stream.getVideoTracks();
    if (track === undefined) return;
    if (asked === this.#asked) this.#take("camera", track);
    else track.stop();
  }

  #take(source: "camera" | "screen", track: MediaStreamTrack): void {
    this.#source = source;
    this.#track = track;
    this.#trouble = null;
    if (source === "camera") {
      const { deviceId } = track.getSettings();
      this.#choice = deviceId === undefined ? {} : { deviceId };
    }
    // What moves is to move, and what is read is to be read.
    track.contentHint = source === "camera" ? "motion" : "detail";
    track.onended = () => {
      this.#onEnded(track);
    };
    track.onmute = () => {
      if (track === this.#track && source === "camera") this.fail(paused("camera"));
    };
    track.onunmute = () => {
      if (track === this.#track) this.fail(null);
    };
    this.#onChange();
  }

  /** Not told of tracks that we stop ourselves. */
  #onEnded(track: MediaStreamTrack): void {
    if (track !== this.#track) return;
    this.#track = null;
    // The browser's own "Stop sharing" leads back to the camera.
    if (this.#source === "screen") return void this.openCamera();
    this.#isUnplugged = true;
    this.fail(unplugged("camera"));
  }

  #release(): number {
    this.#track?.stop();
    this.#track = null;
    this.#isUnplugged = false;
    this.#asked += 1;
    return this.#asked;
  }
}

/** Fine print is to stay readable, so not scaled below what the screen has, up to 1080p. */
const SCREEN: DisplayMediaStreamOptions = {
  video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 30, max: 30 } },
  // The sound as it is: what cleans a voice would spoil music.
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};
