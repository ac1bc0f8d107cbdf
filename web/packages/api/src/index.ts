/** A small typed client of the server's HTTP API. */

export { Backoff } from "./backoff.ts";
export {
  Client,
  type ArmedView,
  type At,
  type AudioView,
  type Bucket,
  type ClientOptions,
  type CueBody,
  type CueReceipt,
  type ContentBody,
  type CueRequest,
  type PriceBody,
  type Delivery,
  type Ends,
  type ProductBody,
  type Reported,
  type State,
  type StateCard,
  type StreamView,
  type Verdict,
  type RepairView,
  type VideoView,
} from "./client.ts";
export type { EventHandlers, Subscription } from "./events.ts";
export { notice, sentence, type Notice } from "./notice.ts";
export { ApiError, errorFrom, parseRetryAfter, readProblem, type Problem } from "./problem.ts";
export { bearer, parseToken, withToken, type TokenSource } from "./token.ts";
