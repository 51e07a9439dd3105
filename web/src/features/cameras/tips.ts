import { text } from "../../i18n";

/** What to try when a camera does not work, by what the probe says of it. */
export function tipFor(problem: string): string {
  const { generic, login, refused, timeout, notFound, name } = text.cameras.tips;
  const words = problem.toLowerCase();
  if (/\b401\b|\b403\b|unauthori|log.?in|password|credential/.test(words)) return login;
  if (/refused/.test(words)) return refused;
  if (/\b404\b|not found/.test(words)) return notFound;
  if (/name or service|resolve|unknown host|getaddrinfo|no address/.test(words)) return name;
  if (/time|no answer|did not answer|unreachable|no route|sent nothing/.test(words)) return timeout;
  return generic;
}
