import type { CameraView, ProbeResult } from "../api/client";
import { text } from "../i18n";

type Status = CameraView["status"];

/** Why a camera cannot be read. The server's own words are English and say more; elsewhere its kind is told. */
export function reasonOf({ error, error_cause: cause }: Pick<Status, "error" | "error_cause">): string {
  return inOurWords(error ?? "", cause ?? "other", text.causes);
}

/** What was wrong with an address that was tried. */
export function probeProblem({ problem, cause }: Pick<ProbeResult, "problem" | "cause">): string {
  return inOurWords(problem, cause, text.causes);
}

/** What to know of a camera that works; null if there is nothing. */
export function noticeOf({ notice, view }: Pick<Status, "notice" | "view">): string | null {
  return typeof notice === "string" ? inOurWords(notice, view ?? "clear", text.views) : null;
}

function inOurWords(said: string, code: string, words: Record<string, string>): string {
  const ours = words[code];
  return said === "" || text.locale === "en" || ours === undefined ? said : ours;
}
