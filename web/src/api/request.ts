import { serverClock } from "../shared/serverClock";

/** The gateway answers within this, or it does not answer. */
export const DEADLINE_MS = 10_000;

/** A request that failed; its text is a sentence that says what is wrong and what to do. */
export class RequestError extends Error {
  constructor(
    /** The answer's status; null if there was no answer. */
    readonly status: number | null,
    text: string,
  ) {
    super(text);
    this.name = "RequestError";
  }
}

/**
 * `fetch` with a deadline, whose failures are told in a person's words. Learns the server's clock from the answer.
 *
 * @throws RequestError no answer came; an answer with an error status is returned like any other.
 */
export async function request(path: string, init: RequestInit & { signal?: AbortSignal } = {}, deadlineMs = DEADLINE_MS): Promise<Response> {
  const abort = new AbortController();
  const giveUp = () => { abort.abort(); };
  const timer = setTimeout(giveUp, deadlineMs);
  init.signal?.addEventListener("abort", giveUp);
  if (init.signal?.aborted) giveUp();
  const sentAt = Date.now();
  try {
    const answer = await fetch(path, { ...init, signal: abort.signal });
    serverClock.observe(answer.headers.get("Date"), sentAt, Date.now());
    return answer;
  } catch (error) {
    if (init.signal?.aborted) {
      throw error;
    }
    throw abort.signal.aborted
      ? new RequestError(null, `The gateway did not answer within ${deadlineMs / 1000} s. It may be overloaded or cut off.`)
      : new RequestError(null, "The gateway cannot be reached. Check that Lotcast is running and that this device is online.");
  } finally {
    clearTimeout(timer);
    init.signal?.removeEventListener("abort", giveUp);
  }
}

/** What an answer with an error status says, as a sentence for people. */
export async function problemOf(answer: Response): Promise<RequestError> {
  let detail: unknown;
  try {
    const body: unknown = await answer.json();
    detail = typeof body === "object" && body !== null && "detail" in body ? body.detail : undefined;
  } catch {
    detail = undefined; // not JSON: a proxy in front answered
  }
  return new RequestError(answer.status, typeof detail === "string" && detail !== "" ? sentence(detail) : withoutWords(answer.status));
}

function withoutWords(status: number): string {
  if (status === 401) return "Log in to see this.";
  if (status === 403) return "Your log-in does not allow this.";
  if (status === 404) return "This does not exist (any more).";
  if (status === 413) return "This is too large.";
  if (status === 429) return "Too many requests. Wait a minute.";
  if (status === 502 || status === 503 || status === 504) return "The gateway is not available just now. It is tried again by itself.";
  return `The gateway could not do this (error ${status}). Its log says more.`;
}

/** The text with a capital at its start and a full stop at its end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
