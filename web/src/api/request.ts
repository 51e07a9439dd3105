import { currentLanguage, text } from "../i18n";
import { serverClock } from "../shared/serverClock";

/** The gateway answers within this, or it does not answer. */
export const DEADLINE_MS = 10_000;

/** A request that failed; its text is a sentence that says what is wrong and what to do. */
export class RequestError extends Error {
  constructor(
    /** The answer's status; null if there was no answer. */
    readonly status: number | null,
    sentenceForPeople: string,
  ) {
    super(sentenceForPeople);
    this.name = "RequestError";
  }
}

/**
 * `fetch` with a deadline, whose failures are told in a person's words. Learns the server's clock from the answer.
 *
 * An answer with an error status is returned like any other.
 *
 * @throws RequestError no answer came.
 */
export async function request(asked: Request, deadlineMs = DEADLINE_MS): Promise<Response> {
  // Not `AbortSignal.any`, which browsers of the last three years do not all have.
  const abort = new AbortController();
  const giveUp = () => { abort.abort(); };
  const timer = setTimeout(giveUp, deadlineMs);
  asked.signal.addEventListener("abort", giveUp);
  if (asked.signal.aborted) giveUp();
  const sentAt = Date.now();
  try {
    const answer = await fetch(asked, { signal: abort.signal });
    serverClock.observe(answer.headers.get("Date"), sentAt, Date.now());
    return answer;
  } catch (error) {
    if (asked.signal.aborted) {
      throw error;
    }
    throw new RequestError(null, abort.signal.aborted ? text.problem.silent(deadlineMs / 1000) : text.problem.unreachable);
  } finally {
    clearTimeout(timer);
    asked.signal.removeEventListener("abort", giveUp);
  }
}

/**
 * What an answer with an error status says, as a sentence for people in their language.
 *
 * @param body of the answer: a problem (RFC 9457), or whatever a proxy in front has sent.
 */
export function problemOf(status: number, body: unknown): RequestError {
  const detail = typeof body === "object" && body !== null && "detail" in body ? body.detail : undefined;
  if (typeof detail !== "string" || detail === "") {
    const isAway = status === 502 || status === 503 || status === 504;
    return new RequestError(status, ownWords(status) ?? (isAway ? text.problem.unavailable : text.problem.other(status)));
  }
  if (currentLanguage() === "en") {
    return new RequestError(status, sentence(detail));
  }
  const [, field = "", reason = detail] = /^(\w+: )(.*)$/s.exec(detail) ?? [];
  const known = status === 409 && field === "id: " ? text.problem.idTaken : ownWords(status);
  return new RequestError(status, field + (known ?? text.problem.inEnglish(sentence(reason))));
}

/** What the gateway says in English, marked as such where the page is in another language. */
export function fromGateway(words: string): string {
  return currentLanguage() === "en" ? sentence(words) : text.problem.inEnglish(sentence(words));
}

function ownWords(status: number): string | null {
  if (status === 401) return text.problem.login;
  if (status === 403) return text.problem.forbidden;
  if (status === 404) return text.problem.missing;
  if (status === 409 || status === 412) return text.problem.changed;
  if (status === 413) return text.problem.tooLarge;
  if (status === 429) return text.problem.tooMany;
  return null;
}

/** The text with a capital at its start and a full stop at its end. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
