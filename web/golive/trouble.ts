/**
 * Why there is no picture or no sound, and what a seller can do about it.
 */

export interface Trouble {
  readonly title: string;
  readonly detail: string;
}

/** What could not be had. */
export type Wanted = "camera" | "microphone" | "camera and microphone" | "screen";

/** What a failed `getUserMedia` or `getDisplayMedia` means; null when it was the seller's own wish. */
export function troubleOf(error: unknown, wanted: Wanted): Trouble | null {
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  const are = wanted.includes(" and ") ? "are" : "is";
  switch (name) {
    case "NotAllowedError":
      if (/system/i.test(message)) return bySystem(wanted);
      // A screen that is not chosen in the browser's own dialogue is "not allowed", too.
      if (wanted === "screen") return null;
      return {
        title: `The ${wanted} ${are} blocked`,
        detail:
          "Allow this page to use them: press the sign beside the address at the top, set Camera and " +
          "Microphone to Allow, then press Try again. On a phone also look in the system's settings for " +
          "the browser.",
      };
    case "SecurityError":
      return {
        title: `The ${wanted} ${are} blocked`,
        detail: "A rule of this browser forbids it. Ask whoever looks after this device.",
      };
    case "NotFoundError":
      return {
        title: `No ${wanted} was found`,
        detail:
          wanted === "microphone"
            ? "Plug one in, or viewers hear nothing."
            : "Plug one in and press Try again, share the screen, or open this page on a phone.",
      };
    case "NotReadableError":
    case "AbortError":
      return {
        title: `The ${wanted} cannot be read`,
        detail: "Another program may be using it. Close that program, then press Try again.",
      };
    case "OverconstrainedError":
      return { title: `That ${wanted} is not there any more`, detail: "Choose another one." };
    default:
      return {
        title: `The ${wanted} could not be opened`,
        detail: `The browser says: ${message || name || "nothing"}. Choose another one, or press Try again.`,
      };
  }
}

/** The device that was in use has gone. */
export function unplugged(wanted: "camera" | "microphone"): Trouble {
  return {
    title: `The ${wanted} was disconnected`,
    detail: "Plug it in again and it goes on by itself, or choose another one.",
  };
}

/** The system holds the device back for now: a phone call, a lid, a page in the background. */
export function paused(wanted: "camera" | "microphone"): Trouble {
  return {
    title: `The ${wanted} has paused`,
    detail: "Keep this page in front and end any call; it goes on by itself.",
  };
}

/** Browsers hide cameras from pages that somebody on the way could have changed. */
export function insecure({ port, pathname }: Pick<Location, "port" | "pathname">): Trouble {
  const local = `http://localhost${port === "" ? "" : `:${port}`}${pathname}`;
  return {
    title: "This page was not opened securely",
    detail:
      "A browser gives a camera only to secure pages. Open this page at the server's https address, or, " +
      `on the machine that runs the server, at ${local}.`,
  };
}

function bySystem(wanted: Wanted): Trouble {
  return {
    title: `The system keeps the ${wanted} from the browser`,
    detail:
      "Allow the browser in the system's settings under Privacy, start the browser again, and come back.",
  };
}
