/**
 * Defines `<shopcast-player>`. Importing this module is all that a page does.
 */

import { ShopcastPlayer } from "./element.ts";
import type { ShopcastEventMap } from "./events.ts";

if (customElements.get("shopcast-player") === undefined) {
  customElements.define("shopcast-player", ShopcastPlayer);
}

declare global {
  interface HTMLElementTagNameMap {
    "shopcast-player": ShopcastPlayer;
  }
  interface HTMLElementEventMap extends ShopcastEventMap {}
}

export { ShopcastPlayer, type Protocol } from "./element.ts";
export type { CuesDetail, LateCue, ShownCard, StateDetail } from "./events.ts";
export type { Notice, Status } from "./notice.ts";
