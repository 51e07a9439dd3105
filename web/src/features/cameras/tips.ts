import type { ProbeResult } from "../../api/client";
import { text } from "../../i18n";

/** What to try when a camera does not work, by the kind of its problem. */
export function tipFor(cause: ProbeResult["cause"]): string {
  const { generic, login, refused, timeout, notFound, name, busy } = text.cameras.tips;
  const tips: Record<typeof cause, string> = {
    login, refused, busy, not_found: notFound, no_host: name, unreachable: timeout, silent: timeout, other: generic,
  };
  return tips[cause];
}
