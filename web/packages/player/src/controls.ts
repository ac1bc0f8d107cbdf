/**
 * The player's own buttons: play, sound, full screen. They stay clear of the cards.
 */

export class Controls {
  readonly element = document.createElement("div");
  readonly #video: HTMLVideoElement;
  readonly #play: HTMLButtonElement;
  readonly #sound: HTMLButtonElement;
  readonly #whole: HTMLButtonElement;

  /** `whole` is what goes full screen; `resume` is called when playback goes on after a pause. */
  constructor(video: HTMLVideoElement, whole: Element, resume: () => void) {
    this.#video = video;
    this.element.className = "controls";
    this.#play = button(() => {
      if (!video.paused) {
        video.pause();
        return;
      }
      resume();
      void video.play().catch(() => undefined);
    });
    this.#sound = button(() => {
      video.muted = !video.muted;
    });
    this.#whole = button(() => {
      const change = document.fullscreenElement
        ? document.exitFullscreen()
        : whole.requestFullscreen();
      void change.catch(() => undefined);
    });
    label(this.#whole, "Full screen", ICONS.whole);
    this.#whole.hidden = !document.fullscreenEnabled;
    this.element.append(this.#play, this.#sound, this.#whole);
    for (const type of ["play", "pause", "volumechange"]) {
      video.addEventListener(type, () => {
        this.#update();
      });
    }
    this.#update();
  }

  #update(): void {
    const { paused, muted } = this.#video;
    label(this.#play, paused ? "Play" : "Pause", paused ? ICONS.play : ICONS.pause);
    label(this.#sound, muted ? "Unmute" : "Mute", muted ? ICONS.muted : ICONS.sound);
    this.#sound.classList.toggle("wide", muted);
  }
}

function button(onClick: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

function label(element: HTMLButtonElement, text: string, path: string): void {
  if (element.title === text) return;
  element.title = text;
  element.setAttribute("aria-label", text);
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  icon.append(shape);
  const caption = document.createElement("span");
  caption.className = "caption";
  caption.textContent = text;
  element.replaceChildren(icon, caption);
}

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  play: "M8 5.2v13.6c0 .8.9 1.3 1.6.8l10-6.8a1 1 0 0 0 0-1.6l-10-6.8A1 1 0 0 0 8 5.2z",
  pause: "M7 5h3v14H7zM14 5h3v14h-3z",
  sound:
    "M4 9.5v5h3.2L12 18.6V5.4L7.2 9.5zM14.5 8.2a5 5 0 0 1 0 7.6l-1-1.3a3.3 3.3 0 0 0 0-5zM16.8 5.6a8.5 8.5 0 0 1 0 12.8l-1-1.4a6.8 6.8 0 0 0 0-10z",
  muted:
    "M4 9.5v5h3.2L12 18.6V5.4L7.2 9.5zM14.6 9.7l1.1-1.1 2.3 2.3 2.3-2.3 1.1 1.1-2.3 2.3 2.3 2.3-1.1 1.1-2.3-2.3-2.3 2.3-1.1-1.1 2.3-2.3z",
  whole: "M5 5h6v2H7v4H5zM13 5h6v6h-2V7h-4zM5 13h2v4h4v2H5zM17 13h2v6h-6v-2h4z",
};
