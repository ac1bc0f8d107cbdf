/**
 * Numbers as the page says them.
 */

/** `0:07`, `12:34`, `1:02:03`. */
export function elapsed(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1000), 0);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${String(h)}:${two(m)}:${two(s)}` : `${String(m)}:${two(s)}`;
}

export function bitrate(bps: number | null): string {
  if (bps === null) return NOTHING;
  const mbps = bps / 1e6;
  return mbps < 1 ? `${String(Math.round(bps / 1000))} kbit/s` : `${mbps.toFixed(1)} Mbit/s`;
}

export function size(width: number | null, height: number | null): string {
  return width === null || height === null ? NOTHING : `${String(width)} × ${String(height)}`;
}

export function frameRate(value: number | null): string {
  return value === null ? NOTHING : `${String(Math.round(value))}/s`;
}

export function milliseconds(value: number | null): string {
  return value === null ? NOTHING : `${String(Math.round(value))} ms`;
}

export function percent(value: number | null): string {
  if (value === null) return NOTHING;
  return value > 0 && value < 10 ? `${value.toFixed(1)} %` : `${String(Math.round(value))} %`;
}

/** Not known. */
export const NOTHING = "–";
