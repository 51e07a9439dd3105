import type { ParkingSpace } from "../../api/client";
import type { VersionedSpaces } from "../../api/queries";

/** Changes that are not saved yet, kept by this browser: a closed tab or a lost connection loses none. */
export interface Draft {
  /** What the changes are based on. */
  base: VersionedSpaces;
  spaces: ParkingSpace[];
}

const keyOf = (cameraId: string) => `lotcast.draft.${cameraId}`;

export function readDraft(cameraId: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(cameraId)) ?? "null");
    return isDraft(kept) ? kept : null;
  } catch {
    return null;
  }
}

/** Keeps the draft; null forgets it. */
export function writeDraft(cameraId: string, draft: Draft | null): void {
  try {
    if (draft === null) localStorage.removeItem(keyOf(cameraId));
    else localStorage.setItem(keyOf(cameraId), JSON.stringify(draft));
  } catch {
    // a browser that keeps nothing: the changes last as long as the tab
  }
}

function isDraft(value: unknown): value is Draft {
  const has = (one: unknown, name: string): one is Record<string, unknown> => typeof one === "object" && one !== null && name in one;
  return has(value, "spaces") && Array.isArray(value["spaces"]) && has(value["base"], "spaces") && Array.isArray(value["base"]["spaces"]);
}
