/** Goes live by WHIP (RFC 9725) with tracks that somebody else captured. Knows no page. */

export type { Notice, Status } from "./notice.ts";
export { browser, type Platform } from "./platform.ts";
export { WhipPublisher } from "./publisher.ts";
export type { Kind, Media, Target } from "./session.ts";
export { UplinkMeter, type Uplink } from "./uplink.ts";
