/**
 * The page's one audio context: mixes what is sent, and listens to the microphone for the meter.
 */

import { decibels } from "./level.ts";
import type { Mix } from "./sound-input.ts";

/** Listens to one track. */
export interface Listener {
  /** Decibels below full scale, of the last 43 ms; null while the browser holds the context back. */
  read(): number | null;
  close(): void;
}

export class AudioGraph {
  #made: AudioContext | null = null;

  /** Browsers start a context only after a click or a key, and only then is there a level or a mix. */
  resume(): void {
    if (this.#made?.state === "suspended") void this.#made.resume().catch(() => undefined);
  }

  mix(tracks: readonly MediaStreamTrack[]): Mix {
    const context = this.#context();
    const output = context.createMediaStreamDestination();
    const sources = tracks.map((track) => this.#source(track));
    for (const source of sources) source.connect(output);
    this.resume();
    const [track] = output.stream.getAudioTracks();
    if (track === undefined) throw new Error("an audio destination has a track");
    return {
      track,
      close() {
        for (const source of sources) source.disconnect();
        track.stop();
      },
    };
  }

  listen(track: MediaStreamTrack): Listener {
    const context = this.#context();
    const analyser = context.createAnalyser();
    analyser.fftSize = SAMPLES;
    const source = this.#source(track);
    source.connect(analyser);
    this.resume();
    const samples = new Float32Array(SAMPLES);
    return {
      read() {
        if (context.state !== "running") return null;
        analyser.getFloatTimeDomainData(samples);
        return decibels(samples);
      },
      close() {
        source.disconnect();
      },
    };
  }

  #context(): AudioContext {
    this.#made ??= new AudioContext();
    return this.#made;
  }

  #source(track: MediaStreamTrack): MediaStreamAudioSourceNode {
    return this.#context().createMediaStreamSource(new MediaStream([track]));
  }
}

const SAMPLES = 2048;
