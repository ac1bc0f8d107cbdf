/** What WHIP and WHEP have in common. Knows neither what is sent nor what is shown. */

export { HttpSession, type Edits, type Handlers, type Target } from "./http-session.ts";
export { browser, type Platform } from "./platform.ts";
