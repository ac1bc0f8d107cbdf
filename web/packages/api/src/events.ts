/**
 * A stream's side channel over Server-Sent Events.
 */

import { Backoff } from "./backoff.ts";

/** Who is told of the messages. */
export interface EventHandlers {
  /** The data of one snapshot, cues or heartbeat event. */
  onMessage(text: string): void;
  /** The connection was lost or refused; it is tried again without being asked. */
  onLost?(): void;
}

/** An open subscription. */
export interface Subscription {
  close(): void;
}

/**
 * Follows what `url` says, asked at each new connection, until closed. The browser reconnects by itself after
 * a dropped connection, with `Last-Event-ID`; after an answer other than 200 it gives up (HTML §9.2.3), and
 * then this one goes on.
 */
export function subscribe(url: () => string, handlers: EventHandlers): Subscription {
  const backoff = new Backoff(1000, 10_000);
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  const open = (): void => {
    const current = new EventSource(url());
    source = current;
    const onMessage = (event: MessageEvent<string>): void => {
      backoff.reset();
      handlers.onMessage(event.data);
    };
    for (const name of EVENT_NAMES) current.addEventListener(name, onMessage);
    current.onerror = () => {
      handlers.onLost?.();
      // Whoever was told may have closed it, and that too makes it CLOSED.
      if (closed || current.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, backoff.next());
    };
  };
  open();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      source?.close();
    },
  };
}

const EVENT_NAMES = ["snapshot", "cues", "heartbeat"] as const;
