/**
 * Which addresses a card may load a picture from.
 */

/**
 * The address of a card's picture, or null when it may not be loaded. Cues come from people who sell,
 * not from whoever runs the page: an https address or a path on the server's own origin, nothing else.
 */
export function imageUrl(image: string | null, server: string): string | null {
  if (image === null) return null;
  try {
    const url = new URL(image, server);
    const isOwn = url.origin === new URL(server).origin && /^https?:$/.test(url.protocol);
    return url.protocol === "https:" || isOwn ? url.href : null;
  } catch {
    return null;
  }
}
