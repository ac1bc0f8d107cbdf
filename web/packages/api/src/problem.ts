/**
 * Errors as the server tells them: RFC 9457 problem details.
 */

/** What went wrong, in the server's words. */
export interface Problem {
  /** RFC 9457 §3.1.1: what kind of problem; "about:blank" when only the status says. */
  readonly type: string;
  /** Short, the same for every case of the type. */
  readonly title: string;
  readonly status: number;
  /** This case, in plain words for the person who can do something about it. */
  readonly detail: string | null;
}

/** A request that the server refused. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly problem: Problem;
  /** When the server asked to be left alone, for how long. */
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, retryAfterMs: number | null) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The error that a response other than 2xx stands for. */
export async function errorFrom(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  return new ApiError(readProblem(text, response.status, response.statusText), retryAfterMs);
}

/** Reads a problem's JSON; a body that is none gives the status's own words. */
export function readProblem(text: string, status: number, statusText: string): Problem {
  const blank: Problem = {
    type: "about:blank",
    title: statusText || `HTTP ${String(status)}`,
    status,
    detail: null,
  };
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null) return blank;
    const { type, title, detail } = json as Readonly<Record<string, unknown>>;
    return {
      type: typeof type === "string" ? type : blank.type,
      title: typeof title === "string" ? title.slice(0, TEXT_CHARS_MAX) : blank.title,
      status,
      detail: typeof detail === "string" ? detail.slice(0, TEXT_CHARS_MAX) : null,
    };
  } catch {
    return blank;
  }
}

/** RFC 9110 §10.2.3: a number of seconds or a date. Null for neither. */
export function parseRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Math.min(Number(value) * 1000, RETRY_AFTER_MS_MAX);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.min(Math.max(date - nowMs, 0), RETRY_AFTER_MS_MAX);
}

/** A notice, not a page. */
const TEXT_CHARS_MAX = 600;
/** A mistaken header must not silence a player for a day. */
const RETRY_AFTER_MS_MAX = 60_000;
