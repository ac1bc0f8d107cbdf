/**
 * How loud a microphone is.
 */

/** In decibels below full scale, of samples from -1 to 1. */
export function decibels(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10(sum / Math.max(samples.length, 1) + TINY);
}

/** From 0 to 1 as a meter shows it: 60 decibels wide. */
export function meterPosition(db: number): number {
  return Math.min(Math.max(1 + db / 60, 0), 1);
}

/** Below the noise of an open microphone in a quiet room; what is switched off is far below. */
export const SILENT_DB = -70;
/** Stands for zero, of which there is no logarithm. */
const TINY = 1e-12;
